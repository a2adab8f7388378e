package merge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// oracleColumn is a column of the table that the oracle has whole and in three parts.
type oracleColumn struct {
	name, definition string
	values           []string // SQL literals; NULL is added
	weight           string   // what it compares by; "" by itself
	pad              bool
	number           bool // SUM and AVG make sense
	integer          bool // BIT_AND … make sense
}

var words = []string{"''", "' '", "'a'", "'A'", "'a '", "'a  '", "'á'", "'ab'", "'a b'", "'B'", "'b'", "'z'", "'_'", "'ss'", "'ß'", "'10'", "'9'"}

var oracleColumns = []oracleColumn{
	{name: "i8", definition: "TINYINT", values: []string{"-128", "-1", "0", "5", "127"}, number: true, integer: true},
	{name: "i64", definition: "BIGINT", values: []string{"-9223372036854775808", "-10", "9", "10", "9223372036854775807"}, number: true, integer: true},
	{name: "u64", definition: "BIGINT UNSIGNED", values: []string{"0", "3", "20", "9223372036854775808", "18446744073709551615"}, number: true, integer: true},
	{name: "zf", definition: "INT(7) ZEROFILL", values: []string{"0", "12", "9999999", "123456789"}, number: true, integer: true},
	{name: "d0", definition: "DECIMAL(12,0)", values: []string{"-7", "0", "3", "100"}, number: true},
	{name: "d2", definition: "DECIMAL(10,2)", values: []string{"-0.01", "0", "1.10", "12.34", "99999999.99"}, number: true},
	{name: "d5", definition: "DECIMAL(20,5)", values: []string{"-1.00001", "2", "0.33333", "123456789012345.54321"}, number: true},
	{name: "d14", definition: "DECIMAL(40,14)", values: []string{"-1.5", "2", "0.00000000000007", "12345678901234567890123456"}, number: true},
	{name: "d30", definition: "DECIMAL(65,30)", values: []string{"-1.5", "1e-30", "0.1", "888888888888888888888888888888888.000000000000000000000000000001"}, number: true},
	{name: "g", definition: "DOUBLE", values: []string{"-1e15", "-0.5", "0", "0.125", "3e20", "1e-7", "1024.25"}},
	{name: "g3", definition: "DOUBLE(12,3)", values: []string{"-0.5", "0", "0.125", "1024.25"}, number: true},
	{name: "f", definition: "FLOAT", values: []string{"-0.5", "0", "0.25", "1024.25"}, number: true},
	{name: "y", definition: "YEAR", values: []string{"0", "1901", "1999", "2024", "2155"}, number: true},
	{name: "bits", definition: "BIT(12)", values: []string{"b'0'", "b'101'", "b'100000000'", "b'111111111111'"}},
	{name: "da", definition: "DATE", values: []string{"'1000-01-01'", "'1999-12-31'", "'2024-02-29'"}},
	{name: "dt", definition: "DATETIME(3)", values: []string{"'1000-01-01'", "'2024-02-29 01:02:03.004'", "'2024-02-29 01:02:03.04'", "'9999-12-31 23:59:59.999'"}},
	{name: "ts", definition: "TIMESTAMP NULL", values: []string{"'2001-01-01'", "'2024-02-29 01:02:03'"}},
	{name: "tm", definition: "TIME(2)", values: []string{"'-838:59:59'", "'-10:00:00.5'", "'-00:00:00.01'", "'0:0:0'", "'9:59:59'", "'10:00:00'", "'100:00:00'"}},
	{name: "e", definition: "ENUM('zebra', 'ape', 'Mouse')", values: []string{"'zebra'", "'ape'", "'Mouse'"}, weight: "e + 0"},
	{name: "s", definition: "SET('x', 'b', 'a')", values: []string{"''", "'x'", "'b,a'", "'a'", "'x,b'"}, weight: "s + 0"},
	{name: "gen", definition: "VARCHAR(20) COLLATE utf8mb4_general_ci", values: words, weight: "WEIGHT_STRING(gen)", pad: true},
	{name: "genx", definition: "VARCHAR(20) COLLATE utf8mb4_general_ci", values: append([]string{"'a\\t'", "'a\\nb'", "'\\t'"}, words...), weight: "WEIGHT_STRING(CONCAT(RTRIM(genx), ' '))"},
	{name: "uni", definition: "VARCHAR(20) COLLATE utf8mb4_unicode_ci", values: words, weight: "WEIGHT_STRING(uni)", pad: true},
	{name: "unix", definition: "VARCHAR(20) COLLATE utf8mb4_unicode_ci", values: append([]string{"'a\\t'", "'a\\nb'", "'\\t'"}, words...), weight: "WEIGHT_STRING(CONCAT(RTRIM(unix), ' '))"},
	{name: "uca", definition: "VARCHAR(20) COLLATE utf8mb4_uca1400_ai_ci", values: words, weight: "WEIGHT_STRING(uca)", pad: true},
	{name: "bin", definition: "VARCHAR(20) COLLATE utf8mb4_bin", values: words, weight: "WEIGHT_STRING(bin)", pad: true},
	{name: "bint", definition: "VARCHAR(20) COLLATE utf8mb4_bin", values: append([]string{"'a\\t'", "'a\\nb'"}, words...), pad: true},
	{name: "lat", definition: "VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci", values: words, weight: "WEIGHT_STRING(lat)", pad: true},
	{name: "ger", definition: "CHAR(20) CHARACTER SET latin1 COLLATE latin1_german2_ci", values: words, weight: "WEIGHT_STRING(ger)", pad: true},
	{name: "nop", definition: "VARCHAR(20) COLLATE utf8mb4_general_nopad_ci", values: words, weight: "WEIGHT_STRING(nop)"},
	{name: "vb", definition: "VARBINARY(20)", values: append([]string{"x'00'", "x'6100'", "x'ff'"}, words...)},
	{name: "tx", definition: "TEXT COLLATE utf8mb4_unicode_520_ci", values: words, weight: "WEIGHT_STRING(tx)", pad: true},
	{name: "bl", definition: "BLOB", values: []string{"''", "'a'", "x'610000'", "x'6100'"}},
}

const (
	oracleRows  = 240
	oracleParts = 3
)

// oracleTables are connections to the whole table and to its parts.
type oracleTables struct {
	whole *backend.Conn
	parts []*backend.Conn
}

func makeOracleTables(t *testing.T, seed uint64) *oracleTables {
	t.Helper()
	if oracle == nil {
		t.Skip("MariaDB is not installed")
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	var definitions []string
	for _, c := range oracleColumns {
		definitions = append(definitions, c.name+" "+c.definition)
	}
	create := "CREATE TABLE t (id INT PRIMARY KEY, " + strings.Join(definitions, ", ") + ") CHARACTER SET utf8mb4"
	var rows [oracleParts][]string
	var all []string
	for id := range oracleRows {
		row := fmt.Sprintf("(%d", id)
		for _, c := range oracleColumns {
			if v := rnd.IntN(len(c.values) + 1); v < len(c.values) {
				row += ", " + c.values[v]
			} else {
				row += ", NULL"
			}
		}
		part := rnd.IntN(oracleParts)
		if seed%2 == 0 {
			part = rnd.IntN(2) // one part is empty
		}
		rows[part] = append(rows[part], row+")")
		all = append(all, row+")")
	}
	setup := []string{"SET sql_mode = ''"}
	fill := func(database string, rows []string) {
		setup = append(setup, "DROP DATABASE IF EXISTS "+database, "CREATE DATABASE "+database, "USE "+database, create)
		if len(rows) > 0 {
			setup = append(setup, "INSERT INTO t VALUES "+strings.Join(rows, ", "))
		}
	}
	fill("whole", all)
	for i := range rows {
		fill(fmt.Sprintf("part%d", i), rows[i])
	}
	if err := oracle.Exec(t.Context(), setup...); err != nil {
		t.Fatal(err)
	}
	o := &oracleTables{whole: connect(t, "whole")}
	for i := range rows {
		o.parts = append(o.parts, connect(t, fmt.Sprintf("part%d", i)))
	}
	return o
}

// compare runs a statement on the whole table, and its part on the parts, merged.
func (o *oracleTables) compare(t *testing.T, sql, part string, m *sharding.Merge) {
	t.Helper()
	rows := ask(t, o.whole, sql)
	var want collector
	if _, err := Run(nil, []Stream{rows}, &want, Limits{}); err != nil {
		t.Fatal(err)
	}
	var parts []Stream
	for _, c := range o.parts {
		parts = append(parts, ask(t, c, part))
	}
	var got rawCollector
	stats, err := Run(m, parts, &got, Limits{Rows: 10_000, Bytes: 10 << 20})
	if err != nil {
		t.Fatalf("%s\nmerged of %s: %v", sql, part, err)
	}
	for i, p := range parts {
		err := p.(*protocol.Rows).Drain()
		if err != nil || stats.Complete && p.Next() {
			t.Fatalf("%s: part %d was not read to the end: %v", part, i, err)
		}
	}
	g, w := show(got.rows), show(want.rows)
	if !slices.Equal(g, w) {
		for i := range max(len(g), len(w)) {
			if i >= len(g) || i >= len(w) || g[i] != w[i] {
				t.Errorf("%s\nmerged of %s:\nrow %d of %d and %d is\n%q, the server says\n%q", sql, part, i, len(g), len(w), at(g, i), at(w, i))
				break
			}
		}
	}
	if len(got.cols) != len(want.cols) {
		t.Errorf("%s: %d columns, want %d", sql, len(got.cols), len(want.cols))
		return
	}
	for i := range got.cols {
		gc, wc := got.cols[i], want.cols[i]
		gc.Schema, wc.Schema = "", ""
		if fmt.Sprintf("%+v", gc) != fmt.Sprintf("%+v", wc) {
			t.Errorf("%s\ncolumn %d is\n%+v, the server says\n%+v", sql, i, gc, wc)
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(no row)"
}

// weigh adds a column's weight to the hidden columns and gives the key.
func (c *oracleColumn) weigh(column int, hidden *[]string, visible int) sharding.Key {
	k := sharding.Key{Column: column, Weight: -1, PadSpace: c.pad}
	if c.weight != "" {
		k.Weight = visible + len(*hidden)
		*hidden = append(*hidden, c.weight)
	}
	return k
}

func list(visible string, hidden []string) string {
	return strings.Join(append([]string{visible}, hidden...), ", ")
}

func TestOrderAsTheServer(t *testing.T) {
	for seed := range uint64(2) {
		o := makeOracleTables(t, seed)
		rnd := rand.New(rand.NewPCG(seed, 2))
		for _, c := range oracleColumns {
			second := oracleColumns[rnd.IntN(len(oracleColumns))]
			var hidden, order []string
			m := &sharding.Merge{Visible: 3, Limit: sharding.NoLimit}
			for i, col := range []oracleColumn{c, second, {name: "id"}} {
				k := sharding.SortKey{Key: col.weigh(i, &hidden, 3), Desc: rnd.IntN(2) == 0}
				m.OrderBy = append(m.OrderBy, k)
				order = append(order, "t."+col.name)
				if k.Desc {
					order[i] += " DESC"
				}
			}
			visible := "t." + c.name + ", t." + second.name + " AS c2, t.id"
			by := " FROM t ORDER BY " + strings.Join(order, ", ")
			m.Sorted = true
			o.compare(t, "SELECT "+visible+by, "SELECT "+list(visible, hidden)+by, m)
			m.Sorted = false
			o.compare(t, "SELECT "+visible+by, "SELECT "+list(visible, hidden)+" FROM t", m)
			m.Sorted, m.Offset, m.Limit = true, 7, 30
			o.compare(t, "SELECT "+visible+by+" LIMIT 7, 30", "SELECT "+list(visible, hidden)+by+" LIMIT 37", m)
			m.Sorted = false
			o.compare(t, "SELECT "+visible+by+" LIMIT 7, 30", "SELECT "+list(visible, hidden)+" FROM t", m)
		}
	}
}

// The value that stands for equal ones is the server's choice: it is left out
// by showing weights only.
func (c *oracleColumn) canonical() string {
	switch {
	case strings.HasPrefix(c.weight, "WEIGHT_STRING") && c.pad:
		return "HEX(WEIGHT_STRING(RTRIM(" + c.name + ")))"
	case c.weight != "":
		return "HEX(" + c.weight + ")"
	case c.pad:
		return "RTRIM(" + c.name + ")"
	}
	return c.name
}

func TestDistinctAsTheServer(t *testing.T) {
	for seed := range uint64(2) {
		o := makeOracleTables(t, seed+2)
		for _, c := range oracleColumns {
			var hidden []string
			key := c.weigh(0, &hidden, 1)
			// The server's own DISTINCT decides which are equal; canonical forms of them are compared.
			whole := "SELECT " + c.canonical() + " AS c FROM (SELECT DISTINCT " + c.name + " FROM t) d ORDER BY " + c.name
			part := list(c.canonical()+" AS c", append(hidden, c.name))
			m := &sharding.Merge{Visible: 1, Limit: sharding.NoLimit, Distinct: true}
			// The key's text is the hidden last column.
			key.Column = len(hidden) + 1
			m.DistinctKeys, m.OrderBy = []sharding.Key{key}, []sharding.SortKey{{Key: key}}
			o.compareRows(t, whole, "SELECT "+part+" FROM t", m)
			m.Sorted = true
			o.compareRows(t, whole, "SELECT "+part+" FROM t ORDER BY "+c.name, m)
		}
	}
}

// compareRows is compare without the description of columns, which differ
// where the server goes through a derived table.
func (o *oracleTables) compareRows(t *testing.T, sql, part string, m *sharding.Merge) {
	t.Helper()
	var want, got collector
	if _, err := Run(nil, []Stream{ask(t, o.whole, sql)}, &want, Limits{}); err != nil {
		t.Fatal(err)
	}
	var parts []Stream
	for _, c := range o.parts {
		parts = append(parts, ask(t, c, part))
	}
	if _, err := Run(m, parts, &got, Limits{}); err != nil {
		t.Fatalf("%s: %v", part, err)
	}
	if g, w := show(got.rows), show(want.rows); !slices.Equal(g, w) {
		t.Errorf("%s\nmerged of %s:\n%q, the server says\n%q", sql, part, g, w)
	}
}

// aggregatesOf lists the aggregates of a column: what is visible, what is
// hidden, and how they merge, with visible columns from first on.
func (c *oracleColumn) aggregatesOf(first int) (visible []string, aggregates []sharding.Aggregate, averages []int, weighed []int) {
	add := func(sql string, fn sharding.AggFunc) {
		at := first + len(visible)
		visible = append(visible, sql)
		aggregates = append(aggregates, sharding.Aggregate{Column: at, Func: fn, Weight: -1})
		switch {
		case fn == sharding.AggAvg:
			averages = append(averages, len(aggregates)-1)
		case (fn == sharding.AggMin || fn == sharding.AggMax) && strings.HasPrefix(c.weight, "WEIGHT_STRING"):
			weighed = append(weighed, len(aggregates)-1)
		}
	}
	add("COUNT("+c.name+")", sharding.AggCount)
	if c.number {
		add("SUM("+c.name+")", sharding.AggSum)
		add("AVG("+c.name+")", sharding.AggAvg)
	}
	if c.integer {
		add("BIT_AND("+c.name+")", sharding.AggBitAnd)
		add("BIT_OR("+c.name+")", sharding.AggBitOr)
		add("BIT_XOR("+c.name+")", sharding.AggBitXor)
	}
	// MIN and MAX of BIT are refused. Of equal texts the server takes the one it meets first: only texts that equal by their bytes are compared.
	if !strings.HasPrefix(c.weight, "WEIGHT_STRING") && !c.pad && c.name != "e" && c.name != "s" && c.name != "bits" {
		add("MIN("+c.name+")", sharding.AggMin)
		add("MAX("+c.name+")", sharding.AggMax)
	}
	return visible, aggregates, averages, weighed
}

func TestGroupsAsTheServer(t *testing.T) {
	for seed := range uint64(2) {
		o := makeOracleTables(t, seed+4)
		rnd := rand.New(rand.NewPCG(seed, 3))
		for _, c := range oracleColumns {
			by := oracleColumns[rnd.IntN(len(oracleColumns))]
			for _, grouped := range []bool{false, true} {
				visible := []string{"COUNT(*)"}
				m := &sharding.Merge{Limit: sharding.NoLimit, Group: true, Aggregates: []sharding.Aggregate{{Column: 0, Func: sharding.AggCount}}}
				v, aggregates, averages, _ := c.aggregatesOf(1)
				visible = append(visible, v...)
				m.Visible = len(visible)
				var hidden []string
				for _, a := range averages {
					aggregates[a].Sum, aggregates[a].Count = m.Visible+len(hidden), m.Visible+len(hidden)+1
					hidden = append(hidden, "SUM("+c.name+")", "COUNT("+c.name+")")
				}
				m.Aggregates = append(m.Aggregates, aggregates...)
				text := strings.Join(visible, ", ")
				if !grouped {
					for _, where := range []string{"", " WHERE id < 0", " WHERE id % 7 = 0"} {
						o.compare(t, "SELECT "+text+" FROM t"+where, "SELECT "+list(text, hidden)+" FROM t"+where, m)
					}
					continue
				}
				key := by.weigh(0, &hidden, m.Visible)
				key.Column = m.Visible + len(hidden)
				hidden = append(hidden, by.name)
				m.GroupKeys, m.OrderBy = []sharding.Key{key}, []sharding.SortKey{{Key: key, Desc: rnd.IntN(2) == 0}}
				order := " ORDER BY " + by.name
				if m.OrderBy[0].Desc {
					order += " DESC"
				}
				group := " FROM t GROUP BY " + by.name
				for _, m.Sorted = range []bool{false, true} {
					o.compare(t, "SELECT "+text+group+order, "SELECT "+list(text, hidden)+group+order, m)
				}
			}
		}
	}
}

// MIN and MAX of texts: of equal ones the server's choice is not ours, so weights are compared.
func TestTextExtremesAsTheServer(t *testing.T) {
	o := makeOracleTables(t, 6)
	for _, c := range oracleColumns {
		if !strings.HasPrefix(c.weight, "WEIGHT_STRING") {
			continue
		}
		for fn, name := range map[sharding.AggFunc]string{sharding.AggMin: "MIN", sharding.AggMax: "MAX"} {
			extreme := name + "(" + c.name + ")"
			weight := strings.ReplaceAll(c.weight, c.name, extreme)
			show := "HEX(WEIGHT_STRING(RTRIM(" + extreme + ")))"
			m := &sharding.Merge{Visible: 1, Limit: sharding.NoLimit, Group: true, GroupKeys: []sharding.Key{{Column: 2, Weight: -1}},
				Aggregates: []sharding.Aggregate{{Column: 0, Func: fn, Weight: 1, PadSpace: c.pad}}, OrderBy: []sharding.SortKey{{Key: sharding.Key{Column: 2, Weight: -1}}}}
			group := " FROM t GROUP BY i8 ORDER BY i8"
			o.compareRows(t, "SELECT "+show+group, "SELECT "+show+", "+weight+", i8"+group, m)
		}
	}
}

func TestNumbersAsTheServerWritesThem(t *testing.T) {
	c := connect(t, "information_schema")
	rnd := rand.New(rand.NewPCG(1, 1))
	var exprs []string
	var values []float64
	for range 400 {
		v := (rnd.Float64() - 0.5) * pow10(rnd.IntN(60)-30)
		if rnd.IntN(3) == 0 {
			v = float64(int64(v))
		}
		values = append(values, v)
		exprs = append(exprs, fmt.Sprintf("%.17e + 0e0", v))
	}
	rows := ask(t, c, "SELECT "+strings.Join(exprs, ", "))
	for rows.Next() {
		fields, err := protocol.ParseTextRow(nil, rows.Payload(), len(values))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range fields {
			if got := appendDouble(nil, values[i], notFixedDecimals); string(got) != string(f) {
				t.Errorf("%g is written %s, by the server %s", values[i], got, f)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func pow10(n int) float64 {
	v := 1.0
	for range n {
		v *= 10
	}
	for range -n {
		v /= 10
	}
	return v
}
