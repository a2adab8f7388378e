package inserts

import "testing"

// created are statements with the query that shows what they have made.
var created = []struct{ sql, rows string }{
	{"CREATE TABLE c1 SELECT * FROM a", "SELECT * FROM c1 ORDER BY id"},
	{"CREATE TABLE c2 (PRIMARY KEY (id)) SELECT id, s AS name, d * 2 AS twice FROM a", "SELECT * FROM c2 ORDER BY id"},
	{"CREATE TABLE c3 (k BIGINT AUTO_INCREMENT PRIMARY KEY) SELECT s FROM a ORDER BY id", "SELECT * FROM c3 ORDER BY k"},
	{"CREATE TABLE c4 (id INT PRIMARY KEY, extra INT DEFAULT 5, s VARCHAR(30)) IGNORE SELECT id, s FROM a ORDER BY id", "SELECT * FROM c4 ORDER BY id"},
	{"CREATE TABLE c5 (id INT PRIMARY KEY) REPLACE AS SELECT i DIV 100 AS id, s FROM a WHERE i IS NOT NULL ORDER BY id", "SELECT * FROM c5 ORDER BY id"},
	{"CREATE TABLE c6 (id INT PRIMARY KEY) SELECT i DIV 100 AS id, s FROM a WHERE i IS NOT NULL ORDER BY id", "SELECT * FROM c6 ORDER BY id"},
	{"CREATE TABLE IF NOT EXISTS c1 SELECT id FROM a", "SELECT * FROM c1 ORDER BY id"},
	{"CREATE TABLE c1 SELECT id FROM a", "SELECT * FROM c1 ORDER BY id"},
	{"CREATE TABLE c7 (PRIMARY KEY (id)) COMMENT='it''s (a) table' AS (SELECT id, ts FROM a WHERE id > 1 LIMIT 100)", "SELECT * FROM c7 ORDER BY id"},
	{"CREATE TABLE c8 AS SELECT MAX(id) AS m, COUNT(*) AS n FROM a", "SELECT * FROM c8"},
	{"CREATE TABLE c9 AS SELECT 1 AS one, 'x' AS x, NOW() < '2000-01-01' AS past", "SELECT * FROM c9"},
	{"CREATE TABLE c10 SELECT nothing FROM a", "SELECT * FROM c10"},
	{"CREATE TABLE c11 (PRIMARY KEY (id)) SELECT a.id, b.v FROM a JOIN g b ON a.id = b.id", "SELECT * FROM c11 ORDER BY id"},
}

func TestCreateSelect(t *testing.T) {
	p := start(t)
	for _, d := range tables {
		p.both(d)
	}
	p.both(fillA)
	p.both("INSERT INTO g VALUES (1, 'x'), (3, 'y')")
	for _, c := range created {
		p.same(c.sql)
		p.sameRows(c.rows, c.sql)
	}
	for _, n := range []string{"c1", "c2", "c3", "c4", "c5", "c7", "c8", "c9", "c11"} {
		p.sameRows("SHOW COLUMNS FROM "+n, n)
	}
	for _, c := range []string{"BEGIN", "INSERT INTO a (id) VALUES (77)", "CREATE TABLE c12 (PRIMARY KEY (id)) SELECT id FROM a", "ROLLBACK"} {
		p.same(c)
	}
	p.sameRows("SELECT id FROM c12 ORDER BY id", "a rolled back CREATE")
	p.sameRows("SELECT id FROM a ORDER BY id", "a rolled back CREATE")
}
