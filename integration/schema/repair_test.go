package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// lockstep runs the program with a verb of schema; it answers the exit code and what was said.
func lockstep(t *testing.T, c *cluster.Cluster, verb string, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.Command(cluster.Binary(t), append([]string{"schema", verb, "--config", c.ConfigPath()}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), said.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, said.String()
}

// wantCode runs a verb and checks its exit code, and that it says all of the words.
func wantCode(t *testing.T, c *cluster.Cluster, code int, verb string, args []string, words ...string) {
	t.Helper()
	got, out := lockstep(t, c, verb, args...)
	if got != code {
		t.Errorf("schema %s %v: exit code %d, want %d\n%s", verb, args, got, code, out)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("schema %s %v: nothing of %q\n%s", verb, args, w, out)
		}
	}
}

const dryRun = "--dry-run"

// A unique index that one shard did not take: finished once that is possible, or undone.
func TestRepairUnfinishedIndex(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT) COMMENT='it''s AUTO_INCREMENT=5'")
	for id := range 20 {
		s.exec(fmt.Sprintf("INSERT INTO t VALUES (%d, %d)", id, id))
	}
	s.exec("/*+ shard(s3) */ UPDATE t SET v = 7")
	wantCode(t, c, 0, "check", nil)
	s.fails(1062, "ALTER TABLE t ADD UNIQUE uv (v), ADD KEY kv (v, id)")
	wantCode(t, c, 3, "check", nil, "table d.t: unfinished on s3", "s1: done", "s3: failed: ", "ADD UNIQUE uv")
	wantCode(t, c, 0, "repair", []string{dryRun}, "d.t on s3: would be done")
	wantCode(t, c, 1, "repair", nil, "failed: ", "Duplicate entry")
	wantCode(t, c, 0, "repair", []string{"--back", dryRun}, "d.t on s1: would be done", "DROP INDEX `uv`")
	wantCode(t, c, 0, "repair", []string{"--back"}, "d.t on s1: done", "record removed")
	wantCode(t, c, 0, "check", nil)
	same(t, c, "SELECT index_name FROM information_schema.statistics WHERE table_schema = 'd' ORDER BY 1")

	s.fails(1062, "ALTER TABLE t ADD UNIQUE uv (v)")
	s.exec("/*+ shard(s3) */ UPDATE t SET v = id")
	wantCode(t, c, 0, "repair", nil, "d.t on s3: done")
	wantCode(t, c, 0, "check", nil, "unique per shard", "(v) does not hold the shard key (id)")
	same(t, c, "SELECT index_name FROM information_schema.statistics WHERE table_schema = 'd' ORDER BY 1")
	if n := records(t, c); n != "0 0 0" {
		t.Errorf("records %s", n)
	}

	// A new column cannot be undone: it may hold values by now.
	s.exec("/*+ shard(s3) */ ALTER TABLE t ADD w INT")
	s.refused("ALTER TABLE t ADD x INT")
	wantCode(t, c, 3, "check", nil, "table d.t: differs on s3 (compared with s1)", "+ `w` int")
	wantCode(t, c, 3, "repair", []string{"--like", "s1"}, "refused: its columns")
}

// A proxy that is killed at a step of a definition leaves what any other one sees, and repair mends it.
func TestProxyKilledInTheMidst(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	s.exec("CREATE TABLE old (id INT PRIMARY KEY)")
	s.exec("CREATE VIEW w AS SELECT id FROM t")
	other := c.AddProxy(cluster.ProxyOptions{})
	other.Start()
	o := &client{t, conn(t, other)}
	steps := []string{"definition-recorded:1", "definition-recorded:3", "definition-run:1", "definition-run:2", "definition-removed:1", "definition-removed:2"}
	statements := []struct{ do, undo, about string }{
		{"CREATE TABLE n (id INT PRIMARY KEY)", "DROP TABLE IF EXISTS n", "table d.n"},
		{"ALTER TABLE t ADD KEY k (v)", "ALTER TABLE t DROP KEY IF EXISTS k", "table d.t"},
		{"RENAME TABLE old TO young", "RENAME TABLE young TO old", "table d.old"},
		{"CREATE OR REPLACE VIEW w AS SELECT id, v FROM t", "CREATE OR REPLACE VIEW w AS SELECT id FROM t", "table d.w"},
		{"CREATE PROCEDURE p() SELECT 1", "DROP PROCEDURE IF EXISTS p", "procedure d.p"},
	}
	for i, step := range steps {
		for j, q := range statements {
			back := (i+j)%2 == 1
			if k := (j + len(statements) - i%len(statements)) % len(statements); k != 0 && k != 2 && os.Getenv("LOCKSTEP_SCHEMA_ALL") == "" {
				continue // two of them at each step
			}
			t.Run(step+" "+q.do, func(t *testing.T) {
				c.Kill()
				c.Start("LOCKSTEP_FAILPOINT=" + step)
				killed := &client{t, conn(t, c.Proxy)}
				if _, err := killed.try(q.do); err == nil {
					t.Fatal("the proxy was not killed")
				}
				waitFor(t, func() bool { // servers end what they have begun
					busy := onShards(t, c, "SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'd' AND command <> 'Sleep' AND id <> CONNECTION_ID()")
					return strings.Join(busy, "") == "000"
				})
				before := strings.Join(onShards(t, c, columnsOfD), "/")
				args := []string{}
				if back {
					args = append(args, "--back")
				}
				found, _ := lockstep(t, c, "check", "--json")
				if found != 3 && records(t, c) != "0 0 0" {
					t.Errorf("check ends with %d, records %s", found, records(t, c))
				}
				if found == 3 {
					if rows := o.rows("SHOW LOCKSTEP DDL"); len(rows) == 0 {
						t.Error("the other proxy does not show it")
					}
				}
				_, _ = lockstep(t, c, "repair", append(slices.Clone(args), dryRun)...)
				if after := strings.Join(onShards(t, c, columnsOfD), "/"); after != before {
					t.Error("a dry run changed something")
				}
				wantCode(t, c, 0, "repair", args)
				wantCode(t, c, 0, "check", nil)
				same(t, c, columnsOfD)
				same(t, c, "SELECT table_name, index_name FROM information_schema.statistics WHERE table_schema = 'd' ORDER BY 1, 2")
				same(t, c, "SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'd'")
				if n := records(t, c); n != "0 0 0" {
					t.Errorf("records %s", n)
				}
				// The next one must not be in the way of what was found.
				done := len(o.rows("SELECT 1 FROM information_schema.tables WHERE table_schema = 'd' AND table_name = 'young'")) > 0
				if q.about != "table d.old" || done {
					o.exec(q.undo)
				}
			})
		}
	}
}

// Rows that a TRUNCATE may or may not have removed are not removed again without being asked.
func TestKilledTruncate(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.Kill()
	c.Start("LOCKSTEP_FAILPOINT=definition-run:1")
	one := &client{t, conn(t, c.Proxy)}
	one.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3),(4,4),(5,5),(6,6)")
	if _, err := one.try("TRUNCATE t"); err == nil {
		t.Fatal("the proxy was not killed")
	}
	wantCode(t, c, 3, "repair", nil, "refused: whether the rows of table d.t were removed")
	c.Start()
	two := &client{t, conn(t, c.Proxy)}
	two.exec("TRUNCATE t")
	two.want("SELECT COUNT(*) FROM t", "0")
	wantCode(t, c, 0, "check", nil)
}

// A server that dies in the midst of a long definition.
func TestShardKilledInTheMidst(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	s.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3),(4,4),(5,5),(6,6)")
	// A reader keeps the definition waiting on one shard.
	reader := connectShard(t, c, 1)
	reader.exec("BEGIN")
	reader.rows("SELECT * FROM t")
	failed := make(chan error, 1)
	go func() {
		_, err := s.try("ALTER TABLE t ADD KEY k (v)")
		failed <- err
	}()
	other := connect(t, c, "d")
	waitFor(t, func() bool {
		list := other.rows("SHOW LOCKSTEP DDL")
		return len(list) == 3 && strings.Contains(list[1], "running") && strings.Contains(list[0], "done")
	})
	c.KillShard(1)
	if err := <-failed; err == nil {
		t.Fatal("OK, though a shard died")
	}
	wantCode(t, c, 4, "check", nil, "shard s2: not answered", "s1: done", "s2: not known")
	wantCode(t, c, 3, "repair", nil, "the shard could not be asked")
	c.RestartShard(1)
	wantCode(t, c, 3, "check", nil, "s2: not done")
	wantCode(t, c, 0, "repair", nil, "on s2: done")
	same(t, c, "SELECT table_name, index_name FROM information_schema.statistics WHERE table_schema = 'd' ORDER BY 1, 2")
	wantCode(t, c, 0, "check", nil)
}

// A lock wait that ends on one shard.
func TestLockWaitOnOneShard(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	reader := connectShard(t, c, 1)
	reader.exec("BEGIN")
	reader.rows("SELECT * FROM t")
	s.exec("SET lock_wait_timeout = 1")
	err := s.fails(1205, "ALTER TABLE t ADD KEY k (v)")
	if err != nil && !strings.Contains(err.Message, "failed on shard s2") {
		t.Errorf("error %v", err)
	}
	reader.exec("COMMIT")
	s.exec("ALTER TABLE t ADD KEY k (v)")
	wantCode(t, c, 0, "check", nil)
}

// Differences that people made: told, and mended as far as rows are not touched.
func TestDrift(t *testing.T) {
	c, s := begin(t, cluster.Options{Config: viewTables + "default_rule: {}\n"})
	for _, q := range []string{
		"CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(20))",
		"CREATE TABLE country (code CHAR(2) PRIMARY KEY, title VARCHAR(20))",
		"INSERT INTO country VALUES ('de', 'Germany')",
		"INSERT INTO customer VALUES (1,'a'),(2,'b'),(3,'c'),(4,'d'),(5,'e'),(6,'f'),(7,'g'),(8,'h')",
		"CREATE VIEW v AS SELECT id FROM customer",
		"CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
		"CREATE TRIGGER tr BEFORE INSERT ON customer FOR EACH ROW SET NEW.name = UPPER(NEW.name)",
	} {
		s.exec(q)
	}
	wantCode(t, c, 0, "check", []string{"--rows", "all"})
	d := connectShard(t, c, 1)
	for _, q := range []string{
		"ALTER TABLE customer ADD KEY own (name), COMMENT='other'",
		"DROP VIEW v", "DROP FUNCTION f", "DROP TRIGGER tr", "CREATE TABLE stranger (id INT PRIMARY KEY)", "DROP TABLE country",
	} {
		d.exec(q)
	}
	connectShard(t, c, 0).exec("UPDATE customer SET id = id + 1000")
	wantCode(t, c, 3, "check", []string{"--rows", "all"},
		"table d.customer: differs on s2", "+ KEY `own`", "table d.v: missing on s2", "function d.f: missing on s2", "trigger d.tr: missing on s2",
		"table d.stranger: missing on s1, s3", "table d.country: missing on s2", "table d.customer: rows astray on s1", "it belongs on")
	code, out := lockstep(t, c, "check", "--json")
	var list []map[string]any
	if err := json.Unmarshal([]byte(out[:strings.LastIndex(out, "]")+1]), &list); err != nil || code != 3 || len(list) != 7 {
		t.Errorf("JSON: %d findings, exit code %d, %v\n%s", len(list), code, err, out)
	}
	wantCode(t, c, 3, "repair", []string{"--like", "s1"}, "table d.country on s2: refused: it is a table with a copy on every shard", "table d.v on s2: done",
		"table d.stranger on s2: refused: shard s1 does not have it")
	d.exec("DROP TABLE stranger")
	d.exec("CREATE TABLE country (code CHAR(2) PRIMARY KEY, title VARCHAR(20))")
	d.exec("INSERT INTO country VALUES ('de', 'Germany')")
	wantCode(t, c, 0, "check", nil)
	connectShard(t, c, 0).exec("UPDATE customer SET id = id - 1000")
	wantCode(t, c, 0, "check", []string{"--rows", "100"})
}

func connectShard(t *testing.T, c *cluster.Cluster, i int) *client {
	t.Helper()
	one, err := c.ShardDB(i, "d").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = one.Close() // its shard may be gone
	})
	return &client{t, one}
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}
