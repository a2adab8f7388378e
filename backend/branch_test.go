package backend

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"lockstep/protocol"
)

var branchNumber atomic.Int64

func newBranch(t *testing.T, s *Shard, st *State) *Branch {
	t.Helper()
	return NewBranch(acquire(t, s, st, false), fmt.Sprintf("c.1.e.%d", branchNumber.Add(1)), s.Name())
}

func openBranch(t *testing.T, s *Shard, st *State) *Branch {
	t.Helper()
	b := newBranch(t, s, st)
	if err := b.Open(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	return b
}

func listed(t *testing.T, s *Shard, x XID) bool {
	t.Helper()
	xids, err := s.PreparedXIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, y := range xids {
		if x == y {
			return true
		}
	}
	return false
}

func TestBranchRoundTrips(t *testing.T) {
	s := openShard(t)
	st := table(t, s)
	for _, end := range []struct {
		name string
		verb func(*Branch, context.Context) error
		prep bool
		want string
	}{
		{"commit", (*Branch).Commit, true, "1,5"},
		{"one phase", (*Branch).CommitOnePhase, false, "1,5"},
		{"rollback active", (*Branch).Rollback, false, ""},
		{"rollback prepared", (*Branch).Rollback, true, ""},
	} {
		t.Run(end.name, func(t *testing.T) {
			b := newBranch(t, s, st)
			c := b.Conn()
			if err := b.WriteOpen([]string{"SET TRANSACTION ISOLATION LEVEL READ COMMITTED"}, []string{"SAVEPOINT a"}); err != nil {
				t.Fatal(err)
			}
			if err := c.Wire().WriteCommand(protocol.ComQuery, []byte("INSERT INTO t VALUES (1,5)")); err != nil {
				t.Fatal(err)
			}
			if err := c.Wire().Flush(); err != nil {
				t.Fatal(err)
			}
			if err := b.ReadOpen(t.Context()); err != nil {
				t.Fatal(err)
			}
			if ok, err := protocol.ReadOK(c.Wire()); err != nil || ok.AffectedRows != 1 {
				t.Fatal(ok, err)
			}
			if end.prep {
				if err := b.Prepare(t.Context()); err != nil || !b.Prepared() {
					t.Fatal(err, b.State())
				}
				if !listed(t, s, b.XID()) {
					t.Error("prepared branch is not listed")
				}
			}
			if err := end.verb(b, t.Context()); err != nil || !b.Ended() {
				t.Fatal(err, b.State())
			}
			id := c.ID()
			c.Release()
			if listed(t, s, b.XID()) {
				t.Error("ended branch is listed")
			}
			c = acquire(t, s, st, false)
			if c.ID() != id {
				t.Error("connection of an ended branch was not used again")
			}
			if got := rows(t, c, "SELECT * FROM t"); got != end.want {
				t.Errorf("table has %q, want %q", got, end.want)
			}
			run(t, c, "DELETE FROM t", "COMMIT")
			c.Release()
		})
	}
}

// A statement behind a failed XA START runs in a plain transaction. Nothing of it may stay.
func TestFailedStartLeavesNothing(t *testing.T) {
	s := openShard(t)
	st := table(t, s)
	first := openBranch(t, s, st)
	defer first.Conn().Discard()
	second := NewBranch(acquire(t, s, st, false), first.XID().GTRID, first.XID().BQUAL)
	if err := second.WriteOpen(nil, nil); err != nil {
		t.Fatal(err)
	}
	c := second.Conn()
	if err := c.Wire().WriteCommand(protocol.ComQuery, []byte("INSERT INTO t VALUES (1,1)")); err != nil {
		t.Fatal(err)
	}
	if err := c.Wire().Flush(); err != nil {
		t.Fatal(err)
	}
	err := second.ReadOpen(t.Context())
	if code(err) != 1440 || Classify(err) != ClassDefinite {
		t.Fatalf("got %v (%v), want 1440", err, Classify(err))
	}
	if err := second.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	id := c.ID()
	c.Release()
	eventually(t, "the session is gone", func() bool {
		return ask(t, s, fmt.Sprintf("SELECT COUNT(*) FROM information_schema.processlist WHERE id=%d", id)) == "0"
	})
	if got := ask(t, s, "SELECT COUNT(*) FROM "+st.Database+".t"); got != "0" {
		t.Errorf("%s rows stayed", got)
	}
}

func TestWriteOpenRefuses(t *testing.T) {
	s := openShard(t)
	c := acquire(t, s, nil, true)
	defer c.Release()
	if err := NewBranch(c, "g", "b").WriteOpen(nil, nil); err == nil || !strings.Contains(err.Error(), "autocommit") {
		t.Errorf("autocommit on: %v", err)
	}
	d := acquire(t, s, nil, false)
	defer d.Release()
	if err := NewBranch(d, strings.Repeat("g", 65), "b").WriteOpen(nil, nil); err == nil {
		t.Error("gtrid of 65 bytes was accepted")
	}
	if err := NewBranch(d, "", "b").WriteOpen(nil, nil); err == nil {
		t.Error("empty gtrid was accepted")
	}
}
