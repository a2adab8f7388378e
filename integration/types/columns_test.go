package types

import (
	"fmt"
	"strings"
	"testing"

	"lockstep/localdb"
)

// kind is a column type with values, written in SQL.
type kind struct {
	name       string // of its table
	definition string
	on         localdb.Engine // "": both
	values     []string       // NULL is added
	sums       bool           // has a sum and an average
	unsorted   bool           // has no order, or cannot be compared
}

func nines(whole, decimals int) string {
	return strings.Repeat("9", whole) + "." + strings.Repeat("9", decimals)
}

var kinds = []kind{
	{name: "ti", definition: "TINYINT", values: []string{"-128", "127", "0", "-1"}, sums: true},
	{name: "tu", definition: "TINYINT UNSIGNED", values: []string{"0", "255", "128"}, sums: true},
	{name: "bo", definition: "BOOL", values: []string{"FALSE", "TRUE"}, sums: true},
	{name: "si", definition: "SMALLINT", values: []string{"-32768", "32767", "0"}, sums: true},
	{name: "su", definition: "SMALLINT UNSIGNED", values: []string{"0", "65535"}, sums: true},
	{name: "mi", definition: "MEDIUMINT", values: []string{"-8388608", "8388607", "0"}, sums: true},
	{name: "mu", definition: "MEDIUMINT UNSIGNED", values: []string{"0", "16777215"}, sums: true},
	{name: "i", definition: "INT", values: []string{"-2147483648", "2147483647", "0"}, sums: true},
	{name: "iu", definition: "INT UNSIGNED", values: []string{"0", "4294967295"}, sums: true},
	{name: "iz", definition: "INT(8) UNSIGNED ZEROFILL", values: []string{"0", "42", "99999999"}, sums: true},
	{name: "bi", definition: "BIGINT", values: []string{"-9223372036854775808", "9223372036854775807", "0", "-9007199254740993"}, sums: true},
	{name: "bu", definition: "BIGINT UNSIGNED", values: []string{"0", "18446744073709551615", "9223372036854775808"}, sums: true},
	{name: "bz", definition: "BIGINT ZEROFILL", values: []string{"0", "18446744073709551615", "7"}, sums: true},
	{name: "f", definition: "FLOAT", values: []string{"-3.402823466E+38", "3.402823466E+38", "0", "1.175494351E-38", "0.1", "-0.1", "16777216", "1234567", "1234568", "1234566", "1234565", "1234569", "1234564"}},
	{name: "f72", definition: "FLOAT(7,2)", values: []string{"-99999.99", "99999.99", "0", "0.1"}},
	{name: "fu", definition: "FLOAT UNSIGNED", values: []string{"0", "1e-20", "3.4e38"}},
	{name: "do", definition: "DOUBLE", values: []string{"-1.7976931348623157e308", "1.7976931348623157e308", "0", "2.2250738585072014e-308", "0.1", "-1e-300", "123456789012345678", "5e-324"}},
	{name: "d102", definition: "DOUBLE(10,2)", values: []string{"-12345678.12", "0", "0.1"}},
	{name: "dz", definition: "DOUBLE ZEROFILL", values: []string{"0", "1.5"}},
	{name: "dc", definition: "DECIMAL(65,30)", values: []string{"-" + nines(35, 30), nines(35, 30), "0", "-0.000000000000000000000000000001"}, sums: true},
	{name: "d0", definition: "DECIMAL(65,0)", values: []string{strings.Repeat("9", 65), "-" + strings.Repeat("9", 65), "0"}, sums: true},
	{name: "dd", definition: "DECIMAL(30,30)", values: []string{"0." + strings.Repeat("9", 30), "0"}, sums: true},
	{name: "du", definition: "DECIMAL(10,2) UNSIGNED ZEROFILL", values: []string{"0", "99999999.99", "1.5"}, sums: true},
	{name: "b1", definition: "BIT(1)", values: []string{"b'0'", "b'1'"}},
	{name: "b7", definition: "BIT(7)", values: []string{"b'0'", "b'1111111'"}},
	{name: "b8", definition: "BIT(8)", values: []string{"b'0'", "b'11111111'"}},
	{name: "b9", definition: "BIT(9)", values: []string{"b'0'", "b'111111111'"}},
	{name: "b33", definition: "BIT(33)", values: []string{"b'0'", "x'01FFFFFFFF'"}},
	{name: "b64", definition: "BIT(64)", values: []string{"b'0'", "x'FFFFFFFFFFFFFFFF'", "x'00275C0A'"}},
	{name: "da", definition: "DATE", values: []string{"'0000-00-00'", "'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'2024-00-15'", "'2024-02-00'", "'0001-01-01'"}},
	{name: "dt", definition: "DATETIME", values: []string{"'0000-00-00'", "'1000-01-01'", "'9999-12-31 23:59:59'", "'2024-02-29 12:34:56'", "'2024-02-29 00:00:00'"}},
	{name: "dt1", definition: "DATETIME(1)", values: []string{"'0000-00-00'", "'2024-02-29 12:34:56.7'", "'2024-02-29 12:34:56'"}},
	{name: "dt6", definition: "DATETIME(6)", values: []string{"'0000-00-00'", "'9999-12-31 23:59:59.999999'", "'2024-02-29 12:34:56.000001'", "'2024-02-29'"}},
	{name: "ts", definition: "TIMESTAMP NULL", values: []string{"'0000-00-00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'2024-07-01 00:00:00'"}},
	{name: "ts3", definition: "TIMESTAMP(3) NULL", values: []string{"'0000-00-00'", "'1970-01-01 00:00:01.001'", "'2038-01-19 03:14:07.999'"}},
	{name: "tsn", definition: "TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)", values: []string{"'2024-07-01 00:00:00.5'", "'2024-07-02'"}},
	{name: "tm", definition: "TIME", values: []string{"'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'", "'24:00:00'", "'100:00:00'"}},
	{name: "tm6", definition: "TIME(6)", values: []string{"'-838:59:59.000000'", "'838:59:58.999999'", "'00:00:00'", "'-00:00:00.000001'", "'-25:01:02.345678'", "'48:00:00.5'"}},
	{name: "y", definition: "YEAR", values: []string{"0", "1901", "2155", "2024"}},
	{name: "c", definition: "CHAR(20)", values: []string{"''", "'zzzzzzzzzzzzzzzzzzzz'", "'it''s'", "'😀 ü'", "'trailing  '"}},
	{name: "c0", definition: "CHAR(0)", values: []string{"''"}},
	{name: "vc", definition: "VARCHAR(200)", values: []string{"''", "REPEAT('ü', 200)", "'日本語 😀'", "X'000D0A1A27225C'", "'trailing  '"}},
	{name: "vb4", definition: "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", values: []string{"''", "'b'", "'B'", "'a'", "'é'", "'e'"}},
	{name: "vl", definition: "VARCHAR(20) CHARACTER SET latin1", values: []string{"''", "'é'", "'ÿ'", "'f'"}},
	{name: "vg", definition: "VARCHAR(20) CHARACTER SET gbk", values: []string{"''", "'你好'", "'a'"}},
	{name: "vu", definition: "VARCHAR(20) CHARACTER SET utf8mb3", values: []string{"''", "'ü'", "'日本'"}},
	{name: "v2", definition: "VARCHAR(20) CHARACTER SET ucs2", values: []string{"''", "'ü'", "'日本'"}},
	{name: "v16", definition: "VARCHAR(20) CHARACTER SET utf16", values: []string{"''", "'😀'", "'a'"}},
	{name: "va", definition: "VARCHAR(20) CHARACTER SET ascii", values: []string{"''", "'a'", "'Z'"}},
	{name: "bn", definition: "BINARY(4)", values: []string{"''", "X'FFFFFFFF'", "X'00275C'"}},
	{name: "vbi", definition: "VARBINARY(300)", values: []string{"''", "REPEAT(X'FF', 300)", "X'00275C1A0AFFFE'", "X'00'"}},
	{name: "tt", definition: "TINYTEXT", values: []string{"''", "REPEAT('t', 255)", "'ä'"}},
	{name: "tx", definition: "TEXT", values: []string{"''", "REPEAT('x', 65535)", "'ö'"}},
	{name: "mt", definition: "MEDIUMTEXT", values: []string{"''", "REPEAT('y', 70000)", "'ü'"}},
	{name: "lt", definition: "LONGTEXT", values: []string{"''", "REPEAT('z', 70000)", "'ß'"}},
	{name: "tb", definition: "TINYBLOB", values: []string{"''", "REPEAT(X'00', 255)", "X'00'"}},
	{name: "bl", definition: "BLOB", values: []string{"''", "REPEAT(X'FB', 65535)", "X'FBFCFDFEFF'", "X'FE'", "X'FF'"}},
	{name: "mb", definition: "MEDIUMBLOB", values: []string{"''", "REPEAT(X'FE', 70000)"}},
	{name: "lb", definition: "LONGBLOB", values: []string{"''", "REPEAT(X'FF', 70000)", "'\"'"}},
	{name: "en", definition: "ENUM('', 'b', 'a', 'it''s', 'ü')", values: []string{"''", "'b'", "'a'", "'it''s'", "'ü'"}},
	{name: "se", definition: "SET('c', 'b', 'a')", values: []string{"''", "'c'", "'a,b,c'", "'a'"}},
	{name: "js", definition: "JSON", values: []string{"'null'", "'[]'", `'{"a": [1, 2.5, "ü"], "b": null}'`, "'true'", "'1e10'", "'\"x\"'", "CONCAT('\"', REPEAT('j', 70000), '\"')"}},
	{name: "po", definition: "POINT", values: []string{"POINT(1, -1.5)", "POINT(0, 0)"}, unsorted: true},
	{name: "ge", definition: "GEOMETRY", values: []string{"POINT(1, 2)", "ST_GeomFromText('POLYGON((0 0, 0 1, 1 1, 0 0))')", "ST_GeomFromText('LINESTRING(0 0, 1 1)')", "ST_GeomFromText('MULTIPOINT(0 0, 1 1)')"}, unsorted: true},
	{name: "uu", definition: "UUID", on: localdb.MariaDB, values: []string{"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'123e4567-e89b-12d3-a456-426655440000'"}},
	{name: "ip", definition: "INET6", on: localdb.MariaDB, values: []string{"'::'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'", "'2001:db8::ff00:42:8329'"}},
	{name: "ip4", definition: "INET4", on: localdb.MariaDB, values: []string{"'0.0.0.0'", "'255.255.255.255'", "'10.0.0.1'"}},
	{name: "ve", definition: "VECTOR(3)", on: localdb.MySQL, values: []string{"STRING_TO_VECTOR('[1, 2, 3]')", "STRING_TO_VECTOR('[-1.5, 0, 3e38]')"}, unsorted: true},
	{name: "nn", definition: "INT NOT NULL DEFAULT 7", values: []string{"1", "2"}, sums: true},
	{name: "ge2", definition: "INT AS (id * 2) VIRTUAL", values: []string{"DEFAULT", "DEFAULT"}, sums: true},
}

func (k *kind) notNull() bool {
	return strings.Contains(k.definition, "NOT NULL") || strings.Contains(k.definition, "VIRTUAL")
}

// make makes the type's table, with a row for each value, on both sides.
func (k *kind) make(t *testing.T, b *both) (ids int) {
	t.Helper()
	b.run(t, fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY, v %s)", k.name, k.definition))
	values := k.values
	if !k.notNull() {
		values = append([]string{"NULL"}, values...)
	}
	for i, v := range values {
		b.run(t, fmt.Sprintf("INSERT INTO %s (id, v) VALUES (%d, %s)", k.name, i+1, v))
	}
	return len(values)
}

// columns reads each type in all ways.
func (p *pair) columns(t *testing.T) {
	b := p.dial(t, "d", 0)
	b.run(t, "SET sql_mode = ''") // dates of zeros
	for i := range kinds {
		k := &kinds[i]
		if k.on != "" && k.on != p.engine {
			continue
		}
		ids := k.make(t, b)
		for _, binary := range []bool{false, true} {
			for id := range ids {
				p.compare(t, b, &question{kind: k.name, query: "one", binary: binary, sql: fmt.Sprintf("SELECT v, id FROM %s WHERE id = %d", k.name, id+1)})
			}
			for _, q := range k.questions() {
				q.binary = binary
				p.compare(t, b, &q)
			}
		}
	}
}

// questions are those that several shards answer together.
func (k *kind) questions() []question {
	list := []question{
		{query: "all", sql: "SELECT v, id FROM %s", unordered: true},
		{query: "star", sql: "SELECT * FROM %s ORDER BY id"},
		{query: "alias", sql: "SELECT x.v AS w, x.id FROM %s AS x ORDER BY x.id DESC LIMIT 2"},
		{query: "hidden order", sql: "SELECT v FROM %s ORDER BY id"},
		{query: "null", sql: "SELECT id, v IS NULL, IFNULL(v, v) FROM %s ORDER BY id"},
		{query: "count", sql: "SELECT COUNT(v), COUNT(*) FROM %s"},
	}
	if !k.unsorted {
		list = append(list,
			question{query: "order", sql: "SELECT v, id FROM %s ORDER BY v, id"},
			question{query: "order desc", sql: "SELECT v, id FROM %s ORDER BY v DESC, id LIMIT 3"},
			question{query: "min", sql: "SELECT MIN(v) FROM %s"},
			question{query: "max", sql: "SELECT MAX(v) FROM %s"},
			question{query: "group", sql: "SELECT v, COUNT(*) FROM %s GROUP BY v ORDER BY v"},
			question{query: "distinct", sql: "SELECT DISTINCT v FROM %s ORDER BY v"},
			question{query: "max by group", sql: "SELECT id %% 2, MAX(v), MIN(v) FROM %s GROUP BY id %% 2 ORDER BY 1"},
		)
	}
	if k.name == "f" {
		list = append(list,
			question{query: "computed order", sql: "SELECT id FROM %s ORDER BY IFNULL(v, 0), id"},
			question{query: "computed group", sql: "SELECT COUNT(*), IFNULL(v, -1.5) FROM %s GROUP BY 2 ORDER BY 2"},
		)
	}
	if k.sums {
		list = append(list,
			question{query: "sum", sql: "SELECT SUM(v) FROM %s"},
			question{query: "avg", sql: "SELECT AVG(v) FROM %s"},
			question{query: "sum by group", sql: "SELECT id %% 2, SUM(v), AVG(v) FROM %s GROUP BY id %% 2 ORDER BY 1"},
		)
	}
	for i := range list {
		list[i].kind = k.name
		list[i].sql = fmt.Sprintf(list[i].sql, k.name)
	}
	return list
}
