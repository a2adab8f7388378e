package session

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

// A transaction that can have no second shard is one without XA: cheaper, and in everything that a client sees the same.
func TestTransactionsThatStayAlone(t *testing.T) {
	for _, binlog := range []bool{false, true} {
		t.Run(fmt.Sprintf("binlog %v", binlog), func(t *testing.T) { staysAlone(t, binlog) })
	}
}

func staysAlone(t *testing.T, binlog bool) {
	c := start(t, cluster.Options{Shards: 1, BinLog: binlog})
	connect(t, c, "").exec("CREATE DATABASE d")
	s, other := connect(t, c, "d"), connect(t, c, "d")
	s.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	s.exec("INSERT INTO a VALUES (1,0),(2,0),(3,0)")
	shard := &client{t, connectShard(t, c, 0)}
	count := func(name string) string {
		shard.t = t
		return shard.rows("SHOW GLOBAL STATUS LIKE '" + name + "'")[0]
	}
	sum := func(t *testing.T, want string) {
		t.Helper()
		other.t = t
		other.want("SELECT SUM(v) FROM a", want)
	}
	// Twice each: the second time its plan is cached, and the event loop serves it.
	for _, row := range []struct {
		name       string
		statements []string
		sum        string
	}{
		{"commit", []string{"BEGIN", "UPDATE a SET v = v + 1 WHERE id = 1", "SELECT v FROM a WHERE id = 1", "COMMIT"}, "1"},
		{"rollback", []string{"BEGIN", "UPDATE a SET v = v + 1 WHERE id = 1", "ROLLBACK"}, "0"},
		{"only read", []string{"BEGIN", "SELECT v FROM a WHERE id = 1", "COMMIT"}, "0"},
		{"savepoint", []string{"BEGIN", "UPDATE a SET v = v + 1 WHERE id = 1", "SAVEPOINT p", "UPDATE a SET v = v + 1 WHERE id = 2", "ROLLBACK TO p", "COMMIT"}, "1"},
		{"savepoint first", []string{"BEGIN", "SAVEPOINT p", "UPDATE a SET v = v + 1 WHERE id = 2", "ROLLBACK TO p", "UPDATE a SET v = v + 1 WHERE id = 3", "COMMIT"}, "1"},
		{"chain", []string{"BEGIN", "UPDATE a SET v = v + 1 WHERE id = 1", "COMMIT AND CHAIN", "UPDATE a SET v = v + 1 WHERE id = 1", "ROLLBACK"}, "1"},
		{"autocommit off", []string{"SET autocommit = 0", "UPDATE a SET v = v + 1 WHERE id = 1", "COMMIT", "UPDATE a SET v = v + 1 WHERE id = 2", "ROLLBACK", "SET autocommit = 1"}, "1"},
		{"completion type", []string{"SET completion_type = 1", "BEGIN", "UPDATE a SET v = v + 1 WHERE id = 1", "COMMIT", "UPDATE a SET v = v + 1 WHERE id = 1", "SET completion_type = 0", "ROLLBACK"}, "2"},
		{"isolation", []string{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN", "SELECT v FROM a WHERE id = 2", "UPDATE a SET v = v + 1 WHERE id = 1", "COMMIT"}, "1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.t = t
			for range 2 {
				s.exec("UPDATE a SET v = 0")
				before := count("Com_xa_start")
				for _, q := range row.statements {
					drain(t, s, q)
				}
				if after := count("Com_xa_start"); after != before {
					t.Errorf("XA START is used: %s, %s", before, after)
				}
				sum(t, row.sum)
				s.exec("UPDATE a SET v = v WHERE id = 1") // and nothing holds its lock
			}
		})
	}
	t.Run("prepared", func(t *testing.T) {
		s.t = t
		s.exec("UPDATE a SET v = 0")
		begin, change, commit := prepareOn(t, s, "BEGIN"), prepareOn(t, s, "UPDATE a SET v = v + ? WHERE id = 1"), prepareOn(t, s, "COMMIT")
		for range 3 {
			for _, run := range []func() error{func() error { return begin() }, func() error { return change(2) }, func() error { return commit() }} {
				if err := run(); err != nil {
					t.Fatal(err)
				}
			}
		}
		sum(t, "6")
	})
	t.Run("token", func(t *testing.T) {
		s.t = t
		s.exec("SET lockstep_token = 'alone-1'")
		s.exec("BEGIN")
		s.exec("UPDATE a SET v = 1 WHERE id = 1")
		s.exec("COMMIT")
		if got := s.rows("SHOW LOCKSTEP OUTCOME 'alone-1'"); len(got) != 1 || got[0][:len("alone-1,COMMITTED")] != "alone-1,COMMITTED" {
			t.Errorf("outcome: %q", got)
		}
		s.exec("SET lockstep_token = 'alone-2'")
		s.exec("BEGIN")
		s.exec("UPDATE a SET v = 2 WHERE id = 1")
		s.exec("ROLLBACK")
		if got := s.rows("SHOW LOCKSTEP OUTCOME 'alone-2'"); len(got) != 1 || got[0][:len("alone-2,ABORTED")] != "alone-2,ABORTED" {
			t.Errorf("outcome: %q", got)
		}
	})
	t.Run("deadlock", func(t *testing.T) {
		s.t, other.t = t, t
		for _, x := range []*client{s, other} {
			x.exec("BEGIN")
		}
		s.exec("UPDATE a SET v = 1 WHERE id = 1")
		other.exec("UPDATE a SET v = 1 WHERE id = 2")
		waits := make(chan error, 1)
		go func() { waits <- ask(s, "UPDATE a SET v = 1 WHERE id = 2") }()
		time.Sleep(100 * time.Millisecond)
		err := ask(other, "UPDATE a SET v = 1 WHERE id = 1")
		first := <-waits
		if (err == nil) == (first == nil) {
			t.Fatalf("one must be the victim: %v, %v", first, err)
		}
		var me *mysql.MySQLError
		if !errors.As(errors.Join(first, err), &me) || me.Number != 1213 {
			t.Errorf("%v, %v", first, err)
		}
		s.exec("ROLLBACK")
		other.exec("ROLLBACK")
	})
	t.Run("a client that leaves", func(t *testing.T) {
		s.t = t
		gone := connect(t, c, "d")
		gone.exec("BEGIN")
		gone.exec("UPDATE a SET v = 100")
		if err := gone.conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) { // closes it
			t.Fatal(err)
		}
		s.exec("UPDATE a SET v = 0")
		sum(t, "0")
	})
}

// With lockstep_commit_mode=single it is the same, and the second shard is refused for as long as the transaction goes on.
func TestModeSingleStaysAlone(t *testing.T) {
	f := startFaulty(t, "")
	s := connect(t, f.Cluster, "d")
	s.exec("SET lockstep_commit_mode = 'single'")
	s.exec("BEGIN")
	s.exec(f.on("UPDATE a SET v = 1 WHERE id = $1"))
	s.fails(1235, f.on("UPDATE a SET v = 1 WHERE id = $2"))
	s.exec("SET lockstep_commit_mode = '2pc'")
	s.fails(1235, f.on("UPDATE a SET v = 1 WHERE id = $2"))
	s.exec("COMMIT")
	s.want("SELECT SUM(v) FROM a", "1")
	s.exec("BEGIN")
	s.exec("UPDATE a SET v = 2")
	s.exec("COMMIT")
	s.want("SELECT SUM(v) FROM a", fmt.Sprint(2*f.rows))
}

// A COMMIT whose shard is lost, or says nothing, has an unknown outcome, and the session goes on.
func TestCommitAloneLost(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 1, Config: "timeouts: {commit: 1s}\n"})
	fault := c.Front(0)
	c.StartProxy()
	connect(t, c, "").exec("CREATE DATABASE d")
	connect(t, c, "d").exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	connect(t, c, "d").exec("INSERT INTO a VALUES (1,0)")
	for _, row := range []struct {
		name string
		rule cluster.Rule
		code uint16
		v    string // afterwards; "": either
	}{
		{"not sent", cluster.Rule{On: "COMMIT AND", Answer: -1}, 1401, "0"},
		{"not answered", cluster.Rule{On: "COMMIT AND", Answer: 0}, 1401, "1"},
		{"half an answer", cluster.Rule{On: "COMMIT AND", Answer: 5}, 1401, "1"},
		{"silence", cluster.Rule{On: "COMMIT AND", Answer: 0, Stall: true}, 1401, "1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := connect(t, c, "d")
			s.exec("UPDATE a SET v = 0 WHERE id = 1")
			for range 2 { // from the second time on the loop serves it
				for _, q := range []string{"BEGIN", "UPDATE a SET v = v WHERE id = 1", "COMMIT"} {
					s.exec(q)
				}
			}
			s.exec("BEGIN")
			s.exec("UPDATE a SET v = 1 WHERE id = 1")
			rule := row.rule
			armed := fault.Arm(rule)
			begin := time.Now()
			s.fails(row.code, "COMMIT")
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
			select {
			case <-armed.Met():
			default:
				t.Fatal("COMMIT never went to the shard")
			}
			armed.Release()
			s.want("SELECT 4711", "4711")
			s.want("SELECT v FROM a WHERE id = 1", row.v)
			s.exec("UPDATE a SET v = 3 WHERE id = 1") // no lock is left
		})
	}
}

func connectShard(t *testing.T, c *cluster.Cluster, i int) *sql.Conn {
	t.Helper()
	conn, err := c.ShardDB(i, "").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// prepareOn prepares a statement on the client's connection, and gives what executes it.
func prepareOn(t *testing.T, c *client, query string) func(args ...any) error {
	t.Helper()
	st, err := c.conn.PrepareContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return func(args ...any) error {
		_, err := st.ExecContext(t.Context(), args...)
		return err
	}
}
