package schema

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// onShards asks every shard itself and joins the answers.
func onShards(t *testing.T, c *cluster.Cluster, query string) []string {
	t.Helper()
	var out []string
	for i := range c.Shards {
		conn, err := c.ShardDB(i, "").Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		one := &client{t, conn}
		out = append(out, strings.Join(one.rows(query), "|"))
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// same checks that all shards answer alike.
func same(t *testing.T, c *cluster.Cluster, query string) {
	t.Helper()
	list := onShards(t, c, query)
	for i, answer := range list[1:] {
		if answer != list[0] {
			t.Errorf("%s\nshard 1: %s\nshard %d: %s", query, list[0], i+2, answer)
		}
	}
}

const columnsOfD = "SELECT table_name, column_name, column_type FROM information_schema.columns WHERE table_schema = 'd' ORDER BY table_name, ordinal_position"

// records is how many records of definitions the shards have.
func records(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	return strings.Join(onShards(t, c, "SELECT COUNT(*) FROM lockstep.ddl"), " ")
}

// begin makes a cluster with the database d.
func begin(t *testing.T, o cluster.Options) (*cluster.Cluster, *client) {
	t.Helper()
	c := start(t, o)
	connect(t, c, "").exec("CREATE DATABASE d")
	return c, connect(t, c, "d")
}

func TestDefinitionsOnAllShards(t *testing.T) {
	c, s := begin(t, cluster.Options{Config: viewTables + "default_rule: {}\n"})
	for _, q := range []string{
		"CREATE TABLE t (id INT PRIMARY KEY, v INT)",
		"CREATE TABLE keyless (v INT)",
		"CREATE TABLE setting (k INT PRIMARY KEY, v INT)",
		"INSERT INTO t VALUES (1,1),(2,2),(3,3),(4,4),(5,5)",
		"CREATE TABLE u LIKE t",
		"ALTER TABLE t ADD w INT DEFAULT 7, ADD INDEX (v)",
		"CREATE UNIQUE INDEX uw ON t (id, w)",
		"DROP INDEX uw ON t",
		"CREATE OR REPLACE VIEW v AS SELECT id, v FROM t",
		"ALTER VIEW v AS SELECT id FROM t",
		"ALTER DATABASE d CHARACTER SET latin1",
		"CREATE TABLE IF NOT EXISTS t (other INT PRIMARY KEY)",
		"RENAME TABLE u TO uu",
		"ALTER TABLE uu RENAME TO u",
		"CREATE FUNCTION plus(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
		"CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.w = NEW.v + 1",
		"DROP TRIGGER tr",
		"TRUNCATE TABLE t",
	} {
		s.exec(q)
		if n := records(t, c); n != "0 0 0" {
			t.Fatalf("%s: records %s", q, n)
		}
	}
	s.want("SELECT COUNT(*) FROM t", "0")
	// Tables that are on different shards go in one statement.
	s.exec("DROP TABLE keyless, t, d.setting, u")
	s.exec("DROP VIEW v")
	same(t, c, columnsOfD)
	same(t, c, "SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'd'")
	s.fails(1051, "DROP TABLE nosuch")
}

// Ids of a table that was emptied by TRUNCATE begin anew.
func TestTruncateBeginsIdsAnew(t *testing.T) {
	_, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
	s.exec("INSERT INTO t (v) VALUES (1), (2), (3)")
	s.exec("TRUNCATE t")
	s.exec("INSERT INTO t (v) VALUES (7)")
	s.want("SELECT id, v FROM t", "1,7")
}

// A unique index that one shard's rows do not allow leaves a state that is told, and that repeating the statement mends.
func TestFailureOnOneShard(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	for id := range 30 {
		s.exec(fmt.Sprintf("INSERT INTO t VALUES (%d, %d)", id, id))
	}
	s.exec("/*+ shard(s2) */ UPDATE t SET v = 7")
	err := s.fails(1062, "ALTER TABLE t ADD UNIQUE (v)")
	if err == nil || !strings.Contains(err.Message, "failed on shard s2, done on s1, s3") {
		t.Errorf("error %v", err)
	}
	if n := records(t, c); n != "1 1 1" {
		t.Errorf("records %s", n)
	}
	rows := s.rows("SHOW LOCKSTEP DDL")
	if len(rows) != 3 || !strings.Contains(rows[0], "done") || !strings.Contains(rows[1], "failed") {
		t.Errorf("SHOW LOCKSTEP DDL: %q", rows)
	}
	s.refused("ALTER TABLE t ADD w INT")
	s.fails(1062, "ALTER TABLE t ADD UNIQUE (v)") // the cause is not gone
	s.exec("/*+ shard(s2) */ UPDATE t SET v = id")
	s.exec("ALTER TABLE t ADD UNIQUE (v)")
	if n := records(t, c); n != "0 0 0" {
		t.Errorf("records %s after it was repeated", n)
	}
	same(t, c, "SELECT index_name FROM information_schema.statistics WHERE table_schema = 'd' ORDER BY 1")
	s.exec("ALTER TABLE t ADD w INT")

	// Where the statement fails everywhere, nothing is left.
	s.fails(1060, "ALTER TABLE t ADD w INT")
	if n := records(t, c); n != "0 0 0" {
		t.Errorf("records %s", n)
	}

	// What was changed on one shard by a person is not made worse.
	if _, err := c.ShardDB(2, "d").Exec("ALTER TABLE t ADD own INT"); err != nil {
		t.Fatal(err)
	}
	s.refused("ALTER TABLE t DROP w")
	s.exec("DROP TABLE t")
	same(t, c, columnsOfD)
}

// A shard that is down is known before anything is changed.
func TestShardDownBefore(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.KillShard(2)
	if _, err := s.try("ALTER TABLE t ADD w INT"); err == nil {
		t.Error("a table was altered with a shard down")
	}
	if _, err := s.try("CREATE TABLE u (id INT PRIMARY KEY)"); err == nil {
		t.Error("a table was made with a shard down")
	}
	c.RestartShard(2)
	same(t, c, columnsOfD)
	if n := records(t, c); n != "0 0 0" {
		t.Errorf("records %s", n)
	}
}

// Two proxies that define the same table at once do it one after the other, and learn of each other's.
func TestTwoProxies(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	other := c.AddProxy(cluster.ProxyOptions{})
	other.Start()
	s.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	var wait sync.WaitGroup
	for i, p := range c.Proxies() {
		for j := range 2 {
			one := &client{t, conn(t, p)}
			wait.Go(func() {
				for k := range 4 {
					q := fmt.Sprintf("ALTER TABLE t ADD c%d_%d_%d INT", i, j, k)
					if _, err := one.try(q); err != nil {
						t.Errorf("%s: %v", q, err)
					}
				}
			})
		}
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	same(t, c, columnsOfD)
	o := &client{t, conn(t, other)}
	if n := len(s.rows("SHOW COLUMNS FROM t")); n != 17 {
		t.Errorf("%d columns", n)
	}
	// Soon the other one knows of a table that it knew under another form.
	o.want("SELECT COUNT(*) FROM t", "0")
	s.exec("DROP TABLE t")
	s.exec("CREATE TABLE t (v INT, id INT PRIMARY KEY)")
	s.exec("INSERT INTO t VALUES (1, 10), (2, 20), (3, 30), (4, 40)")
	time.Sleep(1500 * time.Millisecond) // timeouts.catalog
	for _, id := range []string{"10", "20", "30", "40"} {
		o.want("SELECT v FROM t WHERE id = "+id, id[:1])
	}
}

// A definition that waits for another one can be ended, and gives up by itself.
func TestDefinitionsThatWait(t *testing.T) {
	c, s := begin(t, cluster.Options{Config: "timeouts: {definition: 2s}\n"})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	reader := connectShard(t, c, 1)
	reader.exec("BEGIN")
	reader.rows("SELECT * FROM t")
	first := make(chan error, 1)
	go func() {
		_, err := s.try("ALTER TABLE t ADD v INT")
		first <- err
	}()
	watcher, other := connect(t, c, "d"), connect(t, c, "d")
	waitFor(t, func() bool { return len(watcher.rows("SHOW LOCKSTEP DDL")) == 3 })
	other.fails(1205, "ALTER TABLE t ADD w INT")
	o := &client{t, conn(t, func() *cluster.Proxy { p := c.AddProxy(cluster.ProxyOptions{}); p.Start(); return p }())}
	o.fails(1205, "ALTER TABLE t ADD w INT")
	id := other.rows("SELECT CONNECTION_ID()")[0]
	second := make(chan error, 1)
	go func() {
		_, err := other.try("ALTER TABLE t ADD w INT")
		second <- err
	}()
	time.Sleep(300 * time.Millisecond)
	watcher.exec("KILL QUERY " + id)
	if err := <-second; err == nil || !strings.Contains(err.Error(), "1317") {
		t.Errorf("the waiting one: %v", err)
	}
	watcher.exec("CREATE DATABASE e") // in another database nobody waits
	reader.exec("COMMIT")
	if err := <-first; err != nil {
		t.Error(err)
	}
	other.exec("ALTER TABLE t ADD w INT")
	same(t, c, columnsOfD)
}
