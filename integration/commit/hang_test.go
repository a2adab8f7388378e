package commit

import (
	"syscall"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// hold stops a shard's process as a machine that hangs does: its connections stay open and say nothing.
func (w *world) hold(t *testing.T, shard int) (resume func()) {
	t.Helper()
	pid := w.Shards[shard].Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	running := false
	resume = func() {
		if running {
			return
		}
		running = true
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			t.Errorf("let shard %s go on: %v", w.Shards[shard].Name, err)
		}
	}
	t.Cleanup(resume)
	return resume
}

// A shard does not answer PREPARE in time: rolled back, though the shard may prepare later.
func noVote(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 2)
	resume := w.hold(t, 1)
	began := time.Now()
	err := answer(t, c.start("COMMIT"), 10*time.Second)
	if codeOf(err) != codeRolledBack || !containsAll(err.Error(), "test.p1.", "s2") {
		t.Errorf("COMMIT without the vote of s2: %v, want %d that names it and the transaction", err, codeRolledBack)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v to give up a vote, timeouts.prepare is 1s", took)
	}
	c.must(add(at.ids[0], 0)) // the other shard is free at once
	resume()                  // now the shard reads XA PREPARE
	time.Sleep(100 * time.Millisecond)
	w.settledIn(t, w.all(), 5*time.Second)
	at.check(t, false)
	at.rowsAreFree(t, w)
}

// A shard does not answer XA COMMIT in time: the client gets OK with a warning, and the shard follows.
func hangsInPhaseTwo(t *testing.T, w *world, a *accounts) {
	pause := cluster.NewPause(t, "decision-durable")
	w.StopProxy()
	w.StartProxy(pause.Env()...)
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 2)
	done := c.start("COMMIT")
	if err := pause.Wait(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	resume := w.hold(t, 1)
	if err := pause.Go(); err != nil {
		t.Fatal(err)
	}
	if err := answer(t, done, 10*time.Second); err != nil {
		t.Errorf("COMMIT with a shard that hangs after the decision: %v, want OK", err)
	}
	if list := c.warnings(); !mentions(list, "s2", "test.p1.") {
		t.Errorf("warnings %q do not name s2 and the transaction", list)
	}
	if got := a.balance(t, at.ids[0]); got != at.before[0]+stepAmount {
		t.Errorf("the shard that answers has %d, want %d", got, at.before[0]+stepAmount)
	}
	resume()
	w.settledIn(t, w.all(), 5*time.Second)
	at.check(t, true)
	at.rowsAreFree(t, w)
}
