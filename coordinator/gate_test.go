package coordinator

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		a := g.Shared()
		b := g.Shared()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := g.Exclusive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("exclusive beside shared: %v", err)
		}
		got := make(chan func())
		go func() {
			release, err := g.Exclusive(context.Background())
			if err != nil {
				t.Error(err)
			}
			got <- release
		}()
		synctest.Wait()
		var late atomic.Bool
		go func() { defer g.Shared()(); late.Store(true) }()
		synctest.Wait()
		if late.Load() {
			t.Error("a new commit passes one who waits for exclusive")
		}
		a()
		a() // twice is once
		select {
		case <-got:
			t.Fatal("exclusive while one is left")
		case <-time.After(time.Second):
		}
		b()
		release := <-got
		synctest.Wait()
		if late.Load() {
			t.Error("shared beside exclusive")
		}
		release()
		synctest.Wait()
		if !late.Load() {
			t.Error("shared never came")
		}
	})
}

// All of a commit's phase 2 holds the gate, and nothing before it.
func TestCommitHoldsTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog("e1")
		var c *Coordinator
		free := func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			release, err := c.Gate().Exclusive(ctx)
			if err != nil {
				return false
			}
			release()
			return true
		}
		o := Options{Cluster: "c", ID: "p1", Epoch: "e1", Log: log, Logger: quiet(), Shards: []Shard{emptyShard("s1"), emptyShard("s2")},
			Hook: func(s Step, k int) {
				if want := s != StepCommitted && s != StepAllCommitted; free() != want {
					t.Errorf("at %s %d the gate is free: %v", s, k, !want)
				}
			}}
		var err error
		if c, err = New(o); err != nil {
			t.Fatal(err)
		}
		tx := c.Begin()
		out := tx.Commit(t.Context(), []Participant{&scripted{name: "s1", log: log, t: t}, &scripted{name: "s2", log: log, t: t}}, CommitOptions{})
		if out.Verdict != Committed || !free() {
			t.Fatalf("%+v, free %v", out, free())
		}
	})
}
