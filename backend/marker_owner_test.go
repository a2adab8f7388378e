package backend

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func alive(t *testing.T, s *Shard, id uint32) bool {
	t.Helper()
	return ask(t, s, fmt.Sprintf("SELECT COUNT(*) FROM information_schema.processlist WHERE id=%d", id)) == "1"
}

func TestEndMarkerOwner(t *testing.T) { onEngines(t, endMarkerOwner) }

func endMarkerOwner(t *testing.T, e *engine) {
	owner := e.open(t)
	st := markerTable(t, owner)
	waitUp(t, owner)
	for i, row := range []struct {
		name     string
		other    bool // ended by another process than the owner's
		end      func(*Branch) error
		survives bool
		ended    bool // the session
	}{
		{"active", true, func(*Branch) error { return nil }, false, true},
		{"active, same process", false, func(*Branch) error { return nil }, false, true},
		{"prepared", true, func(b *Branch) error { return b.Prepare(t.Context()) }, true, true},
		{"prepared, same process", false, func(b *Branch) error { return b.Prepare(t.Context()) }, true, true},
		{"committed", true, func(b *Branch) error { return b.CommitOnePhase(t.Context()) }, true, false},
		{"committed, same process", false, func(b *Branch) error { return b.CommitOnePhase(t.Context()) }, true, false},
		{"rolled back", true, func(b *Branch) error { return b.Rollback(t.Context()) }, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := owner
			if row.other {
				s = e.open(t)
			}
			b := voted(t, owner, st, i)
			m := marker(t, s, b.xid.GTRID)
			must(t, row.end(b))
			must(t, s.EndMarkerOwner(t.Context(), *m))
			if alive(t, s, b.c.id) == row.ended {
				t.Errorf("the owner's session is there: %v", !row.ended)
			}
			if got := marker(t, s, b.xid.GTRID); (got != nil) != row.survives {
				t.Errorf("afterwards: %+v", got)
			}
			if row.survives && row.ended { // prepared: others can settle it now
				must(t, settle(t.Context(), s, []XID{b.xid}, true))
				if got := marker(t, s, b.xid.GTRID); got == nil || !got.Committed {
					t.Errorf("after its commit: %+v", got)
				}
			}
			want := "0"
			if row.survives {
				want = "1"
			}
			if n := ask(t, s, fmt.Sprintf("SELECT COUNT(*) FROM %s.t WHERE id=%d", st.Database, i)); n != want {
				t.Errorf("%s rows", n)
			}
			must(t, s.EndMarkerOwner(t.Context(), *m)) // nothing is left to end
			if row.ended {
				b.c.Discard()
			} else {
				b.c.Release()
			}
		})
	}
}

// waitUp lets the server be old enough that a marker's writer can be told by its id alone.
func waitUp(t *testing.T, s *Shard) {
	t.Helper()
	eventually(t, "the server is up for some seconds", func() bool {
		c := acquire(t, s, nil, true)
		defer c.Release()
		up, err := uptime(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return up >= 4*time.Second
	})
}

// After a restart the id in a marker is another session's: that one is left alone.
func TestEndMarkerOwnerAfterARestart(t *testing.T) { onEngines(t, endMarkerOwnerAfterARestart) }

func endMarkerOwnerAfterARestart(t *testing.T, e *engine) {
	owner := e.open(t)
	st := markerTable(t, owner)
	// The branch's id is beyond those that the process itself takes after the restart.
	var early []*Conn
	for range 30 {
		early = append(early, acquire(t, owner, st, true))
	}
	b := voted(t, owner, st, 1)
	active := voted(t, owner, st, 2)
	must(t, b.Prepare(t.Context()))
	done := voted(t, owner, st, 4)
	must(t, done.Prepare(t.Context()))
	must(t, done.Commit(t.Context()))
	must(t, owner.InsertFence(t.Context(), Marker{GTRID: "fenced"}))
	for _, c := range append(early, done.c) {
		c.Discard()
	}
	gtrids := []string{b.xid.GTRID, active.xid.GTRID, done.xid.GTRID, "fenced"}
	e.kill(t)
	e.start(t)
	b.c.Discard()
	active.c.Discard()
	s := e.open(t)
	eventually(t, "the server is back", func() bool {
		list, err := s.Markers(t.Context(), gtrids)
		return err == nil && len(list) == 3 // the active one's is gone
	})
	for gtrid, want := range map[string]Marker{
		b.xid.GTRID: {State: MarkerVoted, Connection: uint64(b.c.id)}, done.xid.GTRID: {State: MarkerVoted, Committed: true}, "fenced": {State: MarkerAborted, Committed: true},
	} {
		m := marker(t, s, gtrid)
		if m == nil || m.State != want.State || m.Committed != want.Committed || want.Connection != 0 && m.Connection != want.Connection {
			t.Errorf("%s after the restart: %+v, want %+v", gtrid, m, want)
		}
	}
	// An innocent gets the id in the marker.
	var innocent *Branch
	for innocent == nil {
		x := openBranch(t, s, st)
		switch {
		case x.c.id == b.c.id:
			run(t, x.c, "INSERT INTO t VALUES (3,1)")
			innocent = x
		case x.c.id > b.c.id:
			t.Fatalf("id %d is taken by somebody else", b.c.id)
		default:
			x.c.Discard()
		}
	}
	defer innocent.c.Discard()
	must(t, e.open(t).EndMarkerOwner(t.Context(), *marker(t, s, b.xid.GTRID)))
	must(t, s.EndMarkerOwner(t.Context(), *marker(t, s, b.xid.GTRID)))
	if !alive(t, s, innocent.c.id) {
		t.Fatal("an innocent session was ended")
	}
	must(t, innocent.CommitOnePhase(t.Context()))
	must(t, settle(t.Context(), s, []XID{b.xid}, true))
	if m := marker(t, s, b.xid.GTRID); m == nil || !m.Committed {
		t.Errorf("after its commit: %+v", m)
	}
	if n := ask(t, s, "SELECT GROUP_CONCAT(id ORDER BY id) FROM "+st.Database+".t"); n != "1,3,4" {
		t.Errorf("rows %s", n)
	}
}

// Within the first seconds of the server the age does not tell: then the session's transaction does.
func TestEndMarkerOwnerInDoubt(t *testing.T) { onEngines(t, endMarkerOwnerInDoubt) }

func endMarkerOwnerInDoubt(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	b := voted(t, s, st, 1)
	idle := acquire(t, s, st, true)
	young := openBranch(t, s, st)
	m := *marker(t, s, b.xid.GTRID)
	side := acquire(t, s, nil, true)
	defer side.Release()
	time.Sleep(3500 * time.Millisecond)
	run(t, young.c, "INSERT INTO t VALUES (2,1)")
	time.Sleep(200 * time.Millisecond) // InnoDB's own list is cached
	m.Age = time.Duration(3700) * time.Millisecond
	for _, row := range []struct {
		name string
		id   uint32
		up   time.Duration
		age  time.Duration
		want bool
		err  bool
	}{
		{"in doubt, the writer", b.c.id, 3 * time.Second, m.Age, true, false},
		{"in doubt, no transaction", idle.id, 3 * time.Second, m.Age, false, false},
		{"in doubt, a younger transaction", young.c.id, 3 * time.Second, m.Age, false, false},
		{"clearly this process", young.c.id, 3600 * time.Second, m.Age, true, false},
		{"clearly an earlier process", b.c.id, time.Second, m.Age, false, false},
		{"from the future", b.c.id, time.Hour, -time.Hour, false, true},
	} {
		x := m
		x.Connection, x.Age = uint64(row.id), row.age
		got, err := side.ownsMarker(t.Context(), x, row.up)
		if got != row.want || errors.As(err, new(*OwnerError)) != row.err || err != nil && !row.err {
			t.Errorf("%s: %v, %v", row.name, got, err)
		}
	}
	idle.Release()
	for _, x := range []*Branch{b, young} {
		must(t, x.Rollback(t.Context()))
		x.c.Release()
	}
}

// Many who need that proof at once do not keep each other from seeing new rows.
func TestEndMarkerOwnersAtOnce(t *testing.T) { onEngines(t, endMarkerOwnersAtOnce) }

func endMarkerOwnersAtOnce(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	const many = 6
	type proof struct {
		m    Marker
		side *Conn
		held bool
		err  error
	}
	var all [many]proof
	for i := range all {
		b := voted(t, s, st, i)
		defer b.c.Release()
		defer func() { must(t, b.Rollback(t.Context())) }()
		all[i] = proof{m: *marker(t, s, b.xid.GTRID), side: acquire(t, s, nil, true)}
		defer all[i].side.Release()
	}
	var wg sync.WaitGroup
	for i := range all {
		p := &all[i]
		wg.Go(func() { p.held, p.err = p.side.holdsMarker(t.Context(), p.m) })
	}
	wg.Wait()
	for i, p := range all {
		if !p.held || p.err != nil {
			t.Errorf("writer %d: %v, %v", i, p.held, p.err)
		}
	}
}
