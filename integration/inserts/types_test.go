package inserts

import (
	"fmt"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// kinds are column types with values at their edges. The table from has a column of each, to has one that takes it.
var kinds = []struct{ name, kind, values string }{
	{"ti", "TINYINT", "-128, 0, 127"},
	{"bu", "BIGINT UNSIGNED", "0, 9223372036854775808, 18446744073709551615"},
	{"zf", "INT(6) ZEROFILL", "0, 42, 1234567"},
	{"de", "DECIMAL(30,10)", "-12345678901234567890.0123456789, 0, 1.5"},
	{"fl", "FLOAT", "0.1, 16777217, -3.4e38"},
	{"db", "DOUBLE", "0.1, 1.7976931348623157e308, 5e-324"},
	{"yr", "YEAR", "1901, 2024, 2155"},
	{"da", "DATE", "'1000-01-01', '2024-02-29', '9999-12-31'"},
	{"dt", "DATETIME(6)", "'1000-01-01 00:00:00', '2024-02-29 12:34:56.789012', '9999-12-31 23:59:59.999999'"},
	{"ts", "TIMESTAMP(3) NULL", "'1970-01-02 00:00:01', '2024-02-29 12:34:56.789', NULL"},
	{"tm", "TIME(3)", "'-838:59:59', '00:00:00.5', '838:59:59'"},
	{"vc", "VARCHAR(30)", "'', 'it''s \\\\ \"x\" %', 'ä😀'"},
	{"ch", "CHAR(10)", "'', 'a ', 'ß'"},
	{"l1", "VARCHAR(20) CHARACTER SET latin1", "'', 'é', 'abc'"},
	{"vb", "VARBINARY(20)", "'', X'00FF80', '123'"},
	{"bb", "BINARY(4)", "'', 'ab', X'00FF00FF'"},
	{"tx", "TEXT", "'', 'line\\nline', REPEAT('ä', 3000)"},
	{"bl", "BLOB", "'', X'00', REPEAT(X'FE', 3000)"},
	{"bi", "BIT(17)", "b'0', b'101', b'11111111111111111'"},
	{"en", "ENUM('x', 'y', '5')", "'x', 'y', '5'"},
	{"se", "SET('p', 'q', 'r')", "'', 'p,r', 'q'"},
	{"js", "JSON", "'{\"a\": [1, 2.5, null]}', '\"text\"', '1'"},
	{"pt", "POINT", "POINT(1, 2), POINT(-0.5, 1e10), NULL"},
}

// shown writes a column so that every bit of it can be seen.
func shown(name string) string {
	switch name {
	case "fl":
		return "fl+0e0"
	case "js":
		return "js"
	}
	return "HEX(" + name + ")"
}

func (p *pair) kindTables() {
	var columns []string
	for _, k := range kinds {
		columns = append(columns, k.name+" "+k.kind)
	}
	for _, n := range []string{"src", "dst"} {
		p.both("CREATE TABLE " + n + " (id INT PRIMARY KEY, " + strings.Join(columns, ", ") + ")")
	}
	for row := range 3 {
		var values []string
		for _, k := range kinds {
			values = append(values, split(k.values)[row])
		}
		p.both(fmt.Sprintf("INSERT INTO src VALUES (%d, %s)", row+1, strings.Join(values, ", ")))
	}
}

// split cuts at commas outside quotes and parentheses.
func split(list string) (out []string) {
	depth, quoted, start := 0, false, 0
	for i := range len(list) {
		switch c := list[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(list[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(list[start:]))
}

// TestTypesTravel copies each type into itself, to rows of other shards.
func TestTypesTravel(t *testing.T) {
	p := start(t)
	p.kindTables()
	var names, list []string
	for _, k := range kinds {
		names, list = append(names, k.name), append(list, shown(k.name))
	}
	p.same("INSERT INTO dst (id, " + strings.Join(names, ", ") + ") SELECT id + 10, " + strings.Join(names, ", ") + " FROM src ORDER BY id")
	for i, n := range names {
		p.sameRows("SELECT id, "+list[i]+" FROM dst ORDER BY id", "the copy of "+n)
	}
}

// TestTypesConvert puts a column of each type into one of each other, row by row, strictly and with IGNORE.
func TestTypesConvert(t *testing.T) {
	if cluster.Engine(t) != localdb.MariaDB {
		t.Skip("MySQL's conversions between all types are not compared yet")
	}
	p := start(t)
	p.kindTables()
	refusals := 0
	for _, from := range kinds {
		for _, to := range kinds {
			if from.name == to.name {
				continue
			}
			for _, verb := range []string{"INSERT", "INSERT IGNORE"} {
				sql := fmt.Sprintf("%s INTO dst (id, %s) SELECT id + 10, %s FROM src ORDER BY id", verb, to.name, from.name)
				got := ask(t, p.proxy, sql)
				if code(got) == refusal {
					refusals++
					continue
				}
				want := ask(t, p.plain, sql)
				ok := code(want) != 0 && code(want) == code(got) || p.compare(sql, want, got) // messages show values in several forms
				p.sameRows("SELECT id, "+shown(to.name)+" FROM dst ORDER BY id", sql)
				if ok && code(want) == 0 {
					p.sameRows(warnings, sql)
				}
				p.both("DELETE FROM dst")
			}
		}
	}
	t.Logf("%d refused", refusals)
	if most := 330; refusals > most {
		t.Errorf("%d conversions are refused, more than %d", refusals, most)
	}
}
