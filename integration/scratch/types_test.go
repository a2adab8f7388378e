package scratch

import (
	"fmt"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// typed is a column type with values at its edges; what a strict server refuses is written without strict mode.
type typed struct {
	definition string
	values     []string
}

var commonTypes = []typed{
	{"TINYINT", []string{"-128", "127"}},
	{"BIGINT UNSIGNED", []string{"18446744073709551615", "0"}},
	{"BIGINT", []string{"-9223372036854775808", "9223372036854775807"}},
	{"INT(7) ZEROFILL", []string{"42"}},
	{"DECIMAL(65,30)", []string{"99999999999999999999999999999999999.999999999999999999999999999999", "-0.000000000000000000000000000001"}},
	{"FLOAT", []string{"1.2345678", "3.402823466e38", "-1e-45", "16777217"}},
	{"DOUBLE", []string{"0.1", "1.7976931348623157e308", "-4.9e-324", "1e23"}},
	{"FLOAT(7,2)", []string{"12345.67", "-0.005"}},
	{"DOUBLE(20,5)", []string{"123456789012.12345"}},
	{"BIT(1)", []string{"b'1'", "b'0'"}},
	{"BIT(64)", []string{"b'1000000000000000000000000000000000000000000000000000000001011100'"}},
	{"DATE", []string{"'0000-00-00'", "'2024-02-29'", "'2023-02-31'", "'9999-12-31'"}},
	{"DATETIME(6)", []string{"'0000-00-00 00:00:00'", "'1000-01-01 00:00:00.000001'", "'2023-02-31 23:59:59.9'"}},
	{"TIMESTAMP NULL", []string{"'0000-00-00 00:00:00'", "'1970-01-02 00:00:01'", "'2024-10-27 00:30:00'", "'2024-10-27 01:30:00'"}},
	{"TIMESTAMP(6) NULL", []string{"'2024-03-31 02:00:00.123456'", "'2038-01-18 00:00:00.999999'"}},
	{"TIME(3)", []string{"'-838:59:59'", "'00:00:00.001'"}},
	{"YEAR", []string{"0", "1901", "2155", "'00'"}},
	{"CHAR(5)", []string{"'a  '", "''", "'äöü€x'"}},
	{"VARCHAR(20)", []string{"'a  '", "''", "'it''s \\\\ \"'", "'\\0\\n\\r\\Z'"}},
	{"VARCHAR(20) CHARACTER SET latin1", []string{"'äöü€'", "X'81'"}},
	{"VARCHAR(20) CHARACTER SET utf16", []string{"'a€'", "UNHEX('D83DDE00')"}},
	{"VARCHAR(20) CHARACTER SET ucs2", []string{"'ab'"}},
	{"VARCHAR(20) CHARACTER SET utf32", []string{"'ab'"}},
	{"VARCHAR(20) CHARACTER SET sjis", []string{"UNHEX('835C')"}},
	{"VARCHAR(20) CHARACTER SET gbk", []string{"UNHEX('815C')"}},
	{"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", []string{"'😀'"}},
	{"TEXT", []string{"REPEAT('long text ', 3000)"}},
	{"BINARY(4)", []string{"'a'", "X'00275C0A'"}},
	{"VARBINARY(20)", []string{"''", "X'00FF275C22'"}},
	{"LONGBLOB", []string{"REPEAT(X'00275C', 20000)"}},
	{"ENUM('a','','x,y','ä')", []string{"'a'", "''", "'no such'", "'x,y'", "'ä'"}},
	{"SET('a','b','c')", []string{"''", "'a,c'", "7"}},
	{"JSON", []string{`'{"a": [1, 2.5, "x''y"], "b": null}'`, `'"ü"'`}},
	{"GEOMETRY", []string{"ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"}},
	{"INT GENERATED ALWAYS AS (c0 * 2) STORED", nil},
	{"INT GENERATED ALWAYS AS (c0 * 3) VIRTUAL", nil},
	{"VARCHAR(9) NOT NULL DEFAULT 'x'", []string{"'y'"}},
}

var mariaDBTypes = []typed{
	{"INT INVISIBLE DEFAULT 7", []string{"8"}},
	{"UUID", []string{"'123e4567-e89b-12d3-a456-426655440000'"}},
	{"INET6", []string{"'2001:db8::ff00:42:8329'"}},
	{"INET4", []string{"'192.0.2.1'"}},
	{"VARCHAR(50) COMPRESSED", []string{"REPEAT('z', 50)"}},
	{"TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3)", []string{"'2001-01-01 00:00:00.5'"}},
}

// testTypes: every value comes out of the temporary table as it went in, in every session.
func testTypes(t *testing.T, p *pair) {
	types := commonTypes
	if cluster.Engine(t) == localdb.MariaDB {
		types = append(types[:len(types):len(types)], mariaDBTypes...)
	}
	var columns, names []string
	for i, c := range types {
		names = append(names, fmt.Sprintf("c%d", i))
		columns = append(columns, fmt.Sprintf("c%d %s", i, c.definition))
	}
	p.both("SET sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'")
	p.both("CREATE TABLE typed (id INT PRIMARY KEY, " + strings.Join(columns, ", ") + ")")
	p.both("CREATE TABLE other (id INT PRIMARY KEY AUTO_INCREMENT, k INT)")
	for row := range 5 {
		p.both(fmt.Sprintf("INSERT INTO other VALUES (%d, %d)", row, row))
		into, values := []string{"id"}, []string{fmt.Sprint(row)}
		for i, c := range types {
			if row < len(c.values) {
				into, values = append(into, names[i]), append(values, c.values[row])
			}
		}
		p.both("INSERT IGNORE INTO typed (" + strings.Join(into, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")")
	}
	all := "SELECT t.id, t." + strings.Join(names, ", t.") + " FROM typed t JOIN other o ON o.k = t.id"
	for _, session := range []string{
		"SET time_zone = '+00:00'",
		"SET sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'",
		"SET time_zone = '-05:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH'",
		"SET NAMES latin1",
		"SET NAMES utf8mb4, character_set_results = NULL",
		"SET NAMES binary",
	} {
		p.connect()
		p.both(session)
		p.same(all)
		p.same("SELECT * FROM typed t WHERE id IN (SELECT k FROM other)")
		for i := range types {
			p.same(fmt.Sprintf("SELECT HEX(t.c%d), HEX(t.c%d + 0) FROM typed t JOIN other o ON o.k = t.id", i, i))
		}
	}
}

// testMoreThanAPacket: rows that are larger than one INSERT, and many of them.
func testMoreThanAPacket(_ *testing.T, p *pair) {
	p.both("CREATE TABLE t (id INT PRIMARY KEY, b LONGTEXT)")
	p.both("CREATE TABLE o (id INT PRIMARY KEY, k INT)")
	for i := range 5 {
		p.both(fmt.Sprintf("INSERT INTO t VALUES (%d, REPEAT('%d''', %d))", i, i, 1_500_000*i))
		p.both(fmt.Sprintf("INSERT INTO o VALUES (%d, %d)", i, 4-i))
	}
	p.same("SELECT t.id, LENGTH(b), SHA2(b, 256) FROM t JOIN o ON o.k = t.id")
	var rows []string
	for i := range 20_000 {
		rows = append(rows, fmt.Sprintf("(%d, 'row %d')", 100+i, i))
	}
	p.both("INSERT INTO t VALUES " + strings.Join(rows, ","))
	p.same("SELECT COUNT(*), COUNT(DISTINCT a.b), SUM(a.id) FROM t a JOIN t b ON a.id = b.id + 1")
}
