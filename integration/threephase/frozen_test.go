package threephase

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// A proxy is frozen at a random moment while it commits, another one ends what it had begun, and then it
// wakes up and goes on as if nothing had happened.
func TestFrozenProxyWakesUpLate(t *testing.T) { onEngines(t, frozenProxyWakesUp) }

func frozenProxyWakesUp(t *testing.T, e localdb.Engine) {
	const clients = 8
	n := rounds(t, envFrozenRounds, 6)
	w := newWorld(t, cluster.Options{Engine: e})
	w.StartProxy()
	var all []*load
	for k := range clients {
		all = append(all, w.load(t, w.Proxy, k, "3pc"))
	}
	defer func() { _ = w.Signal(syscall.SIGCONT) }() // its clients end only when it speaks
	left, cleared, late := 0, 0, 0
	var slowest time.Duration
	for i := range n {
		time.Sleep(time.Duration(20_000+rand.IntN(60_000)) * time.Microsecond)
		w.Freeze()
		list, err := w.prepared()
		if err != nil {
			t.Fatal(err)
		}
		left += len(list)
		switch {
		case i%8 == 7 || i == n-1: // for long
			late++
			time.Sleep(2500 * time.Millisecond)
			w.settled(t, settleLimit)
		case i%2 == 0: // what was prepared is settled while the proxy sleeps
			cleared++
			frozen := time.Now()
			slowest = max(slowest, w.settled(t, 10*time.Second).Sub(frozen))
		default: // it wakes up while the other one is at it
			time.Sleep(precommit + time.Duration(rand.IntN(400))*time.Millisecond)
		}
		w.Thaw()
		if t.Failed() {
			break
		}
	}
	time.Sleep(200 * time.Millisecond)
	committed, attempts := 0, 0
	for _, l := range all {
		l.stop()
	}
	w.settled(t, 2*settleLimit)
	for _, l := range all {
		committed += l.check(t)
		attempts += len(l.heard)
	}
	w.check(t)
	t.Logf("%d rounds (%d until all was settled, at most %v; %d for long): %d branches were prepared when it froze; %d of %d transfers committed",
		n, cleared, slowest.Round(time.Millisecond), late, left, committed, attempts)
	if left == 0 || committed == 0 {
		t.Errorf("nothing was prepared at any freeze, or nothing committed: this test has shown nothing")
	}
	w.StopProxy()
}

// The same at each step: every branch is where the step says when the other proxy looks.
func TestFrozenAtEachStep(t *testing.T) { onEngines(t, frozenAtEachStep) }

func frozenAtEachStep(t *testing.T, e localdb.Engine) {
	w := newWorld(t, cluster.Options{Engine: e})
	for i, step := range stepsOf(2) {
		t.Run(step.String(), func(t *testing.T) {
			pause := cluster.NewPause(t, step.String())
			w.StartProxy(pause.Env()...)
			defer w.StopProxy()
			c := w.mode3(t, w.Proxy)
			defer c.close()
			x := w.transfer(2, i)
			x.mustOpen(c)
			done := c.start("COMMIT")
			if err := pause.Wait(10 * time.Second); err != nil {
				t.Fatal(err)
			}
			w.Freeze()
			w.settled(t, settleLimit)
			before := w.happened(t, x)
			if step.committed && !before {
				t.Error("all were prepared, and it is not committed")
			}
			if err := pause.Go(); err != nil {
				t.Fatal(err)
			}
			w.Thaw()
			err := answer(t, done, 15*time.Second)
			w.settled(t, 2*settleLimit)
			after := w.mustAgree(t, x, err)
			if before && !after {
				t.Error("committed, and gone")
			}
			w.rowsAreFree(t, w.p2, x)
		})
	}
	w.check(t)
}
