package commit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// A transaction over three shards meets a fault at one of them before it is decided: it is rolled back everywhere,
// its client hears so, and nothing of it stays.
func TestFaultsBeforeTheDecision(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3, Config: "timeouts:\n  prepare: 1s\n  commit: 1s\n  resolve: 200ms\n"})
	fault := w.Front(2)
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	for _, k := range []struct {
		name  string
		fault func()
		end   string // statement
		code  int    // of its answer
		heal  func()
	}{
		{"net down before COMMIT", fault.Refuse, "COMMIT", codeRolledBack, func() { fault.Heal(false) }},
		{"net down before ROLLBACK", fault.Refuse, "ROLLBACK", 0, func() { fault.Heal(false) }},
		{"net cut before COMMIT", fault.Cut, "COMMIT", codeRolledBack, func() {}},
		{"net cut before ROLLBACK", fault.Cut, "ROLLBACK", 0, func() {}},
		{"net silent before COMMIT, requests arrive late", func() { fault.Silence(cluster.Requests) }, "COMMIT", codeRolledBack, func() { fault.Heal(true) }},
		{"net silent before COMMIT, requests are lost", func() { fault.Silence(cluster.Requests) }, "COMMIT", codeRolledBack, func() { fault.Heal(false) }},
		{"net silent before COMMIT, answers arrive late", func() { fault.Silence(cluster.Answers) }, "COMMIT", codeRolledBack, func() { fault.Heal(true) }},
		{"net silent before ROLLBACK", func() { fault.Silence(cluster.Requests) }, "ROLLBACK", 0, func() { fault.Heal(false) }},
		{"shard dies before COMMIT", func() { w.KillShard(2) }, "COMMIT", codeRolledBack, func() { w.RestartShard(2) }},
		{"shard dies before ROLLBACK", func() { w.KillShard(2) }, "ROLLBACK", 0, func() { w.RestartShard(2) }},
	} {
		t.Run(k.name, func(t *testing.T) {
			c := w.client(t)
			defer c.close()
			at := a.attempt(t, c, 3)
			k.fault()
			began := time.Now()
			err := answer(t, c.start(k.end), 15*time.Second)
			if codeOf(err) != k.code {
				t.Errorf("%s: %v, want %d", k.end, err, k.code)
			}
			if k.code == codeRolledBack && err != nil && !containsAll(err.Error(), at.gtrid) {
				t.Errorf("the error does not name the transaction: %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s took %v", k.end, took)
			}
			w.settledIn(t, []int{0, 1}, settleLimit) // the others wait for nobody
			k.heal()
			w.settledIn(t, w.all(), 5*time.Second)
			w.nothingOpen(t)
			at.check(t, false)
			at.rowsAreFree(t, w)
			c.must("BEGIN", add(at.ids[0], 0), add(at.ids[2], 0), "COMMIT") // the same session goes on
		})
	}
}

// XA START is refused at one shard, because somebody has used its XID: the statement does not run there
// outside of a branch, and the rest of the transaction is not lost.
func TestXAStartRefused(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 2)
	c.must("ROLLBACK")
	id, err := coordinator.ParseGTRID(at.gtrid)
	if err != nil {
		t.Fatal(err)
	}
	next := strings.TrimSuffix(at.gtrid, fmt.Sprint(id.Seq)) + fmt.Sprint(id.Seq+1)
	taken := cluster.Branch{FormatID: coordinator.FormatID, GTRID: next, BQUAL: w.Shards[1].Name}
	a.prepare(t, 1, taken, a.on[1][1])

	near, far := a.on[0][0], a.on[1][0]
	bn, bf := a.balance(t, near), a.balance(t, far)
	c.must("BEGIN", add(near, 1))
	var gtrid string
	if err := c.QueryRow("SELECT @@lockstep_gtrid").Scan(&gtrid); err != nil || gtrid != next {
		t.Fatalf("the transaction is %s (%v), and the XID was taken of %s", gtrid, err, next)
	}
	c.want(1440, add(far, 1))
	a.expect(t, "after XA START failed", far, bf)
	if _, err := c.Exec("COMMIT"); codeOf(err) > 0 {
		c.must("ROLLBACK")
		bn--
	} else if err != nil {
		t.Errorf("COMMIT: %v", err)
	}
	w.nothingOpenBut(t, 1)
	a.expect(t, "the first shard", near, bn+1)
	a.expect(t, "the second shard", far, bf)
	// Somebody else's branch with our transaction's name is not what the transaction did: the client's
	// outcome does not settle it, presumed abort does, once the transaction is not live.
	w.settledIn(t, w.all(), 5*time.Second)
	a.expect(t, "whoever took the XID", a.on[1][1], 1000)
}

// nothingOpenBut allows prepared branches on shards.
func (w *world) nothingOpenBut(t *testing.T, allowed int) {
	t.Helper()
	time.Sleep(trxPause)
	every(t, trxPause, 3*time.Second, func() error {
		open := 0
		for i := range w.Shards {
			open += int(queryInt(t, w.shard(i), "SELECT COUNT(*) FROM information_schema.innodb_trx"))
		}
		if open > allowed {
			return fmt.Errorf("%d transactions are open, want at most %d", open, allowed)
		}
		return nil
	})
}

// A client is killed while its COMMIT is held: before the decision and after it, the proxy ends what it has begun.
func TestClientKilledInCommit(t *testing.T) {
	w := newWorld(t, cluster.Options{Config: "timeouts:\n  resolve: 200ms\n"})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	for _, step := range []stepCase{stepOf(2, coordinator.StepAllPrepared, 0), stepOf(2, coordinator.StepDecisionDurable, 0)} {
		for _, how := range []string{"KILL", "KILL QUERY", "disconnect"} {
			t.Run(how+" at "+step.String(), func(t *testing.T) {
				at, pause, c, done := w.holdAt(t, a, step)
				defer w.StopProxy()
				if how == "disconnect" {
					c.cut(t)
				} else {
					other := w.client(t)
					defer other.close()
					other.must(fmt.Sprintf("%s %d", how, c.id))
				}
				time.Sleep(50 * time.Millisecond)
				if err := pause.Go(); err != nil {
					t.Fatal(err)
				}
				err := answer(t, done, 10*time.Second)
				w.settledIn(t, w.all(), 5*time.Second)
				got := at.happened(t)
				if step.deciding && !got {
					t.Errorf("a decided transaction was rolled back; its client saw %v", err)
				}
				if err == nil != got && codeOf(err) > 0 && codeOf(err) != codeInDoubt {
					t.Errorf("the client saw %v, and it is committed: %v", err, got)
				}
				at.rowsAreFree(t, w)
				w.logIsEmptyAfterStop(t)
			})
		}
	}
}
