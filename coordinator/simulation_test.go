package coordinator

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/txlog"
)

var (
	simSeeds = flag.Int("sim.seeds", 600, "number of seeds of the simulation")
	simFirst = flag.Int("sim.first", 0, "first seed of the simulation")
)

// Lives and deaths of a coordinator over servers that fail: whatever happens, each
// transaction ends the same everywhere, and as its client was told.
func TestSimulation(t *testing.T) {
	n := *simSeeds
	if testing.Short() {
		n /= 10
	}
	var total Stats
	for seed := *simFirst; seed < *simFirst+n; seed++ {
		synctest.Test(t, func(t *testing.T) {
			s := simulate(t, uint64(seed))
			total.Committed += s.Committed
			total.RolledBack += s.RolledBack
			total.InDoubt += s.InDoubt
			total.SettledCommit += s.SettledCommit
			total.SettledRollback += s.SettledRollback
		})
		if t.Failed() {
			t.Fatalf("seed %d (-sim.first=%d -sim.seeds=1)", seed, seed)
		}
	}
	t.Logf("%d seeds: %+v", n, total)
	if n >= 100 && (total.Committed == 0 || total.RolledBack == 0 || total.InDoubt == 0 || total.SettledCommit == 0 || total.SettledRollback == 0) {
		t.Fatal("the simulation does not reach what it is for")
	}
}

type told struct {
	gtrid   string
	outcome Outcome
	shards  []*server
	alive   bool // the process lived when it told
}

func simulate(t *testing.T, seed uint64) (sum Stats) {
	w := newWorld(seed, 0)
	w = newWorld(seed, 2+w.rng.IntN(3))
	strangers := []XID{
		{1, "c.p1.e0.1", "s1"}, {FormatID, "other.p1.e0.1", "s1"}, {FormatID, "c.p2.e0.1", "s1"},
		{FormatID, "c.p1.lost.1", "s1"}, {FormatID, "\x00\xff", "s1"}, {FormatID, "c.p1.e0.7", "gone"},
	}
	for _, x := range strangers {
		w.servers[0].branches[x] = &branch{status: prepared}
	}
	var answers []told
	lives := 1 + w.rng.IntN(3)
	for life := range lives {
		w.mu.Lock()
		transactions := 1 + w.rng.IntN(5)
		w.mu.Unlock()
		w.setFaults(true)
		a, s := live(w, fmt.Sprint("e", life), transactions, false)
		answers = append(answers, a...)
		sum.Committed += s.Committed
		sum.RolledBack += s.RolledBack
		sum.InDoubt += s.InDoubt
		sum.SettledCommit += s.SettledCommit
		sum.SettledRollback += s.SettledRollback
	}
	// The last life has good luck.
	w.setFaults(false)
	_, s := live(w, "last", 0, true)
	sum.SettledCommit += s.SettledCommit
	sum.SettledRollback += s.SettledRollback

	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.problems {
		t.Error(p)
	}
	for _, a := range answers {
		ends := map[branchStatus]int{}
		for _, s := range a.shards {
			ends[s.branches[XID{FormatID, a.gtrid, s.name}].status]++
		}
		n := len(a.shards)
		switch {
		case ends[committed] != n && ends[rolledBack] != n:
			t.Errorf("%s ended differently: %v", a.gtrid, ends)
		case a.alive && a.outcome.Verdict == Committed && ends[committed] != n, a.alive && a.outcome.Verdict == RolledBack && ends[rolledBack] != n:
			t.Errorf("%s was told %s and is %v", a.gtrid, a.outcome.Verdict, ends)
		}
	}
	for _, x := range strangers {
		if w.servers[0].touched[x] != 0 || w.servers[0].branches[x].status != prepared {
			t.Errorf("stranger %v was touched", x)
		}
	}
	if len(w.disk) != 0 {
		t.Errorf("decisions are left in the log: %v", w.disk)
	}
	return sum
}

// live is one life of the process: some transactions at once, and a death.
func live(w *world, epoch string, transactions int, last bool) (answers []told, stats Stats) {
	ctx, stop := context.WithCancel(context.Background())
	i := &incarnation{w: w, stop: stop, unknown: map[string]bool{}}
	w.mu.Lock()
	w.epochs = append(w.epochs, epoch)
	hooks, deadAt := 0, w.rng.IntN(60)
	w.mu.Unlock()
	o := Options{Cluster: "c", ID: "p1", Epoch: epoch, Log: i, Logger: quiet(), PrepareTimeout: time.Second, CommitTimeout: time.Second,
		ResolveInterval: 2 * time.Second, FreeBatch: 2, MaxParallel: 3,
		Hook: func(Step, int) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if hooks++; hooks == deadAt {
				i.crash()
			}
		}}
	for _, s := range w.servers {
		o.Shards = append(o.Shards, view{s, i})
	}
	c, err := New(o)
	if err != nil {
		panic(err)
	}
	var wg, resolver sync.WaitGroup
	resolver.Go(func() {
		if err := c.Run(ctx); err != nil {
			panic(err)
		}
	})
	for range transactions {
		w.mu.Lock()
		a := told{}
		var ps []Participant
		tx := c.Begin()
		a.gtrid = tx.GTRID()
		for _, k := range w.rng.Perm(len(w.servers))[:2+w.rng.IntN(len(w.servers)-1)] {
			s := w.servers[k]
			x := XID{FormatID, a.gtrid, s.name}
			s.branches[x] = &branch{status: active, owner: i}
			a.shards = append(a.shards, s)
			ps = append(ps, member{s, i, x})
		}
		delay := time.Duration(w.rng.Int64N(int64(200 * time.Millisecond)))
		w.mu.Unlock()
		wg.Go(func() {
			time.Sleep(delay)
			out := tx.Commit(context.Background(), ps, CommitOptions{})
			w.mu.Lock()
			defer w.mu.Unlock()
			a.outcome, a.alive = out, !i.dead
			answers = append(answers, a)
			for _, p := range out.Pending { // its connection must be closed, and the server sees that some time
				s := w.server(p)
				if b := s.branches[XID{FormatID, a.gtrid, p}]; w.rng.IntN(2) == 0 && b.running == 0 {
					b.release()
					b.killed = true
				}
			}
		})
	}
	if !last {
		wg.Go(func() { trouble(ctx, w, c) })
	}
	if last {
		time.Sleep(2 * time.Minute)
		w.mu.Lock()
		if !c.Ready() {
			w.problem("not ready though everything works")
		}
		for _, s := range w.servers {
			for x, b := range s.branches {
				if b.status == prepared && c.ownerOf(x) == OwnerOlder && x.BQUAL == s.name {
					w.problem("%v is still prepared at %s", x, s.name)
				}
			}
		}
		w.mu.Unlock()
	}
	wg.Wait()
	w.mu.Lock()
	i.crash()
	w.mu.Unlock()
	resolver.Wait()
	time.Sleep(5 * time.Second) // what the servers still work on
	return answers, c.Stats()
}

// setFaults starts or ends the bad luck.
func (w *world) setFaults(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = on
	for _, s := range w.servers {
		s.down = s.down && on
	}
}

func (w *world) server(name string) *server {
	for _, s := range w.servers {
		if s.name == name {
			return s
		}
	}
	panic(name)
}

// trouble takes servers down and up, and lets an operator give verdicts without force.
func trouble(ctx context.Context, w *world, c *Coordinator) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range w.rng.IntN(8) {
		w.pause(2 * time.Second)
		s := w.servers[w.rng.IntN(len(w.servers))]
		switch w.rng.IntN(4) {
		case 0:
			s.down = true
		case 1:
			s.down = false
			c.ShardUp(s.name)
		case 2:
			for x, b := range s.branches {
				if b.status == prepared && x.FormatID == FormatID && w.rng.IntN(2) == 0 {
					v := txlog.Verdict(1 + w.rng.IntN(2))
					w.mu.Unlock()
					_, err := c.Settle(ctx, x.GTRID, v, false)
					w.mu.Lock()
					_ = err // refused or done: what counts is how the transactions end
					break
				}
			}
		case 3:
			w.mu.Unlock()
			_, err := c.Recover(ctx, false)
			w.mu.Lock()
			_ = err
		}
	}
}
