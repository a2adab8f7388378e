package session

const script = `
CREATE DATABASE d
CREATE DATABASE e
USE nowhere
database nowhere
SELECT * FROM t
SELECT DATABASE()
USE d
SELECT DATABASE()
database d
CREATE TABLE t (id INT PRIMARY KEY, v INT, s VARCHAR(10))
SELECT ROW_COUNT()
CREATE TABLE t (id INT PRIMARY KEY)
CREATE TABLE IF NOT EXISTS t (id INT PRIMARY KEY)
SHOW WARNINGS
SELECT ROW_COUNT()
CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v INT)
DROP TABLE nothing
DROP TABLE IF EXISTS nothing
SHOW WARNINGS
SHOW COUNT(*) WARNINGS
SELECT @@warning_count

-- counts
INSERT INTO t VALUES (1, 0, 'a'), (2, 0, 'b'), (3, 0, 'c'), (4, 0, 'd'), (5, 0, 'e'), (6, 0, 'f')
SELECT ROW_COUNT()
SELECT ROW_COUNT()
UPDATE t SET v = 1
SELECT ROW_COUNT()
UPDATE t SET v = 1
SELECT ROW_COUNT()
UPDATE t SET v = 2 WHERE id = 1
SELECT ROW_COUNT()
UPDATE t SET v = 2 WHERE id = 99
SELECT ROW_COUNT()
DELETE FROM t WHERE id = 6
SELECT ROW_COUNT()
SELECT * FROM t ORDER BY id
SELECT ROW_COUNT()
SELECT FOUND_ROWS()
SELECT * FROM t ORDER BY id LIMIT 2
SELECT FOUND_ROWS()
SELECT SQL_CALC_FOUND_ROWS * FROM t ORDER BY id LIMIT 2
SELECT FOUND_ROWS()
SELECT SQL_CALC_FOUND_ROWS * FROM t WHERE id = 1 LIMIT 0
SELECT FOUND_ROWS()
DO 1
SELECT ROW_COUNT()
SET @a = 1
SELECT ROW_COUNT()
SHOW TABLES
SELECT ROW_COUNT()
REPLACE INTO t VALUES (1, 5, 'r')
REPLACE INTO t VALUES (1, 6, 'r'), (7, 6, 'n')
SELECT ROW_COUNT()
DELETE FROM t WHERE id = 7
INSERT IGNORE INTO t VALUES (1, 0, 'x'), (8, 0, 'h')
SHOW WARNINGS
SELECT ROW_COUNT()
INSERT INTO t VALUES (8, 0, 'x') ON DUPLICATE KEY UPDATE v = v + 1
DELETE FROM t WHERE id IN (7, 8)

-- ids
INSERT INTO a (v) VALUES (1)
SELECT LAST_INSERT_ID()
INSERT INTO a (v) VALUES (2), (3)
SELECT LAST_INSERT_ID()
SELECT @@last_insert_id, @@identity
INSERT INTO a VALUES (50, 1)
SELECT LAST_INSERT_ID()
INSERT INTO a (v) VALUES (4)
SELECT LAST_INSERT_ID()
INSERT INTO a VALUES (NULL, 5)
INSERT INTO a VALUES (0, 5)
SELECT LAST_INSERT_ID()
INSERT INTO t VALUES (9, 1, 'no id')
SELECT LAST_INSERT_ID()
UPDATE t SET v = 3 WHERE id = 9
SELECT LAST_INSERT_ID()
INSERT INTO a VALUES (1, 1)
SELECT LAST_INSERT_ID()
UPDATE t SET v = LAST_INSERT_ID(v + 70) WHERE id = 9
SELECT LAST_INSERT_ID()
SELECT LAST_INSERT_ID(12)
SELECT LAST_INSERT_ID()
# rows: a SELECT has no answer in which a server would tell the new value
SELECT id FROM a WHERE id IS NULL
INSERT INTO a (id, v) VALUES (2, 5) ON DUPLICATE KEY UPDATE v = 6, id = LAST_INSERT_ID(id)
SELECT LAST_INSERT_ID()
INSERT INTO a (id, v) VALUES (2, 5) ON DUPLICATE KEY UPDATE v = LAST_INSERT_ID(77)
SELECT LAST_INSERT_ID()
INSERT IGNORE INTO a (id, v) VALUES (1, 5)
SELECT LAST_INSERT_ID()
DELETE FROM t WHERE id = 9
prepare ins: INSERT INTO a (v) VALUES (?)
execute ins: 7
SELECT LAST_INSERT_ID()
execute ins: 8
SELECT ROW_COUNT()

-- errors
SELEC 1
SHOW WARNINGS
# rows: the text says "your server version", as there may be MySQL and MariaDB behind the proxy
SHOW ERRORS
# rows: as above
SHOW COUNT(*) ERRORS
SELECT @@error_count
SELECT ROW_COUNT()
INSERT INTO t VALUES (1, 1, 'dup')
SHOW WARNINGS
SELECT @@warning_count
SELECT ROW_COUNT()
INSERT INTO t VALUES (10, 1)
SELECT nope FROM t
SELECT * FROM nope
SELECT * FROM nope.t
UPDATE t SET nope = 1
INSERT INTO t (id, v) VALUES (11, 'text')
INSERT INTO t (id, s) VALUES (11, 'much too long a text')
SELECT 1 / 0
SHOW WARNINGS
SELECT CAST('1x' AS SIGNED)
SHOW WARNINGS
SHOW WARNINGS
SELECT 1
SHOW WARNINGS
# rows: MariaDB keeps the list over statements without tables, the proxy (as MySQL says) does not
SET sql_mode = ''
INSERT INTO t (id, s) VALUES (11, 'much too long a text')
SHOW WARNINGS
SHOW WARNINGS LIMIT 1
SELECT s FROM t WHERE id = 11
DELETE FROM t WHERE id = 11
UPDATE t SET s = 'much too long a text'
SHOW COUNT(*) WARNINGS
SET sql_mode = DEFAULT
UPDATE t SET s = 'x'

-- transactions
BEGIN
SELECT ROW_COUNT()
SELECT 1
SELECT COUNT(*) FROM t
UPDATE t SET v = 100
SELECT SUM(v) FROM t
ROLLBACK
SELECT SUM(v) FROM t
START TRANSACTION
INSERT INTO t VALUES (20, 1, 'x')
INSERT INTO t VALUES (1, 1, 'dup')
SELECT COUNT(*) FROM t
INSERT INTO t VALUES (21, 1, 'x'), (22, 1, 'x'), (23, 1, 'x'), (2, 1, 'dup')
SELECT COUNT(*) FROM t
COMMIT
SELECT COUNT(*) FROM t
DELETE FROM t WHERE id >= 20
COMMIT
ROLLBACK
BEGIN
BEGIN
UPDATE t SET v = 7 WHERE id = 2
BEGIN
ROLLBACK
SELECT v FROM t WHERE id = 2
START TRANSACTION READ ONLY
SELECT v FROM t WHERE id = 2
UPDATE t SET v = 8 WHERE id = 2
UPDATE t SET v = 8
COMMIT
START TRANSACTION READ WRITE
UPDATE t SET v = 8 WHERE id = 2
COMMIT AND CHAIN
UPDATE t SET v = 9 WHERE id = 2
ROLLBACK AND CHAIN
SELECT v FROM t WHERE id = 2
COMMIT
START TRANSACTION WITH CONSISTENT SNAPSHOT
# code: an XA branch cannot take a snapshot when it opens
# state: see code
# status: see code
SELECT COUNT(*) FROM t
COMMIT
BEGIN
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
ROLLBACK
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
BEGIN
SELECT v FROM t WHERE id = 1
COMMIT
SET TRANSACTION READ ONLY
UPDATE t SET v = 1 WHERE id = 1
UPDATE t SET v = 1 WHERE id = 1
SET TRANSACTION READ ONLY
SET autocommit = 0
UPDATE t SET v = 1 WHERE id = 1
ROLLBACK
SET autocommit = 1
SET SESSION TRANSACTION READ ONLY
UPDATE t SET v = 1 WHERE id = 1
UPDATE t SET v = 1
START TRANSACTION READ WRITE
UPDATE t SET v = 1 WHERE id = 1
ROLLBACK
SET SESSION TRANSACTION READ WRITE
SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE
SELECT @@tx_isolation
BEGIN
SELECT v FROM t WHERE id = 1
COMMIT
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ
SET TRANSACTION ISOLATION LEVEL NONSENSE

-- savepoints
SAVEPOINT s
ROLLBACK TO s
BEGIN
SAVEPOINT s
UPDATE t SET v = 50
SAVEPOINT r
UPDATE t SET v = 60 WHERE id = 1
ROLLBACK TO r
SELECT SUM(v) FROM t
ROLLBACK TO SAVEPOINT s
ROLLBACK TO r
SELECT SUM(v) FROM t
RELEASE SAVEPOINT s
ROLLBACK TO s
RELEASE SAVEPOINT nope
COMMIT
BEGIN
SAVEPOINT ` + "`quoted`" + `
UPDATE t SET v = 70
ROLLBACK TO quoted
SELECT SUM(v) FROM t
SAVEPOINT quoted
UPDATE t SET v = 71
SAVEPOINT QUOTED
ROLLBACK TO quoted
SELECT SUM(v) FROM t
ROLLBACK
SELECT SUM(v) FROM t

-- autocommit off
SET autocommit = 0
SELECT @@autocommit
SELECT 1
SAVEPOINT early
SELECT COUNT(*) FROM t
UPDATE t SET v = 80 WHERE id = 1
ROLLBACK TO early
SELECT v FROM t WHERE id = 1
COMMIT
SELECT COUNT(*) FROM t
ROLLBACK
UPDATE t SET v = 81
SET autocommit = 1
SELECT SUM(v) FROM t
ROLLBACK
SELECT SUM(v) FROM t
SET autocommit = OFF
UPDATE t SET v = 82 WHERE id = 1
BEGIN
ROLLBACK
SELECT v FROM t WHERE id = 1
COMMIT
SET @@session.autocommit = ON
SELECT @@autocommit
SET autocommit = 7
BEGIN
SET autocommit = 1
UPDATE t SET v = 83 WHERE id = 1
ROLLBACK
SELECT v FROM t WHERE id = 1

-- definitions commit
BEGIN
UPDATE t SET v = 90
CREATE TABLE x (id INT PRIMARY KEY)
SELECT ROW_COUNT()
ROLLBACK
SELECT SUM(v) FROM t
BEGIN
UPDATE t SET v = 91
ALTER TABLE x ADD COLUMN y INT
ROLLBACK
SELECT SUM(v) FROM t
BEGIN
UPDATE t SET v = 92
CREATE TABLE x (id INT PRIMARY KEY)
ROLLBACK
SELECT SUM(v) FROM t
BEGIN
UPDATE t SET v = 93
TRUNCATE TABLE x
ROLLBACK
SELECT SUM(v) FROM t
INSERT INTO x VALUES (1, 1), (2, 2), (3, 3)
ALTER TABLE x ADD COLUMN z INT DEFAULT 4
SELECT * FROM x ORDER BY id
RENAME TABLE x TO w
SELECT COUNT(*) FROM w
SELECT COUNT(*) FROM x
DROP TABLE w

-- prepared statements
prepare one: SELECT id, v FROM t WHERE id = ?
execute one: 1
execute one: 2
prepare all: SELECT id, v FROM t ORDER BY id
execute all:
prepare upd: UPDATE t SET v = v + 1
execute upd:
SELECT ROW_COUNT()
prepare many: UPDATE t SET v = ? WHERE id > ?
execute many: 5, 2
prepare bad: SELECT nope FROM t
prepare worse: SELEC
ALTER TABLE t ADD COLUMN n INT DEFAULT 9
execute one: 1
prepare star: SELECT * FROM t WHERE id = ?
execute star: 1
ALTER TABLE t DROP COLUMN n
execute star: 1
prepare begin: BEGIN
#mysql code: MySQL does not prepare BEGIN, and the proxy, which runs it itself, does
#mysql state: as above
#mysql rows: as above
execute begin:
#mysql rows: MySQL has not prepared it
#mysql status: as above: no transaction is open
execute many: 6, 0
#mysql status: BEGIN has not been prepared there: no transaction is open
prepare commit: COMMIT
execute commit:
execute all:
prepare show: SHOW TABLES
# rows: how many columns a SHOW has is not known before it runs
execute show:
prepare ddl: CREATE TABLE pd (id INT PRIMARY KEY)
execute ddl:
execute ddl:
DROP TABLE pd
prepare analyze: ANALYZE TABLE t
# rows: how many columns it has is not known before it runs
prepare set: SET @p = 5
execute set:
SELECT @p
CREATE TABLE e.t (id INT PRIMARY KEY, v INT)
INSERT INTO e.t VALUES (1, 1111)
USE e
execute one: 1
SELECT v FROM t WHERE id = 1
SELECT DATABASE()
USE d
DROP TABLE e.t

-- several statements in one packet
several: SELECT 1; SELECT 2
several: SELECT id FROM t WHERE id = 1; SELECT COUNT(*) FROM t; UPDATE t SET v = 1
several: SELECT 1; SELEC 2; SELECT 3
several: SELECT 1; SELECT nope FROM t; SELECT 3
several: INSERT INTO t VALUES (1, 1, 'dup'); SELECT 3
several: SELECT 1;
several: BEGIN; UPDATE t SET v = 44; ROLLBACK; SELECT SUM(v) FROM t
several: BEGIN; UPDATE t SET v = 44 WHERE id = 1; COMMIT; SELECT v FROM t WHERE id = 1
several: SET @m = 3; SELECT @m
several: USE e; SELECT DATABASE(); USE d
SELECT nope FROM t
several: SHOW WARNINGS; SELECT 5
several: SELECT 1; SELECT nope FROM t
several: SHOW COUNT(*) WARNINGS; SELECT 6
several: SELECT 'a;b' AS x; SELECT 2 /* ; */
several: SELECT 1;;SELECT 2
# code: an empty statement between two others is passed over
# state: see code
# columns: see code
# rows: see code
# status: see code
;

-- variables
SET @a = 1, @b = 'it''s', @c = NULL, @d = 1.5, @e = 1e3
SELECT @a, @b, @c, @d, @e, @never
SET @a = @a + 1
SELECT @a
BEGIN
SELECT v FROM t WHERE id = 1
SET @a = 10
SET @b = @a + 1
SELECT @a, @b
UPDATE t SET v = @b WHERE id = 1
SELECT v FROM t WHERE id = 1
SELECT v FROM t WHERE v = @b
SET @b = (SELECT COUNT(*) FROM t WHERE id = 1)
SELECT @b
ROLLBACK
SELECT @a
SET sql_mode = 'ANSI_QUOTES'
SELECT @@sql_mode
SELECT "id" FROM t WHERE "id" = 1
SET sql_mode = 'NO_BACKSLASH_ESCAPES'
SELECT 'a\b'
BEGIN
SELECT 'a\b', COUNT(*) FROM t
COMMIT
SET sql_mode = 'NONSENSE'
SET sql_mode = DEFAULT
SET NAMES latin1
SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection
SET NAMES utf8mb4 COLLATE utf8mb4_bin
SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection
SET NAMES nonsense
SET NAMES utf8mb4
SET time_zone = '+05:00'
SELECT @@time_zone, FROM_UNIXTIME(0)
SET time_zone = 'Nowhere/Land'
SELECT @@time_zone
SET time_zone = DEFAULT
SET nonsense = 1
SET @@session.nonsense = 1
SET max_error_count = 3
SELECT @@max_error_count
SET max_error_count = 200
SET sql_mode = ''
BEGIN
UPDATE t SET s = 'much too long a text'
SHOW COUNT(*) WARNINGS
SELECT COUNT(*) FROM t
ROLLBACK
SET sql_mode = DEFAULT
SET max_error_count = DEFAULT
SET group_concat_max_len = 4
SELECT GROUP_CONCAT(id ORDER BY id) FROM t
# code: over several shards the cut would be in the wrong place, so it is refused
# state: see code
# columns: see code
# rows: see code
# warnings: see code
# status: see code
SELECT SUBSTRING(GROUP_CONCAT(id ORDER BY id), 1, 99) FROM t WHERE id IN (1)
SET group_concat_max_len = DEFAULT
SET @x = 1, nonsense = 2, @y = 3
SELECT @x, @y
SELECT @z := 5
# code: a variable that a SELECT assigns would stay on a server connection
# state: see code
# columns: see code
# rows: see code
# status: see code
# warnings: see code
SELECT 1 INTO @z
# code: as above
# state: see code
# affected: see code
# status: see code
SELECT GET_LOCK('a', 1)
SET @z = (SELECT 5)
SELECT @z
KILL 4000000
KILL QUERY CONNECTION_ID()
# code: KILL takes a number
# state: see code
ping:
`
