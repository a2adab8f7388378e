package differential

import (
	"fmt"
	"strings"
)

// family says which literals go with a column.
type family int

const (
	integer family = iota
	unsigned
	decimal
	double
	text
	date
	moment
	span
)

type column struct {
	name   string
	family family
	key    bool
}

type table struct {
	name    string
	columns []column
}

const (
	// Placement for the proxy: all others are sharded by their primary key.
	schemas = "schemas:\n  - name: d\n    tables:\n      - {name: g, kind: global}\n"

	payload = `i INT, u BIGINT UNSIGNED, d DECIMAL(12,3), f DOUBLE, s VARCHAR(20), c CHAR(8), dt DATE, ts DATETIME(3), tm TIME(1)`
	charset = ` DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci`
)

var definitions = []string{
	"CREATE TABLE a (id INT PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE a2 (id INT PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE b (k VARCHAR(20) PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE n (k DECIMAL(8,3) PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE m (k DATE PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE l (k CHAR(6) CHARACTER SET latin1 PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE w (k BIGINT UNSIGNED PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE v (k VARBINARY(9) PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE p (k DATETIME(3) PRIMARY KEY, " + payload + ")" + charset,
	"CREATE TABLE g (id INT PRIMARY KEY, " + payload + ")" + charset,
}

var (
	values = []column{
		{"i", integer, false}, {"u", unsigned, false}, {"d", decimal, false}, {"f", double, false}, {"s", text, false},
		{"c", text, false}, {"dt", date, false}, {"ts", moment, false}, {"tm", span, false},
	}
	tableA  = table{"a", append([]column{{"id", integer, true}}, values...)}
	tableA2 = table{"a2", append([]column{{"id", integer, true}}, values...)}
	tableB  = table{"b", append([]column{{"k", text, true}}, values...)}
	tableG  = table{"g", append([]column{{"id", integer, true}}, values...)}
	all     = []table{tableA, tableA2, tableB, tableG, keyed("n", decimal), keyed("m", date), keyed("l", text), keyed("w", unsigned), keyed("v", text), keyed("p", moment)}
)

func keyed(name string, f family) table {
	return table{name, append([]column{{"k", f, true}}, values...)}
}

// words meet often, and differ in case, accents and trailing spaces.
var words = []string{"", " ", "a", "A", "á", "Á", "a ", "ab", "aB", "b", "B ", "ß", "s", "ss", "zeta", "Zeta", "10", "9", "z  ", "ñ", "n", "N", "ω", "Ω", "a\t", "a'b", "😀"}

// value draws a literal's value for a family: nil, int64, or a string; few distinct ones, so that rows meet.
func (g *generator) value(f family) any {
	switch f {
	case integer:
		return int64(g.r.IntN(61) - 20)
	case unsigned:
		return []any{int64(0), int64(1), int64(7), int64(40), raw("9223372036854775807"), raw("9223372036854775808"), raw("18446744073709551")}[g.r.IntN(7)]
	case decimal:
		return raw(fmt.Sprintf("%d.%03d", g.r.IntN(21)-10, []int{0, 5, 125, 500, 999}[g.r.IntN(5)]))
	case double: // sums of these are exact in any order
		return raw(fmt.Sprintf("%d.%02de0", g.r.IntN(21)-10, []int{0, 25, 50, 75}[g.r.IntN(4)]))
	case date:
		return fmt.Sprintf("20%02d-%02d-%02d", g.r.IntN(3), g.r.IntN(2)*11+1, g.r.IntN(4)+1)
	case moment:
		return fmt.Sprintf("20%02d-%02d-%02d %02d:00:00.%03d", g.r.IntN(2), g.r.IntN(2)+1, g.r.IntN(2)+1, g.r.IntN(3)*10, []int{0, 1, 120}[g.r.IntN(3)])
	case span:
		return fmt.Sprintf("%s%02d:00:%02d.%d", []string{"", "-"}[g.r.IntN(2)], []int{0, 1, 9, 120}[g.r.IntN(4)], g.r.IntN(3), g.r.IntN(2)*5)
	}
	return words[g.r.IntN(len(words))]
}

// raw is a number that is written as it stands.
type raw string

func quoted(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return quoted(string(v))
	case string:
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(v) + "'"
	default:
		return fmt.Sprint(v)
	}
}
