package session

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// temporaryScript is run on a plain server and through the proxy: the same answers, at every step. s is sharded, g global.
var temporaryScript = []string{
	"CREATE TEMPORARY TABLE x (id INT PRIMARY KEY AUTO_INCREMENT, v INT, t VARCHAR(20))",
	"INSERT INTO x (v, t) VALUES (1,'a'),(2,'b'),(3,'c')",
	"SELECT LAST_INSERT_ID()",
	"SELECT * FROM x ORDER BY id",
	"SELECT s.id, s.v, x.t FROM s JOIN x ON s.id = x.v ORDER BY s.id",
	"SELECT COUNT(*) FROM x, s",
	"SELECT x.id, g.v FROM x LEFT JOIN g ON g.id = x.id ORDER BY x.id",
	"SELECT v FROM x WHERE id IN (SELECT id FROM s WHERE v > 10) ORDER BY v",
	"UPDATE x SET v = v + 10 WHERE t <> 'b'",
	"INSERT INTO x (v, t) SELECT v, 's' FROM s WHERE id < 4 ORDER BY id",
	"SELECT SUM(v), COUNT(*) FROM x",
	"INSERT INTO s SELECT id + 1000, v FROM x",
	"SELECT COUNT(*), SUM(v) FROM s",
	"DELETE FROM s WHERE id IN (SELECT id + 1000 FROM x)",
	"SELECT COUNT(*) FROM s",
	"DESCRIBE x",
	"SHOW CREATE TABLE x",
	"ALTER TABLE x ADD COLUMN n INT DEFAULT 5",
	"SELECT n, COUNT(*) FROM x GROUP BY n",
	"CREATE TEMPORARY TABLE y LIKE s",
	"INSERT INTO y VALUES (1,1),(2,2)",
	"SELECT x.id, y.v FROM x JOIN y ON x.id = y.id ORDER BY 1",
	"CREATE TEMPORARY TABLE z AS SELECT id, v * 2 AS w FROM s WHERE v < 50",
	"SELECT COUNT(*), SUM(w) FROM z",
	"CREATE TEMPORARY TABLE IF NOT EXISTS z (q INT)",
	"CREATE TEMPORARY TABLE z (q INT)",
	"BEGIN",
	"INSERT INTO x (v, t) VALUES (100, 'tx')",
	"INSERT INTO s VALUES (2001, 1), (2002, 1), (2003, 1)",
	"SELECT COUNT(*) FROM x WHERE t = 'tx'",
	"CREATE TEMPORARY TABLE in_tx (i INT)",
	"INSERT INTO in_tx VALUES (1)",
	"ROLLBACK",
	"SELECT COUNT(*) FROM x WHERE t = 'tx'",
	"SELECT COUNT(*) FROM in_tx",
	"SELECT COUNT(*) FROM s",
	"BEGIN",
	"INSERT INTO x (v, t) VALUES (100, 'tx')",
	"INSERT INTO s VALUES (2001, 1), (2002, 1), (2003, 1)",
	"COMMIT",
	"SELECT COUNT(*) FROM x WHERE t = 'tx'",
	"SELECT COUNT(*) FROM s",
	"SET @m = (SELECT MAX(v) FROM x)",
	"SELECT @m",
	"CREATE TEMPORARY TABLE s (other INT)",
	"INSERT INTO s VALUES (1)",
	"SELECT * FROM s",
	"DROP TEMPORARY TABLE s",
	"SELECT COUNT(*) FROM s",
	"TRUNCATE TABLE z",
	"SELECT COUNT(*) FROM z",
	"DROP TABLE z, in_tx",
	"SELECT * FROM z",
	"DROP TEMPORARY TABLE g",
	"DROP TEMPORARY TABLE IF EXISTS g",
	"SELECT COUNT(*) FROM g",
	"DROP TABLE x, y",
	"SELECT * FROM x",
	"SELECT COUNT(*) FROM s",
}

func TestTemporaryTables(t *testing.T) {
	if cluster.Engine(t) == localdb.MySQL {
		t.Skip("MySQL lets no XA transaction use temporary tables (4091)")
	}
	c := start(t, cluster.Options{Config: "schemas: [{name: d, tables: [{name: g, kind: global}]}]\n"})
	setUp := []string{"CREATE TABLE s (id INT PRIMARY KEY, v INT)", "CREATE TABLE g (id INT PRIMARY KEY, v INT)",
		"INSERT INTO g VALUES (1,10),(2,20)"}
	for i := range 12 {
		setUp = append(setUp, fmt.Sprintf("INSERT INTO s VALUES (%d, %d)", i+1, (i+1)*7))
	}
	connect(t, c, "").exec("CREATE DATABASE d")
	s := connect(t, c, "d")
	plain := &client{t, connectShard(t, c, 2)}
	for _, q := range []string{"CREATE DATABASE plain", "USE plain"} {
		plain.exec(q)
	}
	for _, x := range []*client{s, plain} {
		for _, q := range setUp {
			x.exec(q)
		}
	}
	for _, q := range temporaryScript {
		want, werr := answerTo(plain, q)
		got, err := answerTo(s, q)
		if codeOf(err) != codeOf(werr) || !slices.Equal(got, want) {
			t.Errorf("%s\n  one server: %q, %v\n  here: %q, %v", q, want, werr, got, err)
		}
	}
	t.Run("of one session only, and gone with it", func(t *testing.T) {
		a, b := connect(t, c, "d"), connect(t, c, "d")
		a.exec("CREATE TEMPORARY TABLE own (i INT)")
		a.exec("INSERT INTO own VALUES (1)")
		b.fails(1146, "SELECT * FROM own")
		b.exec("CREATE TEMPORARY TABLE own (j INT)")
		b.want("SELECT COUNT(*) FROM own", "0")
		a.want("SELECT i FROM own", "1")
		if err := a.conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) {
			t.Fatal(err)
		}
		b.want("SELECT COUNT(*) FROM own", "0")
		b.exec("DROP TABLE own")
	})
	t.Run("prepared", func(t *testing.T) {
		a := connect(t, c, "d")
		a.exec("CREATE TEMPORARY TABLE p (i INT PRIMARY KEY, v VARCHAR(10))")
		insert := prepareOn(t, a, "INSERT INTO p VALUES (?, ?)")
		for i := range 3 {
			if err := insert(i, fmt.Sprint("v", i)); err != nil {
				t.Fatal(err)
			}
		}
		if got := a.rows("SELECT p.v, s.v FROM p JOIN s ON s.id = p.i WHERE p.i > ?", 0); !slices.Equal(got, []string{"v1,7", "v2,14"}) {
			t.Errorf("%q", got)
		}
		a.exec("DROP TABLE p")
	})
	t.Run("with its server the session ends", func(t *testing.T) {
		a := connect(t, c, "d")
		a.exec("CREATE TEMPORARY TABLE lost (i INT)")
		on := shardOf(a.rows("EXPLAIN LOCKSTEP SELECT * FROM lost")[1])
		shard := slices.IndexFunc(c.Shards, func(s *localdb.Server) bool { return s.Name == on })
		c.KillShard(shard)
		c.RestartShard(shard)
		deadline := time.Now().Add(10 * time.Second)
		var err error
		for err == nil && time.Now().Before(deadline) {
			err = ask(a, "SELECT COUNT(*) FROM lost")
		}
		if codeOf(err) != 2013 {
			t.Errorf("the session hears %v", err)
		}
		if err := ask(a, "SELECT 1"); err == nil {
			t.Error("the session goes on")
		}
	})
}

// answerTo gives the rows of a statement, or its affected rows.
func answerTo(c *client, q string) ([]string, error) {
	rows, err := c.conn.QueryContext(c.t.Context(), q)
	if err != nil {
		return nil, err
	}
	columns, err := rows.Columns()
	if err == nil {
		err = errors.Join(rows.Err(), rows.Close())
	}
	if err != nil || len(columns) == 0 {
		return nil, err
	}
	return c.rows(q), nil
}

// codeOf is the number of a server's error; 0: none, 1: another kind.
func codeOf(err error) uint16 {
	var me *mysql.MySQLError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &me):
		return me.Number
	}
	return 1
}
