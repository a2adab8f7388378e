# What mysqlclient (MySQLdb) is known for: the C library under Python, converters, server-side
# cursors (use_result), callproc, several results, change_user and a ping that keeps the session.
import datetime
import decimal
import sys

import MySQLdb
import MySQLdb.converters
import MySQLdb.cursors
from MySQLdb.constants import CLIENT, FIELD_TYPE, FLAG

host, port, user, password, database = sys.argv[1:]
types = {v: k for k, v in vars(FIELD_TYPE).items() if isinstance(v, int) and k not in ("CHAR", "INTERVAL")}


def connect(**options):
    return MySQLdb.connect(host=host, port=int(port), user=user, password=password, database=database, **options)


def say(step, *what):
    print(step + ":", *what, flush=True)


def shape(cursor):
    flags = lambda f: [n for n, v in sorted(vars(FLAG).items()) if isinstance(v, int) and f & v and n in ("NOT_NULL", "PRI_KEY", "UNIQUE_KEY", "MULTIPLE_KEY", "BLOB", "UNSIGNED", "ZEROFILL", "BINARY", "ENUM", "AUTO_INCREMENT", "TIMESTAMP", "SET", "NUM")]
    return [(d[0], types.get(d[1]), d[3], d[4], d[5], d[6], flags(f)) for d, f in zip(cursor.description, cursor.description_flags)]


def fails(step, f, *args):
    try:
        f(*args)
        say(step, "no error")
    except MySQLdb.Error as e:
        say(step, type(e).__name__, e.args)


say("driver", "mysqlclient", MySQLdb.__version__)
db = connect(charset="utf8mb4")
say("server", db.get_server_info(), db.get_proto_info(), db.character_set_name(), db.get_character_set_info()["collation"])
k = db.cursor()
k.execute("""CREATE TABLE kinds (id INT UNSIGNED PRIMARY KEY, a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d BIGINT, e FLOAT, f DOUBLE,
    g DECIMAL(30,10), h DATE, i DATETIME(3), j TIMESTAMP NULL, k TIME, l YEAR, m CHAR(10), n VARCHAR(100) NOT NULL, o TEXT, p BLOB,
    q VARBINARY(20), r BIT(12), s ENUM('a','b'), t SET('x','y','z'), u JSON, v INT(5) UNSIGNED ZEROFILL, KEY (c), UNIQUE (id, n))""")
row = lambda n: (n, -n, 60000 + n, -8388608 + n, -2**63 + n, 0.5 * n, 1.1 * n, decimal.Decimal("123456789.0123456789") * n, datetime.date(2024, 2, n),
                 datetime.datetime(2024, 1, n, 23, 59, 59, 999000), datetime.datetime(1999, 1, n), datetime.timedelta(hours=n, minutes=1),
                 1990 + n, "ü", "it's %d 😀" % n, "text\n\r\0\\\"", bytes([0, 255, 39, 92, n]), b"\x00\xff", n, "ab"[n % 2], {"x", "z"}, '{"k": [1, null]}', n)
q = "INSERT INTO kinds VALUES (" + ", ".join(["%s"] * 16) + ", _binary %s, _binary %s, %s, %s, %s, %s, %s)"
say("execute", k.execute(q, row(1)), k.rowcount, k.lastrowid)
say("executemany", k.executemany(q, [row(n) for n in range(2, 9)]), k.rowcount)
say("info", db.info())
k.execute("INSERT INTO kinds (id, n) VALUES (%s, %s), (%s, %s)", (50, "", 51, "x"))
say("info of one statement", db.info())
db.commit()
k.execute("SELECT * FROM kinds ORDER BY id")
for s in shape(k):
    say("column", s)
for r in k.fetchall():
    say("row", [sorted(x) if isinstance(x, set) else x for x in r])
k.execute("SELECT * FROM kinds WHERE id = 2")
for s in shape(k):
    say("column of one shard", s)

# cursors
for cls in MySQLdb.cursors.SSCursor, MySQLdb.cursors.DictCursor, MySQLdb.cursors.SSDictCursor:
    c = db.cursor(cls)
    c.execute("SELECT id, n, id * 2 AS twice FROM kinds WHERE id < %s ORDER BY id", (50,))
    say(cls.__name__, c.rowcount, c.fetchone(), c.fetchmany(2), c.fetchall())
    c.close()
ss = db.cursor(MySQLdb.cursors.SSCursor)
ss.execute("SELECT id FROM kinds ORDER BY id")
say("first of many", ss.fetchone())
ss.close()
say("in sync again", k.execute("SELECT 1"), k.fetchall())
k.execute("SELECT id FROM kinds ORDER BY id")
k.scroll(3)
say("scroll", k.fetchone())
k.scroll(-2, "relative")
say("scroll back", k.fetchone(), k.rownumber)

busy = connect()
ss = busy.cursor(MySQLdb.cursors.SSCursor)
ss.execute("SELECT id FROM kinds ORDER BY id")
fails("out of sync", busy.cursor().execute, "SELECT 1")
busy.close()

# the low level
db.query("SELECT id, g FROM kinds WHERE id <= 3 ORDER BY id DESC")
r = db.store_result()
say("store_result", r.num_rows(), r.num_fields(), r.describe(), r.field_flags(), r.fetch_row(maxrows=0, how=2))
db.query("SELECT id FROM kinds ORDER BY id")
r = db.use_result()
say("use_result", r.fetch_row(), r.fetch_row(3), len(r.fetch_row(0)))
db.query("UPDATE kinds SET a = 100 WHERE id IN (1, 2)")
say("query", db.affected_rows(), db.field_count(), db.info())
db.rollback()
raw = MySQLdb.connect(host=host, port=int(port), user=user, password=password, database=database, conv={})
c = raw.cursor()
c.execute("SELECT * FROM kinds WHERE id = 3")
say("without converters", c.fetchall())
raw.close()

# ids
k.execute("CREATE TABLE ids (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(5) NOT NULL DEFAULT 'd')")
k.execute("INSERT INTO ids VALUES ()")
say("insert_id", db.insert_id(), k.lastrowid)
k.executemany("INSERT INTO ids (v) VALUES (%s)", [["x"], ["y"], ["z"]])
say("insert_id of many", db.insert_id(), k.rowcount)
k.execute("UPDATE ids SET v = 'x'")
say("update", k.rowcount, k.lastrowid, db.info())
k.execute("INSERT INTO ids VALUES (4, 'q') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), v = 'w'")
say("upsert", k.rowcount, k.lastrowid)
k.execute("SELECT LAST_INSERT_ID()")
say("function", k.fetchall())
db.commit()

# errors
fails("duplicate", k.execute, "INSERT INTO ids VALUES (1, 'x')")
say("errno", db.errno(), db.error())
fails("null", k.execute, "UPDATE ids SET v = NULL WHERE id = 1")
fails("data", k.execute, "UPDATE ids SET v = '123456' WHERE id = 1")
fails("columns", k.execute, "INSERT INTO ids VALUES (1)")
fails("no table", k.execute, "DELETE FROM nothing WHERE id = 1")
fails("no column", k.execute, "UPDATE ids SET nothing = 1")
fails("no default", k.execute, "INSERT INTO kinds (id) VALUES (99)")
fails("format", k.execute, "SELECT %s, %s", (1,))
fails("group function", k.execute, "SELECT id FROM ids WHERE COUNT(*) > 1")
fails("syntax", k.execute, "SELECT FROM WHERE")
fails("wrong database", lambda: MySQLdb.connect(host=host, port=int(port), user=user, password=password, database="nowhere"))
fails("wrong password", lambda: MySQLdb.connect(host=host, port=int(port), user=user, password="no", database=database))
db.rollback()

# transactions
db.autocommit(False)
say("autocommit", db.get_autocommit())
k.execute("DELETE FROM ids")
say("deleted", k.rowcount)
db.rollback()
k.execute("SELECT COUNT(*) FROM ids")
say("back", k.fetchall())
other = connect()
o = other.cursor()
o.execute("SET SESSION innodb_lock_wait_timeout = 1")
k.execute("UPDATE ids SET v = 'mine' WHERE id = 1")
fails("lock wait", o.execute, "UPDATE ids SET v = 'his' WHERE id = 1")
fails("nowait", o.execute, "SELECT * FROM ids WHERE id = 1 FOR UPDATE NOWAIT")
o.execute("SELECT id FROM ids ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED")
say("skip locked", o.fetchall())
other.rollback()
db.commit()
o.execute("SELECT v FROM ids WHERE id = 1")
say("seen", o.fetchall())
other.close()
auto = connect(autocommit=True)
c = auto.cursor()
c.execute("SELECT @@autocommit")
say("autocommit", auto.get_autocommit(), c.fetchall())
auto.close()

# warnings, statistics
k.execute("SELECT CAST('abc' AS SIGNED), 1/0")
say("warnings", db.warning_count(), db.show_warnings())
k.execute("DROP TABLE IF EXISTS nothing")
say("note", db.warning_count(), db.show_warnings())
say("stat", db.stat().split(":")[0])

# several results
multi = connect(client_flag=CLIENT.MULTI_STATEMENTS | CLIENT.FOUND_ROWS)
c = multi.cursor()
c.execute("SELECT 1; UPDATE ids SET v = v; SELECT id FROM ids ORDER BY id LIMIT 2; SELECT 'last'")
while True:
    say("result", c.rowcount, c.fetchall() if c.description else None)
    if not c.nextset():
        break
multi.set_server_option(1)
fails("multi statements off", c.execute, "SELECT 1; SELECT 2")
multi.set_server_option(0)
c.execute("SELECT 1; SELECT 2")
say("on", c.fetchall(), c.nextset(), c.fetchall())
multi.close()

# procedures
k.execute("CREATE PROCEDURE p(IN a INT, INOUT b INT, OUT c VARCHAR(20)) BEGIN SET b = b + a; SET c = CONCAT('got ', a); SELECT a, b, c; SELECT 2 AS two; END")
say("callproc", k.callproc("p", (5, 6, None)), k.fetchall())
say("nextset", k.nextset(), k.fetchall())
say("nextset", k.nextset(), k.nextset())
k.execute("SELECT @_p_0, @_p_1, @_p_2")
say("out", k.fetchall())
k.execute("DROP PROCEDURE p")

# the session
k.execute("SET @x = 'kept'")
db.ping()
k.execute("SELECT @x")
say("ping keeps", k.fetchall())
db.change_user(user, password, database)
k.execute("SELECT @x, DATABASE(), @@autocommit")
say("change_user forgets", k.fetchall())
fails("change_user, wrong password", db.change_user, user, "wrong", database)
db = connect(charset="latin1", use_unicode=True, init_command="SET time_zone = '-05:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
k = db.cursor()
k.execute("""SELECT @@time_zone, "n", m FROM kinds WHERE "id" = 1""")
say("latin1, init_command", k.fetchall())
say("escape", db.escape_string("it's \\ "), db.literal("it's \\ "))
k.execute("SELECT %s, LENGTH(%s)", ("it's \\ é", "é"))
say("no backslash escapes", k.fetchall())
db.set_character_set("utf8mb4")
k.execute("SELECT @@collation_connection, 'ß' = 'ss', '😀'")
say("set_character_set", k.fetchall())
db.select_db(database)

# size, streams
k.execute("SET sql_mode = DEFAULT")
k.execute("CREATE TABLE big (id INT PRIMARY KEY, v LONGBLOB)")
blob = bytes(range(256)) * 12000
say("big", k.execute("INSERT INTO big VALUES (1, _binary %s), (2, _binary %s)", (blob, blob[::-1])))
k.execute("SELECT v FROM big ORDER BY id DESC")
say("same", [r[0] == b for r, b in zip(k.fetchall(), (blob[::-1], blob))])
db.commit()
k.executemany("INSERT INTO ids (id, v) VALUES (%s, %s)", [(n, "s") for n in range(1000, 6000)])
say("5000 rows", k.rowcount)
ss = db.cursor(MySQLdb.cursors.SSCursor)
ss.execute("SELECT id FROM ids WHERE id >= 1000 ORDER BY id")
say("streamed", [r[0] for r in ss] == list(range(1000, 6000)), ss.rowcount)
ss.close()
db.rollback()

for q in ("SHOW TABLES", "SHOW FULL COLUMNS FROM kinds LIKE 'n'", "DESCRIBE ids", "SHOW VARIABLES LIKE 'character_set_client'"):
    k.execute(q)
    say(q, k.fetchall())
k.execute("SHOW KEYS FROM ids")
say("keys", [r[:6] + r[7:] for r in k.fetchall()])  # without the cardinality, which is an estimate
db.close()
fails("closed", db.ping)
print("end")
