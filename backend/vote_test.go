package backend

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"lockstep/protocol"
)

// oneStatement fails where the server would take a client's text for two statements.
func oneStatement(t *testing.T, c *Conn) {
	t.Helper()
	if _, err := c.Exec(t.Context(), "DO 1; DO 2"); code(err) != protocol.ErrParse {
		t.Errorf("two statements in one text: %v", err)
	}
}

// A vote is one round trip that leaves the branch prepared with its row, or not prepared; and the
// connection as it was.
func TestVote(t *testing.T) { onEngines(t, vote) }

func vote(t *testing.T, e *engine) {
	s := e.open(t, func(o *Options) { o.MaxConns = 1 })
	helper := e.open(t)
	st := markerTable(t, helper)
	marked := func(b *Branch) Marker {
		return Marker{GTRID: b.xid.GTRID, State: MarkerVoted, Participants: []string{"s1", "s2"}, Coordinator: "p1"}
	}
	for i, row := range []struct {
		name   string
		fenced bool
		vote   func(*Branch) error
		end    func(*Branch) error
		rows   string
	}{
		{"committed", false, func(b *Branch) error { return b.Vote(t.Context(), marked(b)) }, func(b *Branch) error { return b.Commit(t.Context()) }, "1"},
		{"rolled back", false, func(b *Branch) error { return b.Vote(t.Context(), marked(b)) }, func(b *Branch) error { return b.Rollback(t.Context()) }, "0"},
		{"fenced", true, func(b *Branch) error { return b.Vote(t.Context(), marked(b)) }, nil, "0"},
		{"one phase", false, func(b *Branch) error { return b.CommitOnePhaseMarked(t.Context(), marked(b)) }, nil, "1"},
		{"one phase, fenced", true, func(b *Branch) error { return b.CommitOnePhaseMarked(t.Context(), marked(b)) }, nil, "0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := openBranch(t, s, st)
			run(t, b.c, fmt.Sprintf("INSERT INTO t VALUES (%d,1)", i))
			if row.fenced {
				must(t, helper.InsertFence(t.Context(), Marker{GTRID: b.xid.GTRID}))
			}
			err := row.vote(b)
			if row.fenced != errors.As(err, new(*FencedError)) || row.fenced != (Classify(err) == ClassDefinite) || !row.fenced && err != nil {
				t.Fatalf("the vote: %v (%v)", err, Classify(err))
			}
			if row.end != nil {
				if m := marker(t, helper, b.xid.GTRID); !b.Prepared() || !listed(t, helper, b.xid) || m == nil || m.Committed || m.Connection != uint64(b.c.id) {
					t.Errorf("%s, listed %v, row %+v", b.State(), listed(t, helper, b.xid), m)
				}
				must(t, row.end(b))
			}
			if !b.Ended() {
				t.Fatalf("it is %s", b.State())
			}
			id := b.c.id
			b.c.Release()
			c := acquire(t, s, st, true)
			defer c.Release()
			if c.id != id {
				t.Error("the connection was not used again")
			}
			oneStatement(t, c)
			if got := rows(t, c, fmt.Sprintf("SELECT COUNT(*) FROM t WHERE id=%d", i)); got != row.rows {
				t.Errorf("%s rows, want %s", got, row.rows)
			}
			if m := marker(t, helper, b.xid.GTRID); row.fenced != (m != nil && m.State == MarkerAborted) || !row.fenced && (m != nil) != (row.rows == "1") {
				t.Errorf("afterwards: %+v", m)
			}
		})
	}
}

// A vote behind a deadlock that the server has ended is a no, and the connection can be used again.
func TestVoteOfADeadBranch(t *testing.T) { onEngines(t, voteOfADeadBranch) }

func voteOfADeadBranch(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	b := openBranch(t, s, st)
	run(t, b.c, "INSERT INTO t VALUES (10,0),(11,0)")
	must(t, b.CommitOnePhase(t.Context()))
	*b = *NewBranch(b.c, b.xid.GTRID, b.xid.BQUAL)
	must(t, b.Open(t.Context(), nil, nil))
	deadlock(t, s, st, b)
	err := b.Vote(t.Context(), Marker{GTRID: b.xid.GTRID, State: MarkerVoted, Participants: []string{"s1", "s2"}, Coordinator: "p1"})
	if Classify(err) != ClassDefinite || !b.Ended() || listed(t, s, b.xid) || marker(t, s, b.xid.GTRID) != nil {
		t.Errorf("%v (%v); the branch is %s", err, Classify(err), b.State())
	}
	if !b.c.Broken() {
		oneStatement(t, b.c)
	}
	b.c.Release()
}

// Names of branches that are open or prepared are taken; others are free, and stay so.
func TestAbsentBranches(t *testing.T) { onEngines(t, absentBranches) }

func absentBranches(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	active, prepared, done, other := openBranch(t, s, st), openBranch(t, s, st), openBranch(t, s, st), NewBranch(acquire(t, s, st, false), "theirs", "s2")
	must(t, other.Open(t.Context(), nil, nil))
	for i, b := range []*Branch{active, prepared, done} {
		run(t, b.c, fmt.Sprintf("INSERT INTO t VALUES (%d,1)", i))
	}
	must(t, prepared.Prepare(t.Context()))
	must(t, done.CommitOnePhase(t.Context()))
	for range 2 {
		absent, err := s.AbsentBranches(t.Context(), []string{active.xid.GTRID, "none", prepared.xid.GTRID, done.xid.GTRID, "theirs"})
		if err != nil || !slices.Equal(absent, []string{"none", done.xid.GTRID, "theirs"}) {
			t.Errorf("absent %q, %v", absent, err)
		}
	}
	for _, b := range []*Branch{active, prepared, other} {
		must(t, b.Rollback(t.Context()))
		b.c.Release()
	}
	done.c.Release()
	if absent, err := s.AbsentBranches(t.Context(), []string{active.xid.GTRID, prepared.xid.GTRID}); err != nil || len(absent) != 2 {
		t.Errorf("after the end: %q, %v", absent, err)
	}
}

// A server that falls silent is a no where it has been quiet for long: nothing is sent then. Right behind an answer of the
// server nobody asks, and the vote is not known.
func TestVoteOfASilentServer(t *testing.T) { onEngines(t, voteOfASilentServer) }

func voteOfASilentServer(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	for _, row := range []struct {
		name  string
		think time.Duration
		want  Class
	}{{"quiet for long", quietFor + 200*time.Millisecond, ClassDefinite}, {"just heard", 0, ClassUnknown}} {
		t.Run(row.name, func(t *testing.T) {
			r := newRelay(t, e.options.Address)
			cutOff := e.open(t, func(o *Options) { o.Address = r.address })
			b := openBranch(t, cutOff, st)
			run(t, b.c, "INSERT INTO t VALUES (1,1)")
			time.Sleep(row.think)
			r.cut.Store(true)
			err := b.Vote(timeout(t, 300*time.Millisecond), Marker{GTRID: b.xid.GTRID, State: MarkerVoted, Participants: []string{"s1", "s2"}, Coordinator: "p1"})
			if Classify(err) != row.want {
				t.Errorf("%v (%v)", err, Classify(err))
			}
			if listed(t, s, b.xid) {
				t.Error("prepared")
			}
			b.c.Discard()
			must(t, s.KillConnection(t.Context(), b.c.id))
		})
	}
	// One that is there answers, and votes.
	b := openBranch(t, s, st)
	run(t, b.c, "INSERT INTO t VALUES (2,1)")
	time.Sleep(quietFor + 200*time.Millisecond)
	if ago := b.c.peek.heard(); ago < quietFor || ago > time.Minute {
		t.Errorf("heard %v ago", ago)
	}
	must(t, b.Vote(t.Context(), Marker{GTRID: b.xid.GTRID, State: MarkerVoted, Participants: []string{"s1", "s2"}, Coordinator: "p1"}))
	must(t, b.Commit(t.Context()))
	b.c.Release()
}
