package backend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestVarsDiff(t *testing.T) {
	v := func(pairs ...string) (vs []Variable) {
		for i := 0; i < len(pairs); i += 2 {
			vs = append(vs, Variable{pairs[i], pairs[i+1]})
		}
		return vs
	}
	for _, row := range []struct {
		have, want []Variable
		flavor     Flavor
		set        string
	}{
		{nil, nil, MariaDB, ""},
		{v("a", "1"), v("a", "1"), MariaDB, ""},
		{v("a", "1"), v("a", "2"), MariaDB, "a=2"},
		{v("@u", "1", "a", "1"), nil, MariaDB, "@u=NULL, a=DEFAULT"},
		{nil, v("@u", "'x'", "sql_mode", "''"), MariaDB, "@u='x', sql_mode=''"},
		{v("a", "1", "c", "1"), v("b", "1", "c", "2"), MySQL, "a=DEFAULT, b=1, c=2"},
		{nil, v("transaction_isolation", "'SERIALIZABLE'"), MariaDB, "tx_isolation='SERIALIZABLE'"},
		{v("tx_isolation", "'SERIALIZABLE'"), nil, MySQL, "transaction_isolation=DEFAULT"},
		{v("character_set_client", "latin1"), nil, MariaDB, "character_set_client=utf8mb4"},
		{v("character_set_connection", "latin1", "collation_connection", "latin1_bin"), v("character_set_connection", "latin1"), MariaDB, "character_set_connection=latin1"},
		{v("character_set_connection", "latin1", "collation_connection", "latin1_bin"), v("character_set_connection", "utf8mb4", "collation_connection", "utf8mb4_bin"), MariaDB,
			"character_set_connection=utf8mb4, collation_connection=utf8mb4_bin"},
		{v("collation_connection", "latin1_bin"), nil, MariaDB, "collation_connection=utf8mb4_general_ci"},
	} {
		if got := string(appendVarsDiff(nil, row.have, row.want, row.flavor)); got != row.set {
			t.Errorf("%v → %v: %q, want %q", row.have, row.want, got, row.set)
		}
	}
}

// Whatever state comes after whatever other, the server has what was asked for.
func TestStateByDifference(t *testing.T) {
	s := openShard(t, func(o *Options) { o.MaxConns = 1 })
	c := acquire(t, s, nil, true)
	isolation := "@@" + flavored("transaction_isolation", c.flavor)
	defaults := rows(t, c, "SELECT @@sql_mode, "+isolation+", @@time_zone")
	run(t, c, "CREATE DATABASE IF NOT EXISTS d1", "CREATE DATABASE IF NOT EXISTS d2")
	c.Release()
	probe := "SELECT DATABASE(), @@autocommit, @@sql_mode, " + isolation + ", @@time_zone, @x, @y, @@character_set_client, @@character_set_results, @@collation_connection"
	def := strings.Split(defaults, ",")
	defMode, defIsolation, defZone := strings.Join(def[:len(def)-2], ","), def[len(def)-2], def[len(def)-1]
	fresh := "utf8mb4,utf8mb4,utf8mb4_general_ci"
	for i, row := range []struct {
		st   *State
		ac   bool
		want string
	}{
		{&State{Database: "d1"}, true, "d1,1," + defMode + "," + defIsolation + "," + defZone + ",NULL,NULL," + fresh},
		{&State{Database: "d2", Vars: []Variable{{"@x", "5"}, {"sql_mode", "'ANSI_QUOTES'"}, {"time_zone", "'+03:00'"}}}, false,
			"d2,0,ANSI_QUOTES," + defIsolation + ",+03:00,5,NULL," + fresh},
		{&State{Vars: []Variable{{"@y", "_utf8mb4 X'c3a9'"}, {"sql_mode", "''"}, {"transaction_isolation", "'READ-COMMITTED'"}}}, false,
			"d2,0,,READ-COMMITTED," + defZone + ",NULL,é," + fresh},
		{&State{Database: "d2", Vars: []Variable{{"character_set_client", "latin1"}, {"character_set_connection", "latin1"}, {"character_set_results", "binary"}, {"collation_connection", "latin1_bin"}}}, true,
			"d2,1," + defMode + "," + defIsolation + "," + defZone + ",NULL,NULL,latin1,binary,latin1_bin"},
		{nil, true, "d2,1," + defMode + "," + defIsolation + "," + defZone + ",NULL,NULL," + fresh},
	} {
		c := acquire(t, s, row.st, row.ac)
		if got := rows(t, c, probe); got != row.want {
			t.Errorf("step %d: %q, want %q", i, got, row.want)
		}
		if !row.ac {
			run(t, c, "COMMIT")
		}
		c.Release()
	}
	if n := s.Stats().Dials; n > 2 {
		t.Errorf("%d connections were dialed, want one and the watched one", n)
	}
}

// An idle connection that fits costs no round trip.
func TestNoRoundTripWhereItFits(t *testing.T) {
	s := openShard(t, func(o *Options) { o.MaxConns = 1 })
	st := &State{Database: "mysql", Vars: []Variable{{"sql_mode", "''"}}}
	questions := func() int {
		c := acquire(t, s, st, true)
		defer c.Release()
		n, err := strconv.Atoi(strings.TrimPrefix(rows(t, c, "SHOW SESSION STATUS LIKE 'Questions'"), "Questions,"))
		must(t, err)
		return n
	}
	before := questions()
	for range 5 {
		acquire(t, s, &State{Database: "mysql", Vars: []Variable{{"sql_mode", "''"}}}, true).Release()
	}
	if n := questions() - before; n != 1 {
		t.Errorf("%d statements, want only the question itself", n)
	}
}

func TestRefusedState(t *testing.T) {
	s := openShard(t, func(o *Options) { o.MaxConns = 1 })
	good := &State{Database: "mysql", Vars: []Variable{{"@keep", "1"}}}
	c := acquire(t, s, good, true)
	id := c.ID()
	c.Release()
	for _, row := range []struct {
		st   *State
		code uint16
	}{
		{&State{Vars: []Variable{{"@z", "7"}, {"sql_mode", "'nonsense'"}}}, 1231},
		{&State{Vars: []Variable{{"no_such_variable", "1"}}}, 1193},
		{&State{Database: "no_such_database"}, 1049},
	} {
		if _, err := s.Acquire(t.Context(), row.st, true); code(err) != row.code || ClientError(err).Code != row.code {
			t.Errorf("got %v, want %d", err, row.code)
		}
		c := acquire(t, s, good, true)
		if got := rows(t, c, "SELECT DATABASE(), @keep, @z, @@sql_mode<>''"); got != "mysql,1,NULL,1" {
			t.Errorf("after %d the next session has %q", row.code, got)
		}
		if c.ID() != id {
			t.Errorf("after %d the connection was thrown away", row.code)
		}
		c.Release()
	}
	c = acquire(t, s, good, true)
	defer c.Release()
	if err := c.SetState(t.Context(), &State{FoundRows: true}); err == nil {
		t.Error("CLIENT_FOUND_ROWS changed on an open connection")
	}
	must(t, c.SetState(t.Context(), &State{Database: "mysql", Vars: []Variable{{"@keep", "2"}}}))
	if got := rows(t, c, "SELECT @keep"); got != "2" {
		t.Error(got)
	}
}

func TestFoundRows(t *testing.T) {
	s := openShard(t)
	st := table(t, s)
	for _, found := range []bool{false, true} {
		c := acquire(t, s, &State{Database: st.Database, FoundRows: found}, true)
		run(t, c, "REPLACE INTO t VALUES (1,1)")
		ok, err := c.Exec(t.Context(), "UPDATE t SET v=1 WHERE id=1")
		must(t, err)
		if (ok.AffectedRows == 1) != found {
			t.Errorf("found rows %v: %d affected", found, ok.AffectedRows)
		}
		c.Release()
	}
}

func TestReset(t *testing.T) {
	s := openShard(t)
	c := acquire(t, s, &State{Database: "mysql", Vars: []Variable{{"@x", "1"}, {"sql_mode", "''"}}}, false)
	run(t, c, "CREATE TEMPORARY TABLE tmp (a INT)")
	_, err := c.Prepare(t.Context(), "SELECT ?")
	must(t, err)
	must(t, c.Reset(t.Context()))
	if got := rows(t, c, "SELECT @x, @@autocommit, DATABASE(), @@character_set_client, @@collation_connection, @@character_set_results"); got != "NULL,1,mysql,utf8mb4,utf8mb4_general_ci,utf8mb4" {
		t.Errorf("after reset: %q", got)
	}
	if _, err := c.Exec(t.Context(), "SELECT * FROM tmp"); code(err) != 1146 {
		t.Errorf("temporary table: %v", err)
	}
	must(t, c.SetState(t.Context(), nil))
	id := c.ID()
	c.Release()
	d := acquire(t, s, nil, true)
	defer d.Release()
	if d.ID() != id {
		t.Error("a reset connection was thrown away")
	}
	b := openBranch(t, s, nil)
	defer b.c.Discard()
	if err := b.c.Reset(t.Context()); err == nil {
		t.Error("a connection with an open branch was reset")
	}
}

func TestPreparedStatements(t *testing.T) {
	s := openShard(t, func(o *Options) { o.MaxConns, o.MaxStatements = 1, 3 })
	st := table(t, s)
	onServer := func(c *Conn) string {
		return strings.TrimPrefix(rows(t, c, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'"), "Prepared_stmt_count,")
	}
	c := acquire(t, s, st, true)
	prepare := func(sql string) *Prepared {
		t.Helper()
		p, err := c.Prepare(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := prepare("SELECT id, v FROM t WHERE id=? AND v>?")
	if len(p.Params) != 2 || len(p.Columns) != 2 || p.Columns[1].Name != "v" {
		t.Errorf("%+v", p)
	}
	if again := prepare("SELECT id, v FROM t WHERE id=? AND v>?"); again != p {
		t.Error("prepared twice")
	}
	for i := range 10 {
		prepare(fmt.Sprintf("SELECT %d FROM t", i))
		prepare("SELECT id, v FROM t WHERE id=? AND v>?") // stays, being used
	}
	if got := onServer(c); got != "3" {
		t.Errorf("the server holds %s statements, want 3", got)
	}
	if again := prepare("SELECT id, v FROM t WHERE id=? AND v>?"); again != p {
		t.Error("the one in use was evicted")
	}
	if _, err := c.Prepare(t.Context(), "SELEC"); code(err) != 1064 {
		t.Errorf("got %v", err)
	}
	if _, err := c.Prepare(t.Context(), "SELECT * FROM no_such_table"); code(err) != 1146 {
		t.Errorf("got %v", err)
	}
	run(t, c, "CREATE TABLE IF NOT EXISTS mysql.t (other INT)")
	defer ask(t, s, "DROP TABLE mysql.t")
	q := prepare("SELECT * FROM t")
	must(t, c.SetState(t.Context(), &State{Database: "mysql"}))
	if r := prepare("SELECT * FROM t"); r == q || len(r.Columns) != 1 || r.Columns[0].Name != "other" {
		t.Error("the same text in another database gave the same statement")
	}
	// The server's own limit: ours are given back, and it goes on.
	run(t, c, "SET GLOBAL max_prepared_stmt_count=3")
	prepare("SELECT 'one more'")
	run(t, c, "SET GLOBAL max_prepared_stmt_count=2")
	prepare("SELECT 'and another'")
	run(t, c, "SET GLOBAL max_prepared_stmt_count=16382")
	must(t, c.SetState(t.Context(), st))
	// Another connection starts from nothing.
	c.Discard()
	c = acquire(t, s, st, true)
	if p := prepare("SELECT id, v FROM t WHERE id=? AND v>?"); p.ID == 0 {
		t.Error("no id")
	}
	c.Release()
}

func TestInterrupt(t *testing.T) {
	s := openShard(t)
	st := table(t, s)
	t.Run("a context that cannot end costs nothing", func(t *testing.T) {
		c := acquire(t, s, nil, true)
		defer c.Release()
		ctx := context.Background()
		if n := testing.AllocsPerRun(100, func() { c.Interrupt(ctx)() }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
	t.Run("stopped in time leaves the connection whole", func(t *testing.T) {
		c := acquire(t, s, nil, true)
		ctx, cancel := context.WithCancel(t.Context())
		stop := c.Interrupt(ctx)
		stop()
		cancel()
		stop()
		run(t, c, "DO 1")
		id := c.ID()
		c.Release()
		d := acquire(t, s, nil, true)
		defer d.Release()
		if d.ID() != id {
			t.Error("it was thrown away")
		}
	})
	t.Run("a context that ended before sends nothing", func(t *testing.T) {
		c := acquire(t, s, nil, true)
		defer c.Release()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Exec(ctx, "DO 1"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		run(t, c, "DO 1")
	})
	t.Run("in mid-answer it breaks, and the server's session ends with its locks", func(t *testing.T) {
		holder := openBranch(t, s, st)
		run(t, holder.c, "INSERT INTO t VALUES (1,1)")
		b := openBranch(t, s, st)
		run(t, b.c, "INSERT INTO t VALUES (2,2)")
		began := time.Now()
		_, err := b.c.Exec(timeout(t, 50*time.Millisecond), "INSERT INTO t VALUES (1,9)")
		if err == nil || !b.c.Broken() || Classify(err) != ClassUnknown || time.Since(began) > time.Second {
			t.Fatalf("got %v after %v", err, time.Since(began))
		}
		b.c.Release()
		// Row 2 is free although the statement would have waited for five seconds more.
		c := acquire(t, s, st, true)
		defer c.Release()
		run(t, c, "SET innodb_lock_wait_timeout=2", "INSERT INTO t VALUES (2,3)", "SET innodb_lock_wait_timeout=DEFAULT")
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("the lock was held for %v", d)
		}
		must(t, holder.Rollback(t.Context()))
		holder.c.Release()
	})
}

func TestQueryLimits(t *testing.T) {
	s := openShard(t)
	c := acquire(t, s, nil, true)
	defer c.Release()
	var many *TooManyRowsError
	if _, err := c.Query(t.Context(), "WITH RECURSIVE s AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM s WHERE seq < 1000) SELECT seq FROM s", 10); !errors.As(err, &many) || many.Limit != 10 {
		t.Errorf("got %v", err)
	}
	if got := rows(t, c, "SELECT NULL, '', 'x'"); got != "NULL,,x" {
		t.Errorf("after too many rows: %q", got)
	}
	res, err := c.Query(t.Context(), "SELECT 1 AS one, NULL AS two", 1)
	must(t, err)
	if len(res.Columns) != 2 || res.Columns[0].Name != "one" || res.Rows[0][1] != nil || string(res.Rows[0][0]) != "1" {
		t.Errorf("%+v", res)
	}
	if _, err := c.Query(t.Context(), "SELECT nonsense", 1); code(err) != 1054 {
		t.Errorf("got %v", err)
	}
	if _, err := c.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("rows behind Exec: %v", err)
	}
}

// The server's identity is not its connection ids: after a restart they begin anew.
func TestKillSparesStrangersAfterRestart(t *testing.T) {
	s := openShard(t)
	c := acquire(t, s, nil, true)
	old := session{id: c.ID(), since: time.Now().Add(-time.Hour)} // the server has not been up for an hour
	must(t, s.onSide(t.Context(), func(ctx context.Context, side *Conn) error { return old.end(ctx, side, "CONNECTION") }))
	run(t, c, "DO 1")
	c.Release()
	must(t, s.KillConnection(t.Context(), 4_000_000_000))
	must(t, s.KillQuery(t.Context(), 4_000_000_000))
}
