package inserts

import (
	"regexp"
	"strings"
	"testing"
)

var tables = []string{
	"CREATE TABLE a (id INT PRIMARY KEY, i INT, s VARCHAR(20), d DECIMAL(10,3), f DOUBLE, dt DATE, ts DATETIME(3))",
	"CREATE TABLE b (k VARCHAR(20) PRIMARY KEY, v INT, w VARCHAR(5))",
	"CREATE TABLE n (id BIGINT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20), UNIQUE KEY id_v (id, v))",
	"CREATE TABLE g (id INT PRIMARY KEY, v VARCHAR(40))",
	"CREATE TABLE g_id (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40))",
	"CREATE TABLE one (id INT PRIMARY KEY, v VARCHAR(40))",
	"CREATE TABLE one_id (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40))",
	"CREATE TABLE two (a INT, b VARCHAR(10), v INT, PRIMARY KEY (a, b))",
	"CREATE TABLE e (k INT NOT NULL DEFAULT 7, v VARCHAR(40) NOT NULL DEFAULT 'x', PRIMARY KEY (k))",
}

var contents = []string{
	"SELECT * FROM a ORDER BY id", "SELECT * FROM b ORDER BY k", "SELECT * FROM n ORDER BY id", "SELECT * FROM g ORDER BY id",
	"SELECT * FROM g_id ORDER BY id", "SELECT * FROM one ORDER BY id", "SELECT * FROM one_id ORDER BY id", "SELECT * FROM two ORDER BY a, b",
	"SELECT * FROM e ORDER BY k",
}

// sameTables compares the tables that a statement names.
func (p *pair) sameTables(of string) {
	p.t.Helper()
	for _, q := range contents {
		name := strings.Fields(q)[3]
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(of) {
			continue
		}
		if !p.sameRows(q, of) {
			p.t.FailNow() // what follows would only repeat it
		}
	}
}

const fillA = "INSERT INTO a VALUES (1, 10, 'one', 1.5, 0.1, '2024-01-01', '2024-01-01 10:00:00.123'), (2, NULL, 'zwei ä', -2.125, 1e300, NULL, NULL), " +
	"(3, 30, 'it''s \\\\ x', 0, 3.141592653589793, '1999-12-31', '1970-01-01 00:00:01'), (4, 40, NULL, 4, -0.5, '2024-02-29', '2024-02-29 23:59:59.999'), (5, 50, '5', 5, 5, NULL, NULL)"

// statements are run one after the other, so that each meets what those before have left.
var statements = []string{
	fillA,
	// VALUES with what is no constant
	"INSERT INTO a (id, i) VALUES (10 + 1, 1), (ABS(-12), 2), (LENGTH('1234567890123'), 3)",
	"INSERT INTO a (id, i) VALUES (10 + 1, 1)",
	"INSERT IGNORE INTO a (id, i) VALUES (10 + 1, 1), (20 + 1, 2)",
	"SET @k = 31",
	"INSERT INTO a (id, i) VALUES (@k, 1), (@k + 1, 2)",
	"INSERT INTO a SET id = 20 + 20, i = id + 1",
	"INSERT INTO a (id, i) VALUES ((SELECT MAX(i) FROM a x) + 100, 1)",
	"INSERT INTO a (id, i) VALUES (60, (SELECT COUNT(*) FROM b)), (61, (SELECT MIN(id) FROM a x))",
	"INSERT INTO a (id, i) VALUES (1/0, 1)",
	"INSERT INTO a (id, i) VALUES (NULL, 1)",
	"INSERT INTO a (id, i) VALUES (70, 1), (70, 2)",
	"INSERT INTO a (i) VALUES (1)",
	"INSERT INTO e VALUES (), ()",
	"INSERT INTO e (v) VALUES ('a')",
	"INSERT INTO e (v) VALUES ('a'), ('b')",
	"INSERT INTO e (k, v) VALUES (DEFAULT, 'c') ON DUPLICATE KEY UPDATE v = VALUES(v)",
	"INSERT INTO e (k, v) VALUES (8, DEFAULT), (9, DEFAULT(v))",
	"INSERT INTO e SET v = 'd'",
	"REPLACE INTO e SET v = 'd'",
	"REPLACE INTO e (k, v) VALUES (7, 'x'), (8, 'y'), (100, 'z')",
	"INSERT INTO two VALUES (1, 'a', 1), (1, 'b', 2), (2, 'a', 3), (1 + 2, CONCAT('x', 'y'), 4)",
	"INSERT INTO two VALUES (1, 'A', 9) ON DUPLICATE KEY UPDATE v = v + VALUES(v)",
	// INSERT … SELECT
	"INSERT INTO b SELECT s, i, 'x' FROM a WHERE s IS NOT NULL ORDER BY id",
	"INSERT INTO b SELECT s, i, 'x' FROM a WHERE s IS NOT NULL ORDER BY id",
	"INSERT IGNORE INTO b SELECT s, i, 'y' FROM a WHERE s IS NOT NULL ORDER BY id",
	"REPLACE INTO b SELECT s, i, 'z' FROM a WHERE s IS NOT NULL ORDER BY id",
	"INSERT INTO b SELECT s, i, 'q' FROM a WHERE s IS NOT NULL ORDER BY id ON DUPLICATE KEY UPDATE v = v + 1, w = VALUES(w)",
	"INSERT INTO b SELECT CONCAT(k, '!'), v, w FROM b",
	"INSERT INTO b (v, k) SELECT id, CONCAT('a', id) FROM a ORDER BY id DESC LIMIT 3",
	"INSERT INTO b (k, w) SELECT CONCAT('long', id), 'toolong' FROM a ORDER BY id",
	"INSERT IGNORE INTO b (k, w) SELECT CONCAT('long', id), 'toolong' FROM a WHERE id < 4 ORDER BY id",
	"INSERT INTO b (k) SELECT id, id FROM a",
	"INSERT INTO b (k) SELECT nothing FROM a",
	"INSERT INTO b (k) SELECT id FROM a WHERE id < 0",
	"INSERT INTO a SELECT id + 1000, i, s, d, f, dt, ts FROM a WHERE id <= 5",
	"INSERT INTO a (id, i, s) SELECT id + 2000, COUNT(*), MAX(s) FROM a WHERE id <= 5 GROUP BY id",
	"INSERT INTO a (id, i) SELECT MAX(id) + 1, COUNT(*) FROM a",
	"INSERT INTO g SELECT id, s FROM a WHERE id < 6 ORDER BY id",
	"INSERT INTO g SELECT id, s FROM a WHERE id < 6 ORDER BY id",
	"REPLACE INTO g SELECT id, CONCAT(id, 'r') FROM a WHERE id < 3",
	"INSERT INTO g SELECT id + 100, v FROM g",
	"INSERT INTO one SELECT id, v FROM g",
	"INSERT INTO a (id, i) SELECT x.id + 20000, y.id FROM a x JOIN a y ON x.i = y.i WHERE x.id < 6 ORDER BY x.id",
	"INSERT INTO a (id, i) SELECT id + 21000, 1 FROM a WHERE id < 3 UNION ALL SELECT id + 21500, 2 FROM one WHERE id < 3",
	"INSERT INTO a (id, i) SELECT id + 22000, (SELECT COUNT(*) FROM b) FROM a WHERE id IN (SELECT id FROM one) ORDER BY id",
	"INSERT INTO a (id, i) WITH w AS (SELECT MAX(id) AS m FROM a) SELECT m + 1, 5 FROM w",
	"INSERT INTO a (id, i) SELECT * FROM (SELECT MAX(id) + 2, COUNT(*) FROM a) AS d",
	"DELETE FROM a WHERE id >= 20000",
	"INSERT INTO one SELECT id + 1000, s FROM a WHERE id < 6",
	"INSERT INTO a (id, s) SELECT id + 5000, LEFT(v, 20) FROM one",
	"INSERT INTO two SELECT id, 'fill', i FROM a WHERE id < 6",
	"INSERT INTO two SELECT a + 10, b, v FROM two",
	"REPLACE INTO two SELECT * FROM two",
	"INSERT INTO a (id, s) VALUES (9000, 'after')",
	"SELECT ROW_COUNT()",
	"INSERT INTO a (id, dt, ts) SELECT id + 10000, ts, dt FROM a WHERE id <= 5 ORDER BY id",
	"INSERT INTO a (id, i, d) SELECT id + 11000, dt, ts FROM a WHERE id IN (1, 4) ORDER BY id",
	"INSERT INTO a (id, i) SELECT id + 12000, s FROM a WHERE id IN (1, 5) ORDER BY id",
	"INSERT IGNORE INTO a (id, i) SELECT id + 12000, s FROM a WHERE id IN (1, 5) ORDER BY id",
	"INSERT INTO a (id, s) SELECT id + 13000, f FROM a WHERE id IN (1, 3, 5) ORDER BY id",
	"INSERT INTO a (id, i) SELECT id + 14000, 'abc' + 1 FROM a WHERE id IN (1, 3, 5) ORDER BY id",
	"SET sql_mode = ''",
	"INSERT INTO a (id, i) SELECT id + 14000, 'abc' + 1 FROM a WHERE id IN (1, 3, 5) ORDER BY id",
	"INSERT INTO a (id, i) SELECT id + 15000, s FROM a WHERE id IN (1, 3, 5) ORDER BY id",
	"INSERT INTO e SELECT 500, NULL",
	"INSERT INTO e SELECT id + 600, NULL FROM a WHERE id < 4 ORDER BY id",
	"SET sql_mode = 'STRICT_TRANS_TABLES'",
	"INSERT INTO e SELECT 501, NULL",
	"TRUNCATE TABLE a",
}

func TestStatements(t *testing.T) {
	p := start(t)
	for _, d := range tables {
		p.both(d)
	}
	for _, s := range statements {
		p.same(s)
		p.sameTables(s)
	}
}
