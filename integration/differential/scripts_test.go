package differential

import (
	"maps"
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// scripts are statements that were thought of, by subject. Each is run in an empty database, as text; a line with
// "bind:" before it is prepared with its literals bound.
var scripts = map[string]string{
	"columns added and dropped": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT, b VARCHAR(10));
INSERT INTO h1 VALUES (1, 1, 'x'), (2, 2, 'y'), (3, NULL, NULL), (4, 4, '');
ALTER TABLE h1 ADD COLUMN c INT NOT NULL DEFAULT 7 AFTER a, ADD KEY (b);
SELECT * FROM h1 ORDER BY id;
INSERT INTO h1 VALUES (5, 5, 5, '5');
UPDATE h1 SET b = '' WHERE b IS NULL;
ALTER TABLE h1 DROP COLUMN a, MODIFY b VARCHAR(20) NOT NULL DEFAULT 'z';
SELECT * FROM h1 ORDER BY id;
ALTER TABLE h1 ADD UNIQUE KEY same (id, b);
ALTER TABLE h1 ADD COLUMN c INT;
ALTER TABLE h1 RENAME COLUMN c TO d;
SHOW CREATE TABLE h1;
CREATE INDEX dd ON h1 (d);
CREATE INDEX dd ON h1 (d);
DROP INDEX dd ON h1;
DROP INDEX dd ON h1;
SHOW COLUMNS FROM h1;
DESCRIBE h1;
SHOW FULL COLUMNS FROM h1 LIKE 'b';
TRUNCATE TABLE h1;
SELECT COUNT(*) FROM h1;
RENAME TABLE h1 TO h2;
SELECT * FROM h1;
SELECT COUNT(*) FROM h2;
DROP TABLE h2;
DROP TABLE h2;
DROP TABLE IF EXISTS h2, h3;
SHOW TABLES`,
	"create like and select": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT, s VARCHAR(10));
INSERT INTO h1 VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c'), (4, 10, 'A');
CREATE TABLE h2 LIKE h1;
INSERT INTO h2 SELECT * FROM h1;
SELECT * FROM h2 ORDER BY id;
CREATE TABLE h3 (PRIMARY KEY (id)) SELECT id, a + 1 AS b, s FROM h1 WHERE id > 1;
SELECT * FROM h3 ORDER BY id;
SHOW CREATE TABLE h3;
CREATE TABLE h3 (id INT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS h3 (id INT PRIMARY KEY);
CREATE TABLE g1 (PRIMARY KEY (a)) SELECT a, COUNT(*) AS n FROM h1 GROUP BY a;
SELECT * FROM g1 ORDER BY a;
CREATE TABLE h4 (id INT, a INT, PRIMARY KEY (id)) REPLACE SELECT a AS id, id AS a FROM h1 ORDER BY 1, 2;
SELECT * FROM h4 ORDER BY id;
SHOW TABLES LIKE 'h%'`,
	"auto increment": `
CREATE TABLE h1 (id INT AUTO_INCREMENT PRIMARY KEY, a INT);
INSERT INTO h1 (a) VALUES (10);
SELECT LAST_INSERT_ID();
INSERT INTO h1 (a) VALUES (20), (30), (40);
SELECT LAST_INSERT_ID();
INSERT INTO h1 VALUES (NULL, 50), (0, 60);
SELECT LAST_INSERT_ID(), @@last_insert_id, @@identity;
SELECT * FROM h1 ORDER BY id;
SELECT * FROM h1 WHERE id IS NULL;
INSERT INTO h1 VALUES (7, 70);
SELECT LAST_INSERT_ID();
bind: INSERT INTO h1 (a) VALUES (80);
SELECT id FROM h1 WHERE a = 70;
UPDATE h1 SET a = LAST_INSERT_ID(a + 1) WHERE id = 1;
SELECT LAST_INSERT_ID();
INSERT IGNORE INTO h1 VALUES (1, 1);
SELECT LAST_INSERT_ID();
DELETE FROM h1 WHERE id > 3;
SELECT COUNT(*) FROM h1`,
	"duplicates": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT, s VARCHAR(10), UNIQUE KEY (id, a));
INSERT INTO h1 VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c');
INSERT INTO h1 VALUES (4, 4, 'd'), (2, 9, 'x'), (5, 5, 'e');
SELECT * FROM h1 ORDER BY id;
INSERT IGNORE INTO h1 VALUES (4, 4, 'd'), (2, 9, 'x'), (5, 5, 'e'), (4, 0, '0');
SHOW WARNINGS;
INSERT INTO h1 VALUES (1, 1, 'a'), (6, 6, 'f'), (2, 2, 'zz') ON DUPLICATE KEY UPDATE s = CONCAT(s, VALUES(s)), a = a + 100;
SELECT * FROM h1 ORDER BY id;
INSERT INTO h1 VALUES (1, 0, 'x'), (2, 0, 'x') ON DUPLICATE KEY UPDATE a = a;
REPLACE INTO h1 VALUES (1, 1, 'r'), (7, 7, 'r'), (7, 8, 'rr'), (2, 2, 'r');
SELECT * FROM h1 ORDER BY id;
REPLACE INTO h1 SET id = 3, s = 'set';
REPLACE INTO h1 SELECT id + 1, a, s FROM h1 WHERE id < 4 ORDER BY id DESC;
SELECT * FROM h1 ORDER BY id;
INSERT INTO h1 (id) VALUES (NULL);
INSERT INTO h1 (id) VALUES ('abc');
INSERT INTO h1 (id, nothing) VALUES (1, 2);
INSERT INTO h1 VALUES (1, 2);
INSERT INTO h1 VALUES (20, 2, 'far too long a text');
INSERT INTO h1 VALUES (21, 99999999999, 'a'), (22, 1, 'b');
SELECT COUNT(*), SUM(a) FROM h1`,
	"keys that move": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT);
INSERT INTO h1 VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5);
UPDATE h1 SET id = 11 WHERE id = 1;
SELECT * FROM h1 ORDER BY id;
UPDATE h1 SET id = id + 100 WHERE a >= 3;
SELECT * FROM h1 ORDER BY id;
UPDATE h1 SET id = 2 WHERE id = 11;
UPDATE h1 SET id = 2 WHERE id = 2;
UPDATE h1 SET id = id + 1 ORDER BY id DESC;
SELECT * FROM h1 ORDER BY id;
BEGIN;
UPDATE h1 SET id = id * 2;
SELECT * FROM h1 ORDER BY id;
ROLLBACK;
SELECT * FROM h1 ORDER BY id;
UPDATE IGNORE h1 SET id = 3 WHERE id > 3;
SELECT * FROM h1 ORDER BY id;
UPDATE h1 SET id = a, a = id WHERE a = 5;
SELECT * FROM h1 ORDER BY id;
UPDATE h1 SET id = NULL WHERE a = 2;
UPDATE h1 SET id = -1 LIMIT 0;
UPDATE h1 SET id = 77 ORDER BY id LIMIT 1;
SELECT * FROM h1 ORDER BY id`,
	"limits of changes": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT, s VARCHAR(5));
INSERT INTO h1 VALUES (1, 5, 'a'), (2, 4, 'b'), (3, 3, NULL), (4, 2, 'd'), (5, 1, 'e'), (6, NULL, 'f');
UPDATE h1 SET s = 'x' ORDER BY a LIMIT 2;
SELECT * FROM h1 ORDER BY id;
DELETE FROM h1 ORDER BY s DESC, id LIMIT 1;
SELECT * FROM h1 ORDER BY id;
UPDATE h1 SET a = a + 1 WHERE id IN (1, 2, 3) ORDER BY id DESC LIMIT 2;
DELETE FROM h1 WHERE a > 2 ORDER BY a DESC, id LIMIT 1;
SELECT * FROM h1 ORDER BY id;
DELETE FROM h1 LIMIT 0;
DELETE FROM h1 ORDER BY id LIMIT 100;
SELECT * FROM h1`,
	"several tables": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT);
CREATE TABLE h2 (id INT PRIMARY KEY, b INT);
CREATE TABLE g1 (id INT PRIMARY KEY, c INT);
CREATE TABLE s1 (id INT PRIMARY KEY, d INT);
INSERT INTO h1 VALUES (1, 1), (2, 2), (3, 3), (4, 4);
INSERT INTO h2 VALUES (1, 3), (2, 4), (3, 1), (9, 2);
INSERT INTO g1 VALUES (1, 100), (2, 200), (3, 300);
INSERT INTO s1 VALUES (1, 2), (2, 3);
UPDATE h1 JOIN h2 ON h1.a = h2.b SET h1.a = h1.a + 10, h2.b = h2.b + 10;
SELECT * FROM h1 ORDER BY id;
SELECT * FROM h2 ORDER BY id;
UPDATE h1, g1 SET h1.a = g1.c WHERE h1.id = g1.id AND g1.c > 100;
UPDATE g1 JOIN h1 ON g1.id = h1.id SET g1.c = 0 WHERE h1.a = 200;
SELECT * FROM g1 ORDER BY id;
UPDATE h1 SET a = (SELECT MAX(b) FROM h2) WHERE id = 1;
UPDATE h1 SET a = (SELECT d FROM s1 WHERE s1.id = h1.id);
SELECT * FROM h1 ORDER BY id;
DELETE h1 FROM h1 JOIN s1 ON s1.d = h1.id;
DELETE h1, h2 FROM h1 JOIN h2 ON h1.id = h2.id;
DELETE FROM h2 WHERE id IN (SELECT id * 3 FROM g1);
SELECT * FROM h2 ORDER BY id;
DELETE FROM h1 WHERE NOT EXISTS (SELECT 1 FROM h2 WHERE h2.b = h1.a);
SELECT * FROM h1 ORDER BY id;
INSERT INTO s1 SELECT id + 10, COUNT(*) FROM h2 GROUP BY id;
INSERT INTO g1 SELECT id + 50, b FROM h2;
SELECT * FROM g1 ORDER BY id;
DELETE s1, g1 FROM s1 JOIN g1 ON s1.id = g1.id;
SELECT * FROM s1 ORDER BY id`,
	"transactions": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT);
INSERT INTO h1 VALUES (1, 1), (2, 2), (3, 3), (4, 4);
BEGIN;
UPDATE h1 SET a = 0;
SAVEPOINT one;
DELETE FROM h1 WHERE id > 2;
SAVEPOINT two;
INSERT INTO h1 VALUES (9, 9), (10, 10), (11, 11);
ROLLBACK TO two;
SELECT * FROM h1 ORDER BY id;
ROLLBACK TO one;
SELECT SUM(a), COUNT(*) FROM h1;
RELEASE SAVEPOINT one;
ROLLBACK TO one;
INSERT INTO h1 VALUES (5, 5), (1, 1);
SELECT COUNT(*) FROM h1;
COMMIT;
SELECT * FROM h1 ORDER BY id;
SET autocommit = 0;
DELETE FROM h1;
SELECT COUNT(*) FROM h1;
ROLLBACK;
SET autocommit = 1;
SELECT COUNT(*) FROM h1;
START TRANSACTION READ ONLY;
UPDATE h1 SET a = 1;
SELECT COUNT(*) FROM h1;
COMMIT;
BEGIN;
DELETE FROM h1 WHERE id = 1;
BEGIN;
ROLLBACK;
SELECT COUNT(*) FROM h1`,
	"user variables": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT);
INSERT INTO h1 VALUES (1, 10), (2, 20), (3, 30);
SET @m = (SELECT MAX(a) FROM h1), @n = 5;
SELECT @m, @n, @none;
SELECT id FROM h1 WHERE a = @m;
SELECT id, a + @n FROM h1 ORDER BY id;
SELECT COUNT(*), SUM(a) INTO @c, @s FROM h1;
SELECT @c, @s;
UPDATE h1 SET a = a + @n WHERE id = 2;
SELECT a INTO @x FROM h1 WHERE id = 2;
SELECT @x;
SELECT a INTO @x FROM h1 WHERE id = 99;
SELECT @x;
SELECT a INTO @x FROM h1;
SET @e = (SELECT MAX(a) FROM h1 WHERE id = 99), @d = (SELECT AVG(a) FROM h1 WHERE id = 99), @t = (SELECT 'x' FROM h1 WHERE id = 99);
SELECT @e, @d, @t;
SELECT @e UNION ALL SELECT 5 UNION ALL SELECT a FROM h1 WHERE id = 1;
bind: SELECT @d UNION ALL SELECT 5;
SET @q = 'SELECT COUNT(*) FROM h1 WHERE a > ?';
PREPARE st FROM @q;
EXECUTE st USING @n;
DEALLOCATE PREPARE st`,
	"found rows": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT);
INSERT INTO h1 VALUES (1, 10), (2, 20), (3, 30), (4, 40);
SELECT * FROM h1 ORDER BY id LIMIT 2;
SELECT FOUND_ROWS();
SELECT SQL_CALC_FOUND_ROWS * FROM h1 ORDER BY id LIMIT 2;
SELECT FOUND_ROWS();
SELECT SQL_CALC_FOUND_ROWS a.id FROM h1 a JOIN h1 b ON a.a = b.a + 10 ORDER BY 1 LIMIT 1;
SELECT FOUND_ROWS();
UPDATE h1 SET a = a WHERE id < 3;
SELECT ROW_COUNT();
UPDATE h1 SET a = 5 WHERE id < 3;
SELECT ROW_COUNT();
DELETE FROM h1 WHERE id > 2;
SELECT ROW_COUNT();
SELECT ROW_COUNT()`,
	"views": `
CREATE TABLE h1 (id INT PRIMARY KEY, a INT, s VARCHAR(10));
INSERT INTO h1 VALUES (1, 10, 'x'), (2, 20, 'y'), (3, 30, 'x');
CREATE VIEW v1 AS SELECT id, a FROM h1 WHERE a > 10;
SELECT * FROM v1 ORDER BY id;
SELECT COUNT(*) FROM v1;
SELECT v1.id, h1.s FROM v1 JOIN h1 ON v1.id = h1.id ORDER BY 1;
CREATE VIEW v2 AS SELECT s, COUNT(*) AS n FROM h1 GROUP BY s;
SELECT * FROM v2 ORDER BY s;
DROP VIEW v1;
SELECT * FROM v1;
DROP VIEW IF EXISTS v1, v2`,
	"what there is": `
CREATE TABLE h1 (id INT NOT NULL AUTO_INCREMENT, a INT NOT NULL DEFAULT 5 COMMENT 'of a', s VARCHAR(10) COLLATE utf8mb4_bin, d DECIMAL(10,2), PRIMARY KEY (id), UNIQUE KEY ua (id, a), KEY ks (s(4))) COMMENT='first';
CREATE TABLE g1 (k CHAR(3) PRIMARY KEY);
CREATE VIEW v1 AS SELECT 1 AS one;
SHOW TABLES;
SHOW FULL TABLES;
SHOW TABLES WHERE Tables_in_d LIKE 'g%';
SHOW CREATE TABLE h1;
SHOW CREATE TABLE nothing;
SHOW KEYS FROM h1;
SELECT table_name, table_type, engine, table_collation, table_comment FROM information_schema.tables WHERE table_schema = 'd' ORDER BY table_name;
SELECT column_name, ordinal_position, column_default, is_nullable, data_type, column_type, column_key, extra, column_comment, collation_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'h1' ORDER BY ordinal_position;
SELECT index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics WHERE table_schema = 'd' ORDER BY table_name, index_name, seq_in_index;
SELECT constraint_name, constraint_type, table_name FROM information_schema.table_constraints WHERE table_schema = 'd' ORDER BY table_name, constraint_name;
SELECT constraint_name, column_name, ordinal_position FROM information_schema.key_column_usage WHERE table_schema = 'd' ORDER BY table_name, constraint_name, ordinal_position;
SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = 'd';
SELECT t.table_name, COUNT(*) FROM information_schema.tables t JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name WHERE t.table_schema = 'd' GROUP BY t.table_name ORDER BY 1;
SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'd';
SELECT DATABASE(), SCHEMA();
SHOW VARIABLES LIKE 'sql_mode';
SHOW COLLATION LIKE 'utf8mb4_bin';
SHOW CHARACTER SET LIKE 'latin1';
SHOW WARNINGS;
SHOW ERRORS;
SHOW COUNT(*) WARNINGS;
SHOW TRIGGERS;
SHOW PROCEDURE STATUS WHERE Db = 'd';
SHOW EVENTS;
SHOW DATABASES LIKE 'd'`,
	"odd names and forms": "\n" + `
CREATE TABLE ` + "`order`" + ` (` + "`key`" + ` INT PRIMARY KEY, ` + "`a b`" + ` INT, ` + "`Ä`" + ` INT);
INSERT INTO ` + "`order`" + ` VALUES (1, 1, 1), (2, 2, 2), (3, 3, NULL);
SELECT ` + "`key`, `a b` + 1 AS `x y`, `Ä`" + ` FROM ` + "`order`" + ` ORDER BY ` + "`x y`" + ` DESC;
SELECT SUM(` + "`a b`" + `) FROM d.` + "`order`" + ` o;
SELECT d.o.` + "`key`" + ` FROM ` + "`order`" + ` o WHERE 1 ORDER BY 1;
SELECT (SELECT COUNT(*) FROM ` + "`order`" + `) + 1 AS n, 'a' 'b', "c";
(SELECT ` + "`key`" + ` FROM ` + "`order`" + `) UNION (SELECT 5) ORDER BY 1 LIMIT 2;
SELECT * FROM ` + "`order`" + ` WHERE (` + "`key`, `a b`" + `) IN ((1, 1), (2, 9)) ORDER BY 1;
SELECT /* why */ ` + "`key`" + ` -- end
FROM ` + "`order`" + ` # more
ORDER BY 1;
TABLE ` + "`order`" + `;
VALUES (1, 2), (3, 4);
SELECT 1 FROM DUAL WHERE 1 = 0;
DO 1;
SELECT 1; `,
}

func statements(script string) (list []*step) {
	for _, q := range strings.Split(script, ";\n") {
		q = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(q), ";"))
		if q == "" {
			continue
		}
		st := &step{read: strings.HasPrefix(q, "SELECT")}
		q, bind := strings.CutPrefix(q, "bind: ")
		st.binary, st.tree = bind, word(q)
		if strings.Contains(q, "ORDER BY") || strings.HasPrefix(q, "SHOW") {
			st.order = st.tree
		}
		list = append(list, st)
	}
	return list
}

// TestScripts runs each script on both, to its end.
func TestScripts(t *testing.T) {
	const shards = 3
	c := cluster.Start(t, cluster.Options{Shards: shards, Config: rules(shards)})
	c.StartProxy()
	b := connectBoth(t, oracle(t), c.Proxy)
	all := maps.Clone(scripts)
	maps.Copy(all, settings)
	for name, script := range all {
		t.Run(name, func(t *testing.T) {
			b.t = t
			if err := b.reset(); err != nil {
				t.Fatal(err)
			}
			for _, st := range statements(script) {
				reason, m := b.run(st, false)
				if reason != "" {
					t.Logf("refused: %s\n  %s", st, reason)
				} else if m != nil && stillOpen(st, m) == "" {
					t.Errorf("%s differs: %s\n%s", m.aspect, st, m.detail)
				}
			}
		})
	}
}
