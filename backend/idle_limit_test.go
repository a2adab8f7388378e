package backend

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// relay passes bytes between a shard and its server until it is cut; then it keeps both sides' sockets open
// and silent, as a network that drops everything.
type relay struct {
	address string
	cut     atomic.Bool
}

func newRelay(t *testing.T, server string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: l.Addr().String()}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	pass := func(to, from net.Conn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if r.cut.Load() {
				_, _ = io.Copy(io.Discard, from) // until the test ends
				return
			}
			if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
				_ = to.Close()
				return
			}
		}
	}
	wait.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", server)
			if err != nil {
				_ = a.Close()
				continue
			}
			mu.Lock()
			open = append(open, a, b)
			mu.Unlock()
			wait.Go(func() { pass(a, b) })
			wait.Go(func() { pass(b, a) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wait.Wait()
	})
	return r
}

// A branch that voted and hears no more is dropped by the server itself, although its connection
// never closes; one that was prepared stays, and others can settle it.
func TestSilentCoordinator(t *testing.T) { onEngines(t, silentCoordinator) }

func silentCoordinator(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	c := acquire(t, s, nil, true)
	if e.name == "MariaDB" { // which of the two limits counts must not hang on the server's settings
		run(t, c, "SET GLOBAL idle_write_transaction_timeout=3600")
		defer run(t, c, "SET GLOBAL idle_write_transaction_timeout=0")
	}
	defer c.Release()
	r := newRelay(t, e.options.Address)
	cutOff := e.open(t, func(o *Options) { o.Address, o.ParticipantTimeout = r.address, 2*time.Second })
	active := voted(t, cutOff, st, 1)
	prepared := voted(t, cutOff, st, 2)
	must(t, prepared.Prepare(t.Context()))
	patient := openBranch(t, cutOff, st) // has not voted: it may take its time
	run(t, patient.c, "INSERT INTO t VALUES (3,1)")
	r.cut.Store(true)
	began := time.Now()
	for _, b := range []*Branch{active, prepared} {
		if !alive(t, s, b.c.id) {
			t.Fatal("dropped at once")
		}
	}
	eventually(t, "the branch that voted is gone", func() bool { return !alive(t, s, active.c.id) && marker(t, s, active.xid.GTRID) == nil })
	if took := time.Since(began); took < time.Second || took > 6*time.Second {
		t.Errorf("it took %v", took)
	}
	must(t, s.InsertFence(t.Context(), Marker{GTRID: active.xid.GTRID}))
	run(t, c, "INSERT INTO "+st.Database+".t VALUES (1,9)")
	eventually(t, "the session of the prepared one is gone", func() bool { return !alive(t, s, prepared.c.id) })
	must(t, settle(t.Context(), s, []XID{prepared.xid}, true))
	if m := marker(t, s, prepared.xid.GTRID); m == nil || !m.Committed {
		t.Errorf("the prepared one after its commit: %+v", m)
	}
	if !alive(t, s, patient.c.id) {
		t.Error("a branch that did not vote was dropped")
	}
	must(t, s.KillConnection(t.Context(), patient.c.id))
	for _, b := range []*Branch{active, prepared, patient} {
		b.c.Discard()
	}
}

// The limit stays on the connection until the next use that may be idle for longer, and costs none
// of its round trips.
func TestIdleLimitIsLifted(t *testing.T) { onEngines(t, idleLimitIsLifted) }

func idleLimitIsLifted(t *testing.T, e *engine) {
	s := e.open(t, func(o *Options) { o.MaxConns, o.ParticipantTimeout = 1, 7*time.Second })
	helper := e.open(t)
	st := markerTable(t, helper)
	const ask = "SELECT @@wait_timeout"
	free := rows(t, acquireFor(t, helper), ask)
	for i, use := range []struct {
		name string
		next func() *Conn
	}{
		{"a branch", func() *Conn { return openBranch(t, s, st).c }},
		{"a statement", func() *Conn { return acquire(t, s, st, true) }},
		{"a branch with other variables", func() *Conn {
			return openBranch(t, s, &State{Database: st.Database, Vars: []Variable{{"sql_mode", "''"}}}).c
		}},
	} {
		b := voted(t, s, st, i)
		if got := rows(t, b.c, ask); got != "7" {
			t.Errorf("limit of a branch that voted: %s", got)
		}
		must(t, b.CommitOnePhase(t.Context()))
		id := b.c.id
		b.c.Release()
		c := use.next()
		if c.id != id {
			t.Fatal("another connection")
		}
		if got := rows(t, c, ask); got != free {
			t.Errorf("limit of %s: %s, want %s", use.name, got, free)
		}
		if e.name == "MariaDB" {
			if got := rows(t, c, "SELECT @@idle_write_transaction_timeout"); got != "0" {
				t.Errorf("limit of %s: %s", use.name, got)
			}
		}
		if c.branch != nil {
			must(t, c.branch.Rollback(t.Context()))
		}
		c.Release()
	}
}

// A client's own limit comes back in the place of ours.
func TestIdleLimitOfAClient(t *testing.T) {
	needMariaDB(t)
	s := openShard(t, func(o *Options) { o.MaxConns = 1 })
	st := markerTable(t, openShard(t))
	own := &State{Database: st.Database, Vars: []Variable{{"idle_write_transaction_timeout", "33"}}}
	for i, next := range []func() *Conn{
		func() *Conn { return openBranch(t, s, own).c },
		func() *Conn { return acquire(t, s, own, true) },
	} {
		b := voted(t, s, own, i)
		if got := rows(t, b.c, "SELECT @@idle_write_transaction_timeout"); got != "30" {
			t.Errorf("limit of a branch that voted: %s", got)
		}
		must(t, b.CommitOnePhase(t.Context()))
		b.c.Release()
		c := next()
		if got := rows(t, c, "SELECT @@idle_write_transaction_timeout"); got != "33" {
			t.Errorf("afterwards: %s", got)
		}
		if c.branch != nil {
			must(t, c.branch.Rollback(t.Context()))
		}
		c.Release()
	}
}

// acquireFor is a connection until the test ends.
func acquireFor(t *testing.T, s *Shard) *Conn {
	t.Helper()
	c := acquire(t, s, nil, true)
	t.Cleanup(c.Release)
	return c
}

// What a client set for itself neither spoils the row nor is lost.
func TestMarkerUnderClientsVariables(t *testing.T) { onEngines(t, markerUnderClientsVariables) }

func markerUnderClientsVariables(t *testing.T, e *engine) {
	s := e.open(t, func(o *Options) { o.MaxConns = 1 })
	helper := e.open(t)
	st := markerTable(t, helper)
	vars := []Variable{{"character_set_client", "'latin1'"}, {"character_set_connection", "'utf16'"},
		{"foreign_key_checks", "0"}, {"sql_mode", "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'"}, {"time_zone", "'+05:00'"},
		{"timestamp", "1000000000"}, {"transaction_isolation", "'SERIALIZABLE'"}, {"unique_checks", "0"}}
	client := &State{Database: st.Database, Vars: vars}
	for i := range 2 {
		b := voted(t, s, client, i, func(m *Marker) {
			m.Token, m.Coordinator = "it's \\ \"a\" t\u00f6ken\x00", "p'1"
		})
		m := marker(t, helper, b.xid.GTRID)
		if m == nil || m.Age < 0 || m.Age > time.Minute || m.State != MarkerVoted || m.Token != "it's \\ \"a\" t\u00f6ken\x00" || m.Coordinator != "p'1" || len(m.Participants) != 2 {
			t.Errorf("row %+v", m)
		}
		must(t, b.Prepare(t.Context()))
		must(t, b.Rollback(t.Context()))
		b.c.Release()
		c := acquire(t, s, client, false)
		if got := rows(t, c, "SELECT UNIX_TIMESTAMP() = 1000000000 AND @@unique_checks = 0 AND @@foreign_key_checks = 0"); got != "1" {
			t.Error("the client's variables are lost")
		}
		c.Discard()
	}
}
