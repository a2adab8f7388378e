# What PyMySQL is known for: pure Python, client-side parameters, cursors of several kinds,
# executemany as one INSERT, and a connection that is used for long.
import datetime
import decimal
import sys
import time
import warnings

import pymysql
import pymysql.cursors
from pymysql.constants import CLIENT, FIELD_TYPE

host, port, user, password, database = sys.argv[1:]
types = {v: k for k, v in vars(FIELD_TYPE).items() if isinstance(v, int)}


def connect(**options):
    return pymysql.connect(host=host, port=int(port), user=user, password=password, database=database, **options)


def say(step, *what):
    print(step + ":", *what, flush=True)


def shape(cursor):
    return [(d[0], types.get(d[1]), d[2], d[3], d[4], d[5], d[6]) for d in cursor.description]


def fails(step, f, *args):
    try:
        f(*args)
        say(step, "no error")
    except (pymysql.err.MySQLError, IndexError) as e:
        say(step, type(e).__name__, e.args)


say("driver", "PyMySQL", pymysql.__version__)
db = connect(charset="utf8mb4")
k = db.cursor()
say("server", db.get_server_info(), db.get_proto_info(), db.character_set_name())

k.execute("CREATE TABLE kinds (id INT PRIMARY KEY, i BIGINT UNSIGNED, d DECIMAL(20,5), f DOUBLE, s VARCHAR(50), t DATETIME(6), "
          "da DATE, ti TIME, y YEAR, b BLOB, bi BIT(9), j JSON, e ENUM('x','y'), st SET('p','q'), c CHAR(5) CHARACTER SET latin1)")
say("create", k.rowcount, k.description)
rows = [(n, 2**64 - 1 - n, decimal.Decimal("-12345.67891") * n, n / 7, "ü€😀%d" % n, datetime.datetime(2024, 2, 29, 1, 2, 3, n),
         datetime.date(1999, 12, 31), datetime.timedelta(hours=n, seconds=5), 2000 + n, bytes([0, 39, 92, 10, 255, n]),
         bytes([1, n]), '{"a": [1, "ü"]}', "xy"[n % 2], "p,q", "é") for n in range(1, 8)]
k.executemany("INSERT INTO kinds VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, _binary %s, %s, %s, %s, %s, %s)", rows)
say("executemany", k.rowcount, k._executed[:40] if isinstance(k._executed, str) else bytes(k._executed[:40]))
k.execute("INSERT INTO kinds (id) VALUES (100)")
k.execute("SELECT * FROM kinds ORDER BY id")
say("shape", shape(k))
for row in k:
    say("row", row)
k.execute("SELECT * FROM kinds WHERE id = %s", (3,))
say("shape of one shard", shape(k))
say("same as written", k.fetchone()[1:9] == rows[2][1:9])
db.commit()

# named parameters, a list, what must be escaped
k.execute("SELECT id, s FROM kinds WHERE id IN %(ids)s AND s <> %(s)s ORDER BY id DESC", {"ids": (1, 5, 9), "s": "it's \\ \"%\" \0 \n"})
say("named", k.fetchall())
k.execute("SELECT %s, %s, %s, %s", ("it's \\ \"%\" \n", None, True, 1.5))
say("escaped", k.fetchone(), [types[d[1]] for d in k.description])

# rowcount, scroll, rownumber
say("select returns", k.execute("SELECT id FROM kinds WHERE id < 50 ORDER BY id"), k.rownumber)
say("fetchmany", k.fetchmany(2), k.rownumber)
k.scroll(2)
say("scroll", k.fetchone(), k.rownumber)
k.scroll(0, mode="absolute")
say("absolute", k.fetchone())
fails("scroll too far", k.scroll, 100)
say("update", k.execute("UPDATE kinds SET y = 2020 WHERE id <= 3"), k.rowcount)
say("update same", k.execute("UPDATE kinds SET y = 2020 WHERE id <= 3"))
say("delete", k.execute("DELETE FROM kinds WHERE id = 100"))
db.rollback()
k.execute("SELECT COUNT(*), SUM(i), MAX(y), AVG(d) FROM kinds")
say("after rollback", k.fetchone(), [types[d[1]] for d in k.description])

# dictionary and unbuffered cursors
with db.cursor(pymysql.cursors.DictCursor) as dc:
    dc.execute("SELECT k.id, k.s AS name, k.id + 1 FROM kinds k WHERE id IN (1, 2) ORDER BY id")
    say("dict", dc.fetchall())
    dc.execute("SELECT a.id, b.id FROM kinds a JOIN kinds b ON a.id = b.id WHERE a.id = 4")
    say("dict, same names", dc.fetchall())
s = db.cursor(pymysql.cursors.SSCursor)
s.execute("SELECT id, s FROM kinds ORDER BY id")
say("unbuffered", s.fetchone(), s.rowcount, next(s.fetchall_unbuffered()))
s.close()  # reads the rest
k.execute("SELECT 1")
say("after unbuffered", k.fetchall())
sd = db.cursor(pymysql.cursors.SSDictCursor)
sd.execute("SELECT id FROM kinds ORDER BY id DESC LIMIT 3")
say("unbuffered dict", list(sd))

# ids
k.execute("CREATE TABLE ids (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(9) NOT NULL)")
k.execute("INSERT INTO ids (v) VALUES ('a')")
say("lastrowid", k.lastrowid, db.insert_id())
k.executemany("INSERT INTO ids (v) VALUES (%s)", [("b",), ("c",)])
say("lastrowid of many", k.lastrowid, k.rowcount)
k.execute("SELECT LAST_INSERT_ID(), ROW_COUNT()")
say("functions", k.fetchone())
k.execute("SELECT id, v FROM ids ORDER BY id")
say("ids", k.fetchall())
k.execute("INSERT INTO ids VALUES (2, 'x') ON DUPLICATE KEY UPDATE v = 'y'")
say("on duplicate", k.rowcount, k.lastrowid)
k.execute("REPLACE INTO ids VALUES (3, 'z')")
say("replace", k.rowcount, k.lastrowid)
db.commit()

# errors
fails("duplicate", k.execute, "INSERT INTO ids VALUES (1, 'x')")
fails("null", k.execute, "INSERT INTO ids VALUES (9, NULL)")
fails("too long", k.execute, "INSERT INTO ids VALUES (9, '12345678901')")
fails("out of range", k.execute, "INSERT INTO kinds (id, y) VALUES (300, 70000)")
fails("syntax", k.execute, "SELEC 1")
fails("no table", k.execute, "SELECT * FROM nothing")
fails("no column", k.execute, "SELECT nothing FROM ids")
fails("ambiguous", k.execute, "SELECT id FROM ids a JOIN ids b ON a.id = b.id WHERE a.id = 1")
fails("no function", k.execute, "SELECT nothing(1)")
fails("no database", db.select_db, "nowhere")
fails("table exists", k.execute, "CREATE TABLE ids (id INT PRIMARY KEY)")
fails("empty query", k.execute, "")
fails("two statements", k.execute, "SELECT 1; SELECT 2")
fails("wrong password", lambda: pymysql.connect(host=host, port=int(port), user="nobody", password="x"))

# warnings
k.execute("SET sql_mode = ''")
k.execute("INSERT INTO ids VALUES (50, '12345678901'), (51, 'ok'), (52, 'longer than nine')")
say("warnings", k._result.warning_count, db.show_warnings())
k.execute("SELECT 1 + '1x'")
say("warning of a select", k.fetchall(), k._result.warning_count, db.show_warnings())
k.execute("DROP TABLE IF EXISTS nothing")
say("note", k._result.warning_count, db.show_warnings())
k.execute("SET sql_mode = DEFAULT")

# transactions
say("autocommit", db.get_autocommit())
db.begin()
k.execute("INSERT INTO ids VALUES (60, 'a'), (61, 'b'), (62, 'c')")
k.execute("SAVEPOINT one")
k.execute("UPDATE ids SET v = 'gone' WHERE id >= 60")
say("in", k.rowcount)
k.execute("ROLLBACK TO SAVEPOINT one")
fails("no savepoint", k.execute, "RELEASE SAVEPOINT two")
k.execute("RELEASE SAVEPOINT one")
db.commit()
k.execute("SELECT v FROM ids WHERE id >= 60 ORDER BY id")
say("savepoint", k.fetchall())
db.autocommit(True)
k.execute("DELETE FROM ids WHERE id >= 60")
say("autocommit", db.get_autocommit(), k.rowcount)
db.rollback()
k.execute("SELECT COUNT(*) FROM ids WHERE id >= 60")
say("stays deleted", k.fetchone())
for level in "READ COMMITTED", "SERIALIZABLE", "REPEATABLE READ":
    k.execute("SET SESSION TRANSACTION ISOLATION LEVEL " + level)
    k.execute("SELECT @@transaction_isolation" if "MariaDB" not in db.get_server_info() else "SELECT @@tx_isolation")
    say("isolation", k.fetchone())

# several results
multi = connect(client_flag=CLIENT.MULTI_STATEMENTS)
m = multi.cursor()
m.execute("SELECT 1 AS a; UPDATE ids SET v = 'm' WHERE id = 1; SELECT id FROM ids WHERE id < 4 ORDER BY id; SELECT 2 WHERE 1 = 0")
while True:
    say("result", m.description and m.description[0][0], m.rowcount, m.fetchall() if m.description else None)
    if not m.nextset():
        break
fails("second fails", m.execute, "SELECT 1; SELECT nothing FROM ids; SELECT 3")
say("first", m.fetchall())
fails("  then", m.nextset)
multi.close()

# settings of a connection
found = connect(client_flag=CLIENT.FOUND_ROWS)
say("found rows", found.cursor().execute("UPDATE ids SET v = v"))
found.close()
init = connect(init_command="SET @greeting = 'hi', time_zone = '+03:00'", sql_mode="ANSI_QUOTES", read_timeout=20, autocommit=True)
c = init.cursor()
c.execute('SELECT @greeting, @@time_zone, @@autocommit, "v" FROM ids WHERE "id" = 1')
say("init", c.fetchall())
init.close()
fails("closed", init.ping, False)
for charset in "latin1", "utf8", "cp1251", "koi8r":
    with connect(charset=charset) as other:
        c = other.cursor()
        c.execute("SELECT c, s, CHARSET(%s), %s FROM kinds WHERE id = 1", ("x", "ж" if charset in ("cp1251", "koi8r") else "é"))
        say("charset", charset, c.fetchone(), other.character_set_name())
old = connect(charset="utf8mb4")
old.set_charset("latin1")
c = old.cursor()
c.execute("SELECT @@character_set_client, @@character_set_results, s FROM kinds WHERE id = 2")
say("set_charset", c.fetchone())
c.execute("SELECT @@collation_connection")
say("collation", c.fetchone())
old.close()

# dates
k.execute("SET sql_mode = ''")
k.execute("CREATE TABLE dates (id INT PRIMARY KEY, da DATE, dt DATETIME, ts TIMESTAMP NULL, ti TIME(3))")
k.execute("INSERT INTO dates VALUES (1, '0000-00-00', '0000-00-00 00:00:00', 0, '-838:59:59'), (2, '2024-00-00', '2024-01-00 10:00:00', NULL, '25:00:00.5')")
k.execute("SELECT * FROM dates ORDER BY id")
say("zero dates", k.fetchall())
k.execute("SET sql_mode = DEFAULT")
fails("zero date, strict", k.execute, "INSERT INTO dates VALUES (3, '0000-00-00', NULL, NULL, NULL)")

# size
big = bytes(range(256)) * 8192
k.execute("CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB)")
say("big", k.execute("INSERT INTO big VALUES (1, _binary %s), (2, NULL)", (big,)))
k.execute("SELECT b, LENGTH(b), SHA2(b, 256) FROM big ORDER BY id")
r = k.fetchall()
say("big back", r[0][0] == big, r[0][1:], r[1])
many = [(n, "row %d" % n) for n in range(1000, 4000)]
say("3000 rows", k.executemany("INSERT INTO ids (id, v) VALUES (%s, %s) ON DUPLICATE KEY UPDATE v = VALUES(v)", many))
s = db.cursor(pymysql.cursors.SSCursor)
s.execute("SELECT id, v FROM ids WHERE id >= 1000 ORDER BY id")
say("streamed", [r for r in s] == many)
s.close()

# procedures
k.execute("CREATE PROCEDURE two(IN a INT, OUT b INT) BEGIN SET b = a * 2; SELECT a, b; SELECT 'second' AS what; END")
k.callproc("two", (21, 0))
say("callproc", k.fetchall(), k.nextset(), k.fetchall(), k.nextset())
k.execute("SELECT @_two_0, @_two_1")
say("out", k.fetchone())
k.execute("DROP PROCEDURE two")

# what tools ask
for q in ("SHOW TABLES", "SHOW COLUMNS FROM ids", "SHOW CREATE TABLE kinds", "SHOW CREATE TABLE ids", "SHOW FULL TABLES LIKE 'i%'",
          "SELECT table_name AS n, table_type AS t FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1",
          "SELECT DATABASE(), USER() LIKE 'app@%', CONNECTION_ID() > 0", "SHOW VARIABLES LIKE 'autocommit'", "SHOW DATABASES LIKE 'pymysql'"):
    k.execute(q)
    say(q, shape(k), k.fetchall())
k.execute("SHOW INDEX FROM kinds")
say("index", shape(k), [r[:6] + r[7:] for r in k.fetchall()])  # without the cardinality, which is an estimate
say("thread", db.thread_id() > 0)
db.ping(reconnect=False)
db.select_db(database)
say("literal", db.literal(["a'", 1, None]), db.escape_string("a'\\"))
victim = connect()
k.execute("KILL %d" % victim.thread_id())
time.sleep(0.3)  # the news is there before the question
fails("killed", victim.ping, False)
warnings.simplefilter("error")
db.close()
say("open", db.open)
print("end")
