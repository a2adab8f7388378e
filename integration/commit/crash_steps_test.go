package commit

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// victim is what dies: the proxy, a shard, or both at once.
type victim struct {
	proxy bool
	shard int // -1: none
}

func (v victim) String() string {
	switch {
	case v.shard < 0:
		return "proxy"
	case v.proxy:
		return fmt.Sprintf("proxy+s%d", v.shard+1)
	}
	return fmt.Sprintf("s%d", v.shard+1)
}

// victimsOf a commit over n shards: the proxy, each shard, the proxy and each shard.
func victimsOf(n int) []victim {
	list := []victim{{proxy: true, shard: -1}}
	for _, proxy := range []bool{false, true} {
		for s := range n {
			list = append(list, victim{proxy, s})
		}
	}
	return list
}

// crash is one cell: at this step, this dies.
type crash struct {
	step   stepCase
	victim victim
}

// crashes are the cells over two and three shards in one mode: all of them; or at each step of two shards one of each
// kind of victim, and of three one in turn; or only the latter, of two.
func crashes(mode string, choice matrixChoice) (list []crash) {
	for _, n := range []int{2, 3} {
		all := victimsOf(n)
		for i, step := range stepsOf(mode, n) {
			switch choice {
			case everyVictim:
				for _, v := range all {
					list = append(list, crash{step, v})
				}
			case everyKind:
				if n == 3 {
					list = append(list, crash{step, all[i%len(all)]})
					continue
				}
				list = append(list, crash{step, all[0]}, crash{step, all[1+i%n]}, crash{step, all[1+n+(i+1)%n]})
			case oneVictim:
				if n == 2 {
					list = append(list, crash{step, all[i%len(all)]})
				}
			}
		}
	}
	return list
}

// crash makes one cell happen and holds everything against what it should be.
func (w *world) crash(t *testing.T, a *accounts, c crash) {
	if !c.victim.proxy {
		w.shardDiesAt(t, a, c.step, c.victim.shard)
		return
	}
	var at *attempt
	alive := w.all()
	if c.victim.shard < 0 {
		at = w.dieAt(t, a, c.step)
	} else {
		at = w.bothDieAt(t, a, c.step, c.victim.shard)
		alive = slices.DeleteFunc(alive, func(s int) bool { return s == c.victim.shard })
	}
	w.sessionsEnd(t, alive)
	seen := at.settlesAt(t, c.step, alive)
	committed, known := c.step.outcome(seen)

	w.StartProxy()
	if c.victim.shard >= 0 {
		w.withoutShard(t, a, at, c, seen)
		w.RestartShard(c.victim.shard)
	}
	w.settledIn(t, w.all(), settleLimit)
	if err := w.WaitReady(settleLimit); err != nil {
		t.Error(err)
	}
	if known {
		at.check(t, committed)
	} else {
		committed = at.happened(t)
	}
	at.rowsAreFree(t, w)
	other := w.client(t)
	defer other.close()
	at.seenByOthers(t, other, w.all(), map[bool]branchState{true: branchCommitted, false: branchOpen}[committed])
	w.logIsEmptyAfterStop(t)
}

// dieAt makes the proxy die at a step of a commit.
func (w *world) dieAt(t *testing.T, a *accounts, step stepCase) *attempt {
	t.Helper()
	w.StartProxy("LOCKSTEP_FAILPOINT=" + step.String())
	c := w.client(t)
	defer c.close()
	c.must("SET lockstep_commit_mode = '" + step.mode + "'")
	at := a.attempt(t, c, step.n)
	_, err := c.Exec("COMMIT")
	if codeOf(err) != -1 {
		t.Errorf("COMMIT of a proxy that died: %v, want a broken connection", err)
	}
	select {
	case <-w.ProxyEnded():
	case <-time.After(10 * time.Second):
		t.Fatalf("the proxy did not die at %s", step)
	}
	at.settlesAt(t, step, w.all())
	return at
}

// holdAt brings a commit to a step and holds it there, with a look at the branches and at what others see.
func (w *world) holdAt(t *testing.T, a *accounts, step stepCase) (*attempt, *cluster.Pause, *client, <-chan error) {
	t.Helper()
	pause := cluster.NewPause(t, step.String())
	w.StartProxy(pause.Env()...)
	c := w.client(t)
	c.must("SET lockstep_commit_mode = '" + step.mode + "'")
	at := a.attempt(t, c, step.n)
	done := c.start("COMMIT")
	if err := pause.Wait(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	seen := at.settlesAt(t, step, w.all())
	other := w.client(t, "readTimeout=4s")
	defer other.close()
	allowed := []branchState{branchOpen, branchCommitted}
	if !step.deciding {
		allowed = allowed[:1]
	}
	at.seenByOthers(t, other, w.all(), allowed...)
	for i, s := range seen {
		if s == branchPrepared && step.committed == 0 { // or it is being committed just now
			at.locked(t, other, i)
			break
		}
	}
	return at, pause, c, done
}

// bothDieAt kills the proxy and a shard at once while a commit is held at a step.
func (w *world) bothDieAt(t *testing.T, a *accounts, step stepCase, shard int) *attempt {
	t.Helper()
	at, _, c, done := w.holdAt(t, a, step)
	defer c.close()
	for _, pid := range []int{w.Shards[shard].Pid, w.ProxyPid()} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	w.KillShard(shard) // waits for its end
	w.KillProxy()
	if err := answer(t, done, 10*time.Second); codeOf(err) != -1 {
		t.Errorf("COMMIT of a proxy that died: %v, want a broken connection", err)
	}
	return at
}

// sessionsEnd waits until the shards have done all that a dead proxy had sent.
func (w *world) sessionsEnd(t *testing.T, shards []int) {
	t.Helper()
	eventually(t, settleLimit, func() error {
		for _, i := range shards {
			if n := queryInt(t, w.shard(i), "SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?", cluster.User); n > 0 {
				return fmt.Errorf("shard %s has %d sessions of a proxy that is dead", w.Shards[i].Name, n)
			}
		}
		return nil
	})
}

// withoutShard looks at a new proxy while a shard is down: what can be settled is, the rest waits, it serves.
func (w *world) withoutShard(t *testing.T, a *accounts, at *attempt, c crash, seen map[int]branchState) {
	t.Helper()
	down := c.victim.shard
	others := slices.DeleteFunc(w.all(), func(s int) bool { return s == down })
	committed, known := c.step.outcome(seen)
	count := map[branchState]int{}
	for _, s := range seen {
		count[s]++
	}
	if c.step.mode == threePhase && (count[branchOpen] == 0 && count[branchCommitted] == 0) {
		// Only the shard that is down knows whether it had prepared.
		time.Sleep(200 * time.Millisecond)
		if now, err := at.states(t, others); err != nil || count[branchPrepared] != countOf(now, branchPrepared) {
			t.Errorf("while shard %s is down, which alone knows, branches went from %v to %v (%v)", w.Shards[down].Name, seen, now, err)
		}
	} else {
		w.settledIn(t, others, settleLimit)
		if !known {
			t.Fatalf("branches %v do not tell the outcome", seen)
		}
		other := w.client(t, "readTimeout=4s")
		defer other.close()
		at.seenByOthers(t, other, others, map[bool]branchState{true: branchCommitted, false: branchOpen}[committed])
		var balance int64
		if err := other.QueryRow(fmt.Sprintf("SELECT balance FROM account WHERE id = %d", at.ids[down])).Scan(&balance); codeOf(err) <= 0 {
			t.Errorf("an account on a shard that is down: %d, %v, want an error", balance, err)
		}
	}
	if err := w.WaitReady(0); err == nil && c.step.step != coordinator.StepAllCommitted {
		t.Errorf("/readyz says that recovery is complete while shard %s is down", w.Shards[down].Name)
	}
	w.servesOneShard(t, a, others[0])
}

func countOf(seen map[int]branchState, state branchState) (n int) {
	for _, s := range seen {
		if s == state {
			n++
		}
	}
	return n
}

// shardDiesAt kills a shard while a commit is held at a step, and lets the commit go on.
func (w *world) shardDiesAt(t *testing.T, a *accounts, step stepCase, victim int) {
	at, pause, c, done := w.holdAt(t, a, step)
	defer w.StopProxy()
	defer c.close()
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
	allPrepared := step.prepared == step.n
	if allPrepared && err != nil {
		t.Errorf("all were prepared, and the client saw %v", err)
	}
	if step.prepared == 0 && err == nil {
		t.Errorf("a shard was gone before it was asked to prepare, and the client saw OK")
	}
	notTold := allPrepared && step.committed == 0 && step.step != coordinator.StepPrepared
	if notTold && err == nil && !at.names(warnings, w.Shards[victim].Name) {
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
