package inserts

import (
	"strings"
	"testing"
)

// odd are forms of statements, names, modes and character sets that are seldom met.
var odd = []string{
	"INSERT INTO a (id) SELECT 5 FROM DUAL",
	"INSERT a (id, i) SELECT 6, 7",
	"INSERT INTO d.a (a.id, d.a.i) (SELECT 8, 9)",
	"INSERT INTO a (id, i) ((SELECT 10, 1) UNION (SELECT 11, 2))",
	"INSERT INTO a (id, i) SELECT COUNT(*) + 12, 1 FROM information_schema.tables WHERE table_name = 'no such table'",
	"REPLACE a (id, i) SELECT id, 100 FROM a WHERE id < 7",
	"INSERT LOW_PRIORITY INTO a (id, i) VALUES (20 + 0, 1)",
	"INSERT HIGH_PRIORITY IGNORE a (id, i) VALUE (ABS(-21), 1), (20, 1)",
	"INSERT INTO a (id, i) VALUES (22, DEFAULT(i)), (23, DEFAULT)",
	"INSERT INTO a (id, s) VALUES (24, 'a;b -- c'), (25, \"d\\\"e\"), (LENGTH('a,b),(') + 20, '/* x */')",
	"INSERT INTO a () VALUES ()",
	"INSERT INTO a (id, id) VALUES (1, 1)",
	"INSERT INTO a (id, nothing) VALUES (40, 1)",
	"INSERT INTO a (id, nothing) SELECT 40, 1",
	"INSERT INTO a (id, i) SELECT 41, 1, 2",
	"INSERT INTO a VALUES (42)",
	"INSERT INTO nothing SELECT 1",
	"INSERT INTO a (id, i) VALUES (43, (SELECT 1 UNION SELECT 2))",
	"INSERT INTO a (id, i) VALUES ((SELECT 44), (SELECT i FROM a x WHERE id = 6))",
	"INSERT INTO b (k, v) VALUES (UPPER('key'), 1), (CONCAT('k', 'ä'), 2), (LOWER('KEY2'), 3)",
	"INSERT INTO b (k, v) VALUES (UPPER('Key'), 1)",
	"INSERT INTO b (k, v) VALUES (CONCAT('Key', ' '), 9) ON DUPLICATE KEY UPDATE v = VALUES(v) + 1",
	"INSERT INTO b (k) VALUES (REPEAT('x', 21))",
	"SET sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES'",
	"INSERT INTO \"a\" (\"id\", s) VALUES (50 + 0, 'it''s')",
	"INSERT INTO \"a\" (\"id\", s) SELECT id + 1000, s FROM \"a\" WHERE id > 20 ORDER BY id",
	"SET sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES'",
	"INSERT INTO a (id, s) VALUES (60 + 0, 'back\\slash')",
	"INSERT INTO a (id, s) SELECT id + 2000, CONCAT(s, '\\') FROM a WHERE id = 60",
	"SET sql_mode = 'STRICT_TRANS_TABLES'",
	"INSERT INTO a (id, s) SELECT id + 3000, s FROM a WHERE id IN (60, 2060) ORDER BY id",
	"SET NAMES latin1",
	"INSERT INTO b (k, v) VALUES (CONCAT('l', '\xe9'), 1)",
	"INSERT INTO b (k, v) SELECT CONCAT(k, '1'), v FROM b ORDER BY k",
	"INSERT INTO b (k, v) SELECT CONCAT(k, '\xe9'), v FROM b ORDER BY k",
	"SET NAMES utf8mb4",
	"SET NAMES utf8mb3",
	"INSERT INTO b (k, v) SELECT CONCAT(k, '2'), v FROM b WHERE k LIKE '%1' ORDER BY k",
	"SET NAMES utf8mb4",
	"SET timestamp = 1700000000",
	"INSERT INTO a (id, dt, ts) VALUES (UNIX_TIMESTAMP(), NOW(), NOW(3)), (70, CURDATE(), NOW())",
	"INSERT INTO a (id, dt, ts) SELECT id + 4000, CURDATE(), NOW() FROM a WHERE id < 12 ORDER BY id",
	"INSERT INTO a (id, i) SELECT * FROM (SELECT id + 5000 AS n, i FROM a WHERE id < 12) AS d ORDER BY n",
	"INSERT INTO a (id, i) SELECT id + 6000, ROW_NUMBER() OVER (ORDER BY id DESC) FROM a WHERE id < 12 ORDER BY id",
	"INSERT INTO a (id, i) SELECT DISTINCT i + 7000, 1 FROM a WHERE i IS NOT NULL AND i < 1000 ORDER BY 1",
	"INSERT INTO a (id, i) SELECT id + 9000, id FROM va WHERE id < 12 ORDER BY id",
}

func TestOdd(t *testing.T) {
	p := start(t)
	for _, d := range tables {
		p.both(d)
	}
	p.both("CREATE VIEW va AS SELECT id FROM a")
	for _, s := range odd {
		if strings.HasPrefix(s, "SET") {
			p.both(s)
			continue
		}
		p.same(s)
		p.sameTables(s)
	}
	p.refused("INSERT IGNORE INTO b (k, v) SELECT REPEAT('x', 19 + id), id FROM a WHERE id IN (5, 6) ORDER BY id", "does not fit")
	p.refused("INSERT INTO b (k, v) SELECT s, i FROM a ON DUPLICATE KEY UPDATE v = a.i", "of the query")
	p.refused("INSERT INTO a (id, i) VALUES (i + 1, 5)", "other columns")
	p.refused("INSERT INTO a (id, i) VALUES (9500, 1) ON DUPLICATE KEY UPDATE i = (SELECT 1)", "subquery")
	p.refused("INSERT INTO a (id) VALUES (9500) ON DUPLICATE KEY UPDATE id = 3", "shard key")
	for _, s := range []string{"EXPLAIN INSERT INTO a (id) SELECT id + 9900 FROM a", "EXPLAIN INSERT INTO a (id) VALUES (ABS(9950))", "EXPLAIN LOCKSTEP INSERT INTO a (id) SELECT id + 9900 FROM a",
		"EXPLAIN LOCKSTEP INSERT INTO a (id) VALUES (ABS(9950))"} {
		if a := ask(t, p.proxy, s); code(a) != 0 || len(a.Results[0].Rows) == 0 {
			t.Errorf("%s: %v %s", s, a.Lines(), a.Detail())
		}
	}
	p.sameTables("a b")
}
