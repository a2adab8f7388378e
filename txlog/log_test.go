package txlog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var alice = Identity{Cluster: "c", Coordinator: "p1"}

func decision(n int) Decision {
	return Decision{
		GTRID: fmt.Sprintf("c.p1.e1.%d", n), Verdict: Commit, Mode: "2pc",
		Participants: []string{"s1", "s2"}, Time: time.Unix(1700000000, int64(n)).UTC(), Token: fmt.Sprint("token-", n),
	}
}

var epochs int

// open opens the log with a new epoch and closes it at the end of the test.
func open(t testing.TB, path string, change ...func(*Options)) *Log {
	t.Helper()
	epochs++
	o := Options{Path: path, Identity: alice, Epoch: fmt.Sprintf("e%d", epochs)}
	for _, c := range change {
		c(&o)
	}
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func all(t testing.TB, l *Log) map[string]Decision {
	t.Helper()
	m := map[string]Decision{}
	if err := l.Decisions(func(d Decision) bool { m[d.GTRID] = d; return true }); err != nil {
		t.Fatal(err)
	}
	return m
}

func mustAppend(t testing.TB, l *Log, d Decision) {
	t.Helper()
	if err := l.Append(context.Background(), d); err != nil {
		t.Fatal(err)
	}
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReopenFindsEverything(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	want := map[string]Decision{}
	for i := range 300 {
		mustAppend(t, l, decision(i))
		want[decision(i).GTRID] = decision(i)
	}
	entry := AuditEntry{Time: time.Unix(5, 6).UTC(), GTRID: "g", Verdict: Rollback, Who: "dba", Reason: "because"}
	if err := l.Audit(entry); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		l.Forget(decision(i).GTRID)
		delete(want, decision(i).GTRID)
	}
	first, _ := l.Epochs()
	mustClose(t, l)

	l = open(t, path)
	if got := all(t, l); !reflect.DeepEqual(got, want) {
		t.Fatalf("after reopening: %d decisions, want %d", len(got), len(want))
	}
	if es, _ := l.Epochs(); len(es) != 2 || es[0] != first[0] {
		t.Fatalf("epochs %q after %q", es, first)
	}
	if a, _ := l.AuditEntries(); !reflect.DeepEqual(a, []AuditEntry{entry}) {
		t.Fatalf("audit %+v", a)
	}
	mustClose(t, l)

	r, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := all(t, r); !reflect.DeepEqual(got, want) {
		t.Fatal("the reader sees other decisions")
	}
	if err := r.Append(context.Background(), decision(1)); !errors.Is(err, ErrNotDurable) || !errors.Is(err, ErrReadOnly) {
		t.Fatalf("append to a log open for reading: %v", err)
	}
	mustClose(t, r)
}

func TestGroupCommit(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"))
	l.commit = func(tx boltTx) error { time.Sleep(time.Millisecond); return tx.Commit() } // a disk's sync
	var wg sync.WaitGroup
	const clients, each = 32, 20
	for c := range clients {
		wg.Go(func() {
			for i := range each {
				if err := l.Append(context.Background(), decision(c*each+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s := l.Stats()
	if s.Appends != clients*each || s.Syncs*8 > s.Appends {
		t.Fatalf("%d appends in %d syncs", s.Appends, s.Syncs)
	}
	t.Logf("%d appends in %d syncs, largest batch %d, sizes %v", s.Appends, s.Syncs, s.Largest, s.BatchSize)
}

func TestForgetRidesAlong(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"), func(o *Options) { o.ForgetDelay = time.Hour })
	mustAppend(t, l, decision(1))
	before := l.Stats().Syncs
	l.Forget(decision(1).GTRID)
	l.Forget("never seen")
	if l.Stats().Syncs != before {
		t.Fatal("forgetting alone made a sync")
	}
	mustAppend(t, l, decision(2))
	if s := l.Stats(); s.Syncs != before+1 || s.Forgets != 1 || s.Decisions != 1 || s.Forgetting != 0 {
		t.Fatalf("%+v", s)
	}
	if _, ok, _ := l.Lookup(decision(1).GTRID); ok {
		t.Fatal("still there")
	}
}

func TestForgetAloneAfterAWhile(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"), func(o *Options) { o.ForgetDelay = 10 * time.Millisecond })
	mustAppend(t, l, decision(1))
	l.Forget(decision(1).GTRID)
	for deadline := time.Now().Add(5 * time.Second); l.Stats().Decisions != 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never removed")
		}
	}
}

func TestSameAndOppositeVerdict(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"))
	d := decision(1)
	mustAppend(t, l, d)
	before := l.Stats().Syncs
	mustAppend(t, l, d) // again: no write
	if l.Stats().Syncs != before {
		t.Fatal("the same decision was written twice")
	}
	d.Verdict = Rollback // an operator's
	mustAppend(t, l, d)
	if got, _, _ := l.Lookup(d.GTRID); got.Verdict != Rollback {
		t.Fatal("the forced verdict did not take")
	}
	d.Verdict = Commit
	err := l.Append(context.Background(), d)
	var conflict *ConflictError
	if !errors.As(err, &conflict) || errors.Is(err, ErrNotDurable) || errors.Is(err, ErrUnknown) {
		t.Fatalf("commit over a forced rollback: %v", err)
	}
	if l.Failed() != nil {
		t.Fatal("a conflict must not fail the log")
	}
}

func TestLimits(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"), func(o *Options) { o.MaxDecisions, o.MaxRecord, o.MaxParticipants = 2, 400, 3 })
	for name, change := range map[string]func(*Decision){
		"gtrid":           func(d *Decision) { d.GTRID = strings.Repeat("g", 65) },
		"TokenLimit":      func(d *Decision) { d.Token = strings.Repeat("t", 65) },
		"MaxParticipants": func(d *Decision) { d.Participants = make([]string, 4) },
		"MaxRecord":       func(d *Decision) { d.Mode = strings.Repeat("m", 1<<17) },
	} {
		d := decision(1)
		change(&d)
		err := l.Append(context.Background(), d)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Setting != name || !errors.Is(err, ErrNotDurable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustAppend(t, l, decision(1))
	mustAppend(t, l, decision(2))
	if err := l.Append(context.Background(), decision(3)); !errors.Is(err, ErrNotDurable) {
		t.Fatalf("third of two: %v", err)
	}
	if err := l.Append(context.Background(), Decision{GTRID: "g"}); !errors.Is(err, ErrNotDurable) {
		t.Fatalf("no verdict: %v", err)
	}
	if l.Failed() != nil {
		t.Fatal("a limit must not fail the log")
	}
}

func TestQueueFullAndWithdrawal(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"), func(o *Options) { o.Queue, o.MaxBatch = 2, 1 })
	entered, resume := make(chan bool, 9), make(chan bool)
	l.commit = func(tx boltTx) error { entered <- true; <-resume; return tx.Commit() }
	answers := make(chan error, 3)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { answers <- l.Append(context.Background(), decision(1)) }()
	<-entered
	go func() { answers <- l.Append(ctx, decision(2)) }()
	go func() { answers <- l.Append(ctx, decision(3)) }()
	for l.Stats().Queue < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := l.Append(context.Background(), decision(4)); !errors.Is(err, ErrQueueFull) {
		t.Fatalf("full queue: %v", err)
	}
	cancel()
	for range 2 {
		if err := <-answers; !errors.Is(err, ErrNotDurable) || !errors.Is(err, context.Canceled) {
			t.Fatalf("withdrawn: %v", err)
		}
	}
	close(resume)
	if err := <-answers; err != nil {
		t.Fatal(err)
	}
	for l.Stats().Queue > 0 { // the withdrawn keep their places until the writer comes by
		time.Sleep(time.Millisecond)
	}
	mustAppend(t, l, decision(5))
	if got := all(t, l); len(got) != 2 {
		t.Fatalf("withdrawn decisions were written: %v", got)
	}
}

func TestHookRunsBeforeTheAnswer(t *testing.T) {
	var path = filepath.Join(t.TempDir(), "log")
	var l *Log
	steps := 0
	l = open(t, path, func(o *Options) {
		o.Hook = func(step string) {
			steps++
			c, err := readContents(path)
			if step != "decision-written" || err != nil || len(c.decisions) != 1 {
				t.Errorf("at %s the file holds %v, %v", step, c, err)
			}
			if _, ok, _ := l.Lookup(decision(1).GTRID); ok {
				t.Error("the decision is shown before the hook")
			}
		}
	})
	mustAppend(t, l, decision(1))
	l.Forget(decision(1).GTRID)
	if steps != 1 {
		t.Fatalf("hook ran %d times", steps)
	}
}

func TestClosedLog(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"))
	mustClose(t, l)
	mustClose(t, l)
	if err := l.Append(context.Background(), decision(1)); !errors.Is(err, ErrNotDurable) || !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}
