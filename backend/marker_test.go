package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// markerTable makes the table anew, empty, and gives the state of an ordinary table too.
func markerTable(t *testing.T, s *Shard) *State {
	t.Helper()
	st := table(t, s)
	c := acquire(t, s, nil, true)
	run(t, c, "DROP DATABASE IF EXISTS lockstep")
	c.Release()
	if made, err := s.CreateMarkerTable(t.Context()); err != nil || !made {
		t.Fatalf("made %v: %v", made, err)
	}
	return st
}

// voted opens a branch, inserts a row of the client's, and writes its marker: as far as a vote is before PREPARE.
func voted(t *testing.T, s *Shard, st *State, id int, change ...func(*Marker)) *Branch {
	t.Helper()
	b := openBranch(t, s, st)
	run(t, b.c, fmt.Sprintf("INSERT INTO t VALUES (%d,1)", id))
	m := Marker{GTRID: b.xid.GTRID, State: MarkerVoted, Participants: []string{"s1", "s2"}, Coordinator: "p1"}
	for _, f := range change {
		f(&m)
	}
	b.own()
	run(t, b.c, string(m.appendInsert(nil, s.o.Name)))
	return b
}

// marker reads one row.
func marker(t *testing.T, s *Shard, gtrid string) *Marker {
	t.Helper()
	list, err := s.Markers(t.Context(), []string{gtrid})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

func TestMarkerOfEachState(t *testing.T) { onEngines(t, markerOfEachState) }

func markerOfEachState(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	type seen struct{ there, committed bool }
	for i, row := range []struct {
		name string
		end  func(*Branch) error
		want seen
		// what a fence then meets
		fence error
	}{
		{"active", func(*Branch) error { return nil }, seen{true, false}, &MarkerLockedError{}},
		{"prepared", func(b *Branch) error { return b.Prepare(t.Context()) }, seen{true, false}, &MarkerLockedError{}},
		{"committed", func(b *Branch) error {
			return errors.Join(b.Prepare(t.Context()), b.Commit(t.Context()))
		}, seen{true, true}, &MarkerExistsError{}},
		{"one phase", func(b *Branch) error { return b.CommitOnePhase(t.Context()) }, seen{true, true}, &MarkerExistsError{}},
		{"rolled back while active", func(b *Branch) error { return b.Rollback(t.Context()) }, seen{}, nil},
		{"rolled back after prepare", func(b *Branch) error {
			return errors.Join(b.Prepare(t.Context()), b.Rollback(t.Context()))
		}, seen{}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := voted(t, s, st, i, func(m *Marker) { m.Token = "tok-" + row.name })
			must(t, row.end(b))
			m := marker(t, s, b.xid.GTRID)
			if (m != nil) != row.want.there || m != nil && m.Committed != row.want.committed {
				t.Fatalf("row %+v, want %+v", m, row.want)
			}
			if m != nil {
				if m.GTRID != b.xid.GTRID || m.State != MarkerVoted || strings.Join(m.Participants, " ") != "s1 s2" || m.Coordinator != "p1" ||
					m.Connection != uint64(b.c.id) || m.Token != "tok-"+row.name || m.Age < 0 || m.Age > 5*time.Second {
					t.Errorf("row %+v", m)
				}
				byToken, err := s.TokenMarkers(t.Context(), "tok-"+row.name)
				if err != nil || len(byToken) != 1 || byToken[0].GTRID != m.GTRID || byToken[0].Committed != m.Committed {
					t.Errorf("by its token: %+v, %v", byToken, err)
				}
			}
			began := time.Now()
			err := s.InsertFence(t.Context(), Marker{GTRID: b.xid.GTRID, Participants: []string{"s1", "s2"}, Coordinator: "p2"})
			if took := time.Since(began); took > 500*time.Millisecond {
				t.Errorf("the fence took %v", took)
			}
			sameKind(t, err, row.fence)
			sameKind(t, s.FenceToken(t.Context(), "tok-"+row.name, "p2"), row.fence)
			if row.fence == nil {
				if m := marker(t, s, b.xid.GTRID); m == nil || m.State != MarkerAborted || !m.Committed || m.Coordinator != "p2" {
					t.Errorf("after the fence: %+v", m)
				}
				sameKind(t, s.InsertFence(t.Context(), Marker{GTRID: b.xid.GTRID}), &MarkerExistsError{})
				sameKind(t, s.FenceToken(t.Context(), "tok-"+row.name, "p2"), &MarkerExistsError{})
			}
			if !b.Ended() {
				must(t, b.Rollback(t.Context()))
			}
			b.c.Release()
		})
	}
}

// sameKind compares the kinds of what a fence answers.
func sameKind(t *testing.T, got, want error) {
	t.Helper()
	kind := func(err error) string {
		switch {
		case err == nil:
			return "done"
		case errors.As(err, new(*MarkerExistsError)):
			return "exists"
		case errors.As(err, new(*MarkerLockedError)):
			return "locked"
		}
		return err.Error()
	}
	if kind(got) != kind(want) {
		t.Errorf("the fence answers %v, want %s", got, kind(want))
	}
}

// A no of the server is definite, has words for the client, and keeps the branch from being prepared.
func TestMarkerRefused(t *testing.T) { onEngines(t, markerRefused) }

func markerRefused(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	token := func(text string) func(*Marker) { return func(m *Marker) { m.Token = text } }
	must(t, s.FenceToken(t.Context(), "looked-up", "p2"))
	must(t, voted(t, s, st, 100, token("used")).CommitOnePhase(t.Context()))
	for i, row := range []struct {
		name    string
		prepare func(t *testing.T, b *Branch)
		marker  func(*Marker)
		kind    func(error) bool
		code    uint16
		words   string
	}{
		{"fenced", func(t *testing.T, b *Branch) { must(t, s.InsertFence(t.Context(), Marker{GTRID: b.xid.GTRID})) }, nil,
			func(err error) bool { return errors.As(err, new(*FencedError)) }, 1402, "ended by another proxy"},
		{"token fenced", nil, token("looked-up"), func(err error) bool { return errors.As(err, new(*TokenUsedError)) }, 1062, "declared it aborted"},
		{"token used", nil, token("used"), func(err error) bool { return errors.As(err, new(*TokenUsedError)) }, 1062, "used by another transaction"},
		{"token too long", nil, token(strings.Repeat("x", 65)), func(err error) bool { return errors.As(err, new(*TokenLengthError)) }, 1231, "at most 64"},
		{"participants too long", nil, func(m *Marker) { m.Participants = []string{strings.Repeat("x", 16001)} }, nil, 0, ""},
		{"another transaction's", nil, func(m *Marker) { m.GTRID = "other" }, nil, 0, ""},
		{"dead after a deadlock", func(t *testing.T, b *Branch) {
			run(t, b.c, "INSERT INTO t VALUES (10,0),(11,0)")
			must(t, b.CommitOnePhase(t.Context()))
			*b = *NewBranch(b.c, b.xid.GTRID, b.xid.BQUAL)
			must(t, b.Open(t.Context(), nil, nil))
			deadlock(t, s, st, b)
		}, nil, nil, 0, ""},
		{"no table", func(t *testing.T, _ *Branch) {
			c := acquire(t, s, nil, true)
			defer c.Release()
			run(t, c, "RENAME TABLE lockstep.branch TO lockstep.away")
		}, nil, func(err error) bool { return errors.As(err, new(*MarkerTableError)) }, 1146, "lockstep init"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := openBranch(t, s, st)
			run(t, b.c, fmt.Sprintf("INSERT INTO t VALUES (%d,1)", i))
			if row.prepare != nil {
				row.prepare(t, b)
			}
			m := Marker{GTRID: b.xid.GTRID, State: MarkerVoted, Participants: []string{"s1"}}
			if row.marker != nil {
				row.marker(&m)
			}
			err := b.Vote(t.Context(), m)
			if Classify(err) != ClassDefinite || row.kind != nil && !row.kind(err) {
				t.Errorf("got %v (%v)", err, Classify(err))
			}
			if e := ClientError(err); row.code != 0 && (e == nil || e.Code != row.code || !strings.Contains(e.Message, row.words)) {
				t.Errorf("the client is told %v", e)
			}
			for _, verb := range []func(context.Context) error{b.Prepare, b.CommitOnePhase} {
				if err := verb(t.Context()); err == nil {
					t.Error("afterwards it was prepared or committed")
				}
			}
			must(t, b.Rollback(t.Context()))
			b.c.Release()
			if n := ask(t, s, fmt.Sprintf("SELECT COUNT(*) FROM %s.t WHERE id=%d", st.Database, i)); n != "0" && row.name != "dead after a deadlock" {
				t.Error("the row was committed")
			}
		})
	}
	list, err := s.Markers(t.Context(), []string{"any"})
	if list != nil || err != nil {
		t.Errorf("without the table: %v, %v", list, err)
	}
	if err := s.PurgeMarkers(t.Context(), []string{"any"}); err != nil {
		t.Error(err)
	}
	if err := s.InsertFence(t.Context(), Marker{GTRID: "any"}); !errors.As(err, new(*MarkerTableError)) {
		t.Errorf("fence without the table: %v", err)
	}
}

// A row that is in the way and not decided yet makes the vote wait; the caller's time limit ends that.
func TestMarkerWaits(t *testing.T) { onEngines(t, markerWaits) }

func markerWaits(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	with := func(m *Marker) { m.Token = "same" }
	first := voted(t, s, st, 1, with)
	late := func(ctx context.Context, id int) (*Branch, error) {
		b := openBranch(t, s, st)
		run(t, b.c, fmt.Sprintf("INSERT INTO t VALUES (%d,1)", id))
		return b, b.Vote(ctx, Marker{GTRID: b.xid.GTRID, State: MarkerToken, Token: "same"})
	}
	b, err := late(timeout(t, 300*time.Millisecond), 2)
	if Classify(err) != ClassUnknown {
		t.Errorf("past its time: %v (%v)", err, Classify(err))
	}
	if err := b.Rollback(t.Context()); Classify(err) != ClassUnknown {
		t.Errorf("it may be prepared, and its rollback says %v", err)
	}
	b.c.Discard()
	eventually(t, "its locks are gone", func() bool {
		c := acquire(t, s, st, true)
		defer c.Release()
		_, err := c.Exec(t.Context(), "DELETE FROM t WHERE id=2")
		return err == nil && !alive(t, s, b.c.id)
	})
	done := make(chan error, 1)
	go func() {
		time.Sleep(200 * time.Millisecond)
		done <- errors.Join(first.Prepare(t.Context()), first.Commit(t.Context()))
	}()
	b, err = late(t.Context(), 3)
	must(t, <-done)
	if !errors.As(err, new(*TokenUsedError)) || Classify(err) != ClassDefinite {
		t.Errorf("after the first was committed: %v (%v)", err, Classify(err))
	}
	must(t, b.Rollback(t.Context()))
	b.c.Release()
	first.c.Release()
	if v := s.Verbs().Prepare; v.OK != 1 || v.Refused != 1 || v.Unknown != 1 { // the first one's was no vote
		t.Errorf("counts %+v", v)
	}
}
