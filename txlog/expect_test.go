package txlog

import (
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Decisions that were announced share a sync, however late the last of them comes.
func TestExpectedShareASync(t *testing.T) {
	const n = 5
	l := open(t, filepath.Join(t.TempDir(), "log"), func(o *Options) { o.GatherDelay = time.Minute })
	for range n {
		l.Expect()
	}
	before := l.Stats().Batches
	var wg sync.WaitGroup
	for i := range n - 1 {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * 2 * time.Millisecond)
			if err := l.AppendExpected(t.Context(), decision(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		time.Sleep(20 * time.Millisecond)
		l.Unexpect() // the fifth was rolled back
	})
	wg.Wait()
	if got := l.Stats().Batches - before; got != 1 {
		t.Errorf("%d batches for %d decisions that were announced, want 1", got, n-1)
	}
}

// One that never comes holds the others up for no longer than GatherDelay.
func TestExpectedInVain(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"), func(o *Options) { o.GatherDelay = 50 * time.Millisecond })
	l.Expect()
	defer l.Unexpect()
	done := make(chan error, 1)
	go func() { done <- l.Append(t.Context(), decision(1)) }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("waits for a decision that never comes")
	}
}

// With nobody expected a decision goes at once: what waits is its sync alone.
func TestUnexpectedGoesAtOnce(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"), func(o *Options) { o.GatherDelay = time.Hour })
	for i := range 3 {
		l.Expect()
		if err := l.AppendExpected(t.Context(), decision(i)); err != nil {
			t.Fatal(err)
		}
	}
}
