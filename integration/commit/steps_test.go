package commit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// stepCase is a place in a commit where something dies.
type stepCase struct {
	step coordinator.Step
	k    int // participants that are so far

	committed bool // what design demands of the transaction when the proxy dies there
	// Branches prepared at that moment: at least and at most. Verbs of one phase run in
	// parallel, so that more can be done than the proxy has heard of.
	least, most int
}

func (c stepCase) String() string {
	if c.k == 0 {
		return string(c.step)
	}
	return fmt.Sprintf("%s:%d", c.step, c.k)
}

// stepsOf a commit over n shards, in their order. A decision counts from when it is in the file: a
// killed process takes nothing of the page cache with it.
func stepsOf(n int) []stepCase {
	list := []stepCase{{step: coordinator.StepBeforePrepare}}
	for k := 1; k <= n; k++ {
		list = append(list, stepCase{step: coordinator.StepPrepared, k: k, least: k, most: n})
	}
	list = append(list,
		stepCase{step: coordinator.StepAllPrepared, least: n, most: n},
		stepCase{step: coordinator.StepDecisionWritten, committed: true, least: n, most: n},
		stepCase{step: coordinator.StepDecisionDurable, committed: true, least: n, most: n})
	for k := 1; k <= n; k++ {
		list = append(list, stepCase{step: coordinator.StepCommitted, k: k, committed: true, most: n - k})
	}
	return append(list, stepCase{step: coordinator.StepAllCommitted, committed: true})
}

// attempt is one transaction over the first n shards that meets a fault, with what must come of it.
type attempt struct {
	a      *accounts
	ids    []int
	before []int64
}

const stepAmount = 7

// attempt opens the transaction and leaves it at its COMMIT.
func (a *accounts) attempt(t *testing.T, c *client, n int) *attempt {
	t.Helper()
	at := &attempt{a: a, ids: a.pick(n)}
	c.must("BEGIN")
	for _, id := range at.ids {
		at.before = append(at.before, a.balance(t, id))
		c.must(add(id, stepAmount))
	}
	return at
}

// check that the transaction is on all of its shards or on none.
func (at *attempt) check(t *testing.T, committed bool) {
	t.Helper()
	for i, id := range at.ids {
		want := at.before[i]
		if committed {
			want += stepAmount
		}
		if got := at.a.balance(t, id); got != want {
			t.Errorf("account %d on shard %d has %d, want %d (committed: %v)", id, i, got, want, committed)
		}
	}
}

// happened says whether the transaction is on its shards, which must agree.
func (at *attempt) happened(t *testing.T) bool {
	t.Helper()
	committed := at.a.balance(t, at.ids[0]) == at.before[0]+stepAmount
	at.check(t, committed)
	return committed
}

// rowsAreFree changes the same rows again: nothing holds their locks any more.
func (at *attempt) rowsAreFree(t *testing.T, w *world) {
	t.Helper()
	eventually(t, settleLimit, func() error {
		if down := w.mustStatus().Readiness.Down; len(down) > 0 {
			return fmt.Errorf("the proxy does not reach %v", down)
		}
		return nil
	})
	c := w.client(t, "readTimeout=4s")
	defer c.close()
	c.must("BEGIN")
	for _, id := range at.ids {
		c.must(add(id, 0))
	}
	c.must("COMMIT")
}

// The proxy dies at each step of a commit over two and three shards.
func TestCrashProxyAtEachStep(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	for _, n := range []int{2, 3} {
		for _, step := range stepsOf(n) {
			t.Run(fmt.Sprintf("%d shards/%s", n, step), func(t *testing.T) {
				at := w.dieAt(t, a, step, n)
				w.StartProxy()
				w.settledIn(t, w.all(), settleLimit)
				if err := w.WaitReady(settleLimit); err != nil {
					t.Error(err)
				}
				at.check(t, step.committed)
				at.rowsAreFree(t, w)
				w.logIsEmptyAfterStop(t)
			})
		}
	}
}

// The same, and one of the shards is down when the proxy comes back.
func TestCrashProxyAtStepThenShardDown(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	for _, n := range []int{2, 3} {
		for i, step := range stepsOf(n) {
			t.Run(fmt.Sprintf("%d shards/%s", n, step), func(t *testing.T) {
				down := i % n
				at := w.dieAt(t, a, step, n)
				w.KillShard(down)
				w.StartProxy()
				others := slices.DeleteFunc(w.all(), func(s int) bool { return s == down })
				w.settledIn(t, others, settleLimit)
				if err := w.WaitReady(0); err == nil && step.step != coordinator.StepAllCommitted {
					t.Errorf("/readyz says that recovery is complete while shard %s is down", w.Shards[down].Name)
				}
				for j, id := range at.ids { // the shards that live have their part
					if want := at.before[j] + stepAmount; j != down && step.committed && a.balance(t, id) != want {
						t.Errorf("account %d has %d while shard %s is down, want %d", id, a.balance(t, id), w.Shards[down].Name, want)
					}
				}
				w.servesOneShard(t, a, others[0])
				w.RestartShard(down)
				w.settledIn(t, w.all(), settleLimit)
				if err := w.WaitReady(settleLimit); err != nil {
					t.Error(err)
				}
				at.check(t, step.committed)
				at.rowsAreFree(t, w)
				w.logIsEmptyAfterStop(t)
			})
		}
	}
}

// A shard dies at each step; the proxy lives.
func TestCrashShardAtEachStep(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3, Config: "timeouts:\n  prepare: 3s\n  commit: 3s\n  resolve: 200ms\n"})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	for _, n := range []int{2, 3} {
		for i, step := range stepsOf(n) {
			victims := []int{i % n}
			if thorough() {
				victims = w.all()[:n]
			}
			for _, victim := range victims {
				t.Run(fmt.Sprintf("%d shards/%s/%s", n, step, w.Shards[victim].Name), func(t *testing.T) {
					w.shardDiesAt(t, a, step, n, victim)
				})
			}
		}
	}
}

func (w *world) shardDiesAt(t *testing.T, a *accounts, step stepCase, n, victim int) {
	pause := cluster.NewPause(t, step.String())
	w.StartProxy(pause.Env()...)
	defer w.StopProxy()
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, n)
	done := c.start("COMMIT")
	if err := pause.Wait(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	w.KillShard(victim)
	if err := pause.Go(); err != nil {
		t.Fatal(err)
	}
	err := answer(t, done, 15*time.Second)
	var warnings []string
	if err == nil {
		warnings = c.warnings()
	}
	w.RestartShard(victim)
	w.settledIn(t, w.all(), 5*time.Second)
	got := at.happened(t)
	switch {
	case err == nil && !got:
		t.Errorf("the client saw OK, and it is rolled back")
	case codeOf(err) > 0 && codeOf(err) != codeInDoubt && got:
		t.Errorf("the client saw %v, and it is committed", err)
	case codeOf(err) == -1:
		t.Errorf("the client lost its connection to a proxy that lives: %v", err)
	}
	allPrepared := step.committed || step.step == coordinator.StepAllPrepared || step.step == coordinator.StepPrepared && step.k == n
	if allPrepared && err != nil {
		t.Errorf("all were prepared, and the client saw %v", err)
	}
	if step.step == coordinator.StepBeforePrepare && err == nil {
		t.Errorf("a shard was gone before it was asked to prepare, and the client saw OK")
	}
	notTold := step.step == coordinator.StepAllPrepared || step.step == coordinator.StepDecisionWritten || step.step == coordinator.StepDecisionDurable
	if notTold && err == nil && !mentions(warnings, w.Shards[victim].Name, "test.p1.") {
		t.Errorf("shard %s could not be told, and the warnings %q do not name it and the transaction", w.Shards[victim].Name, warnings)
	}
	at.rowsAreFree(t, w)
	eventually(t, settleLimit, func() error { // each shard has to be looked at once more
		if s := w.mustStatus(); s.Unfinished > 0 {
			return fmt.Errorf("%d decisions wait for a branch", s.Unfinished)
		}
		return nil
	})
	w.logIsEmptyAfterStop(t)
}

// dieAt makes the proxy die at a step of a commit over the first n shards.
func (w *world) dieAt(t *testing.T, a *accounts, step stepCase, n int) *attempt {
	t.Helper()
	w.StartProxy("LOCKSTEP_FAILPOINT=" + step.String())
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, n)
	_, err := c.Exec("COMMIT")
	if codeOf(err) != -1 {
		t.Errorf("COMMIT of a proxy that died: %v, want a broken connection", err)
	}
	select {
	case <-w.ProxyEnded():
	case <-time.After(10 * time.Second):
		t.Fatalf("the proxy did not die at %s", step)
	}
	eventually(t, 2*time.Second, func() error { // what it had sent last may still be arriving
		list, err := w.ours(w.all(), "")
		if err != nil {
			return err
		}
		if len(list) < step.least || len(list) > step.most {
			return fmt.Errorf("prepared are %v, want %d to %d", list, step.least, step.most)
		}
		return nil
	})
	return at
}

func (w *world) settledIn(t *testing.T, shards []int, limit time.Duration) {
	t.Helper()
	if _, err := w.settled(shards, "", limit); err != nil {
		t.Errorf("%v\n%s", err, lastLines(w.ProxyOutput(), 30))
	}
}

// servesOneShard commits on one shard.
func (w *world) servesOneShard(t *testing.T, a *accounts, shard int) {
	t.Helper()
	c := w.client(t, "readTimeout=4s")
	defer c.close()
	c.must(add(a.on[shard][1], 0))
}
