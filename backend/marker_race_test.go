package backend

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// The fence and the branch race for the row: exactly one gets it, and the branch is prepared only if it did.
func TestFenceAgainstBranch(t *testing.T) { onEngines(t, fenceAgainstBranch) }

func fenceAgainstBranch(t *testing.T, e *engine) {
	s, other := e.open(t), e.open(t)
	st := markerTable(t, s)
	count := map[string]int{}
	rounds := 150
	if e.name == "MySQL" { // which syncs more often, and whose fence can wait a second
		rounds = 60
	}
	for round := range rounds {
		b := openBranch(t, s, st)
		run(t, b.c, fmt.Sprintf("INSERT INTO t VALUES (%d,1)", round))
		m := Marker{GTRID: b.xid.GTRID, State: MarkerVoted, Participants: []string{"s1", "s2"}, Coordinator: "p1"}
		byToken := round%2 == 1
		if byToken {
			m.Token = fmt.Sprint("token-", round)
		}
		ahead := time.Duration(rand.IntN(400)) * time.Microsecond
		switch round % 10 { // a busy machine must not keep one side from ever winning
		case 3:
			ahead = 100 * time.Millisecond // the branch comes late
		case 8:
			ahead = -100 * time.Millisecond // the fence does
		}
		var fence, vote error
		var wait sync.WaitGroup
		wait.Go(func() {
			time.Sleep(200*time.Microsecond - ahead)
			if byToken {
				fence = other.FenceToken(t.Context(), m.Token, "p2")
			} else {
				fence = other.InsertFence(t.Context(), Marker{GTRID: m.GTRID, Coordinator: "p2"})
			}
		})
		time.Sleep(ahead - 200*time.Microsecond)
		vote = b.Vote(t.Context(), m)
		wait.Wait()
		locked := errors.As(fence, new(*MarkerLockedError))
		switch {
		case vote == nil && locked:
			count["prepared, fence refused"]++
			must(t, b.Commit(t.Context()))
		case vote != nil && fence == nil && (errors.As(vote, new(*FencedError)) || errors.As(vote, new(*TokenUsedError))):
			count["fenced"]++
			must(t, b.Rollback(t.Context()))
		default:
			t.Fatalf("round %d: vote %v, fence %v", round, vote, fence)
		}
		b.c.Release()
		var rows []Marker
		var err error
		if byToken {
			rows, err = other.TokenMarkers(t.Context(), m.Token)
		} else {
			rows, err = other.Markers(t.Context(), []string{m.GTRID})
		}
		if err != nil || len(rows) != 1 || !rows[0].Committed || (rows[0].State == MarkerAborted) == (vote == nil) {
			t.Fatalf("round %d: %+v, %v", round, rows, err)
		}
	}
	t.Log(count)
	if n := ask(t, s, "SELECT COUNT(*) FROM "+st.Database+".t"); n != fmt.Sprint(count["prepared, fence refused"]) {
		t.Errorf("%s rows, want %d", n, count["prepared, fence refused"])
	}
	if len(count) != 2 {
		t.Errorf("only one side ever won: %v", count)
	}
}

// Many transactions are read and purged quickly, in batches, and beside live ones.
func TestManyMarkers(t *testing.T) { onEngines(t, manyMarkers) }

func manyMarkers(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	c := acquireFor(t, s)
	const n = 10_000
	run(t, c, "CREATE TABLE "+st.Database+".seq (i INT PRIMARY KEY)", "INSERT INTO "+st.Database+".seq VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
	digits := fmt.Sprintf("%s.seq a, %[1]s.seq b, %[1]s.seq c, %[1]s.seq d", st.Database)
	number := "a.i*1000 + b.i*100 + c.i*10 + d.i"
	// Every other one belongs to another shard of the server; the lower half is older.
	run(t, c, "INSERT INTO lockstep.branch SELECT CONCAT('c.1.e.m', "+number+"), x.s, 'voted', 's1,s2', 'p1', 7, IF(d.i = 9 AND x.s = 's1', CONCAT('t', "+number+"), NULL), d.i = 9 AND x.s = 's1', UTC_TIMESTAMP(6) - INTERVAL IF(a.i < 5, 100, 1) MINUTE FROM "+
		digits+", (SELECT 's1' s UNION ALL SELECT 's2') x")
	gtrids := make([]string, n)
	for i := range gtrids {
		gtrids[i] = fmt.Sprint("c.1.e.m", i)
	}
	open := voted(t, s, st, 1)
	began := time.Now()
	list, err := s.Markers(t.Context(), append(gtrids, open.xid.GTRID, "none"))
	took := time.Since(began)
	if err != nil || len(list) != n+1 {
		t.Fatalf("%d rows, %v", len(list), err)
	}
	t.Logf("%d transactions in %v", n, took)
	if took > 2*time.Second {
		t.Errorf("reading took %v", took)
	}
	for _, m := range list {
		if m.Committed == (m.GTRID == open.xid.GTRID) {
			t.Fatalf("%+v", m)
		}
	}
	old := func(keep, keepToken time.Duration, limit int) []Marker {
		t.Helper()
		list, err := s.OldMarkers(t.Context(), keep, keepToken, limit)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := len(old(0, time.Hour*24, n)); got != n*9/10 {
		t.Errorf("%d without a token, want %d", got, n*9/10)
	}
	if got := old(50*time.Minute, 50*time.Minute, n); len(got) != n/2 || got[0].Age < got[len(got)-1].Age || got[0].Age < 99*time.Minute {
		t.Errorf("%d old ones", len(got))
	}
	if got := old(50*time.Minute, 50*time.Minute, 7); len(got) != 7 {
		t.Errorf("%d, want 7", len(got))
	}
	if got := old(50*time.Minute, 24*time.Hour, n); len(got) != n/2*9/10 {
		t.Errorf("%d, want %d", len(got), n/2*9/10)
	}
	// While the rows go, others come between them.
	gone := make(chan error, 1)
	began = time.Now()
	go func() { gone <- s.PurgeMarkers(t.Context(), gtrids) }()
	for i := range 50 {
		m := Marker{GTRID: fmt.Sprintf("c.1.e.m%dx", i*200), State: MarkerVoted}
		b := openBranch(t, s, st)
		run(t, b.c, string(m.appendInsert(nil, "s1")))
		must(t, b.Rollback(t.Context()))
		b.c.Release()
	}
	if err := <-gone; err != nil {
		t.Fatal(err)
	}
	t.Logf("purged in %v", time.Since(began))
	if list, err := s.Markers(t.Context(), gtrids); err != nil || len(list) != 0 {
		t.Errorf("%d left, %v", len(list), err)
	}
	if got := rows(t, c, "SELECT COUNT(*) FROM lockstep.branch"); got != fmt.Sprint(n) {
		t.Errorf("%s rows of the other shard, want %d", got, n)
	}
	if m := marker(t, s, open.xid.GTRID); m == nil || m.Committed {
		t.Errorf("the open one: %+v", m)
	}
	must(t, open.CommitOnePhase(t.Context()))
	open.c.Release()
}
