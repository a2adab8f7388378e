package commit

import (
	"fmt"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// What a client meets when its transactions collide, are refused or are given up; all over one cluster.
func TestTransactions(t *testing.T) {
	w := newWorld(t, cluster.Options{Config: "timeouts:\n  prepare: 1s\n  commit: 1s\n"})
	w.StartProxy()
	a := w.makeAccounts(48, 1000)
	for _, c := range []struct {
		name string
		run  func(*testing.T, *world, *accounts)
	}{
		{"deadlock inside one shard", deadlock},
		{"lock wait time-out", lockWait},
		{"duplicate key outside a transaction", duplicateOutside},
		{"duplicate key inside a transaction", duplicateInside},
		{"client gone in mid-transaction", clientGone},
		{"branch killed before COMMIT", branchKilled},
		{"branch killed in mid-transaction", branchKilledInside},
		{"vote that never comes", noVote},
		{"shard that hangs after the decision", hangsInPhaseTwo},
		{"branches that only read", readOnly},
		{"savepoints", savepoints},
		{"DDL commits", ddlCommits},
		{"autocommit off", autocommitOff},
		{"statements over shards without a transaction", implicitTransaction},
		{"conflicting commits in one order", sameOrder},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, w, a)
			w.settledIn(t, w.all(), settleLimit)
			w.nothingOpen(t)
		})
	}
}

// nothingOpen waits until no shard has a transaction open, prepared ones included.
func (w *world) nothingOpen(t *testing.T) {
	t.Helper()
	time.Sleep(trxPause)
	every(t, trxPause, 3*time.Second, func() error {
		for i := range w.Shards {
			if n := queryInt(t, w.shard(i), "SELECT COUNT(*) FROM information_schema.innodb_trx"); n != 0 {
				return fmt.Errorf("shard %s has %d transactions open", w.Shards[i].Name, n)
			}
		}
		return nil
	})
}

func (a *accounts) expect(t *testing.T, what string, id int, want int64) {
	t.Helper()
	if got := a.balance(t, id); got != want {
		t.Errorf("%s: account %d has %d, want %d", what, id, got, want)
	}
}

func deadlock(t *testing.T, w *world, a *accounts) {
	x, y := a.on[0][0], a.on[0][1]
	far := []int{a.on[1][0], a.on[1][1]} // each client has also changed another shard
	before := map[int]int64{x: a.balance(t, x), y: a.balance(t, y), far[0]: a.balance(t, far[0]), far[1]: a.balance(t, far[1])}
	clients := []*client{w.client(t), w.client(t)}
	defer clients[0].close()
	defer clients[1].close()
	for i, c := range clients {
		c.must("BEGIN", add(far[i], 1))
	}
	clients[0].must(add(x, 1))
	clients[1].must(add(y, 1))
	waits := []<-chan error{clients[0].start(add(y, 1)), nil}
	time.Sleep(200 * time.Millisecond)
	waits[1] = clients[1].start(add(x, 1))
	errs := []error{answer(t, waits[0], 10*time.Second), answer(t, waits[1], 10*time.Second)}
	victim := 0
	if errs[0] == nil {
		victim = 1
	}
	survivor := 1 - victim
	if errs[survivor] != nil || codeOf(errs[victim]) != 1213 || stateOf(errs[victim]) != "40001" {
		t.Fatalf("answers %v and %v, want one of them 1213 (40001)", errs[0], errs[1])
	}
	// The victim's transaction is over on both shards, but only ROLLBACK ends it for the client.
	clients[victim].want(codeRolledBack, add(far[victim], 1))
	clients[victim].want(codeRolledBack, "SELECT balance FROM account WHERE id = 1")
	clients[victim].want(codeRolledBack, "COMMIT")
	clients[victim].must("ROLLBACK", "BEGIN", add(far[victim], 0), "COMMIT")
	clients[survivor].must("COMMIT")
	a.expect(t, "survivor", x, before[x]+1)
	a.expect(t, "survivor", y, before[y]+1)
	a.expect(t, "survivor", far[survivor], before[far[survivor]]+1)
	a.expect(t, "victim", far[victim], before[far[victim]])
}

func lockWait(t *testing.T, w *world, a *accounts) {
	x, y, far := a.on[0][0], a.on[0][1], a.on[1][0]
	bx, by, bf := a.balance(t, x), a.balance(t, y), a.balance(t, far)
	holder, waiter := w.client(t), w.client(t)
	defer holder.close()
	defer waiter.close()
	holder.must("BEGIN", add(x, 1))
	waiter.must("SET SESSION innodb_lock_wait_timeout = 1", "BEGIN", add(y, 1), add(far, 1))
	began := time.Now()
	err := waiter.want(1205, add(x, 1))
	if state := stateOf(err); state != "HY000" {
		t.Errorf("1205 has SQLSTATE %q, want HY000", state)
	}
	if waited := time.Since(began); waited > 3*time.Second {
		t.Errorf("waited %v for a lock, want the session's innodb_lock_wait_timeout of 1s", waited)
	}
	// The statement is undone, the transaction goes on, as on a server of its own.
	waiter.must("COMMIT")
	a.expect(t, "waiter", y, by+1)
	a.expect(t, "waiter", far, bf+1)
	holder.must("ROLLBACK")
	a.expect(t, "holder", x, bx)
}

// entries counts the ledger's rows of a transfer on all shards.
func (a *accounts) entries(t *testing.T, transfer string) (n int64) {
	t.Helper()
	for i := range a.w.Shards {
		n += queryInt(t, a.w.shard(i), "SELECT COUNT(*) FROM "+database+".ledger WHERE transfer = ?", transfer)
	}
	return n
}

// entry is the statement that writes rows into the ledger.
func entry(transfer string, ids ...int) string {
	s := "INSERT INTO ledger (account, transfer, amount) VALUES "
	for i, id := range ids {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("(%d, '%s', 1)", id, transfer)
	}
	return s
}

func duplicateOutside(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	x, far := a.on[0][0], a.on[1][0]
	c.must(entry("dup-out", far))
	err := c.want(1062, entry("dup-out", x, a.on[0][1], far, a.on[1][1]))
	if stateOf(err) != "23000" {
		t.Errorf("1062 has SQLSTATE %q, want 23000", stateOf(err))
	}
	if n := a.entries(t, "dup-out"); n != 1 {
		t.Errorf("after a statement that failed on one shard there are %d rows, want the one from before", n)
	}
}

func duplicateInside(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	x, far := a.on[0][0], a.on[1][0]
	c.must("BEGIN", entry("dup-in", far))
	c.want(1062, entry("dup-in", x, far, a.on[0][1])) // opens the branch on the first shard, too
	c.must(entry("dup-in", a.on[0][2], a.on[1][2]))
	c.want(1062, entry("dup-in", a.on[0][3], far))
	c.must("COMMIT")
	if n := a.entries(t, "dup-in"); n != 3 {
		t.Errorf("%d rows, want 3: each statement wholly or not at all", n)
	}
}

func clientGone(t *testing.T, w *world, a *accounts) {
	x, far := a.on[0][0], a.on[1][0]
	bx, bf := a.balance(t, x), a.balance(t, far)
	c := w.client(t)
	c.must("BEGIN", add(x, 1), add(far, 1))
	c.close()
	// The locks are free quickly: another client does not wait.
	began := time.Now()
	other := w.client(t)
	defer other.close()
	other.must("BEGIN", add(x, 2), add(far, 2), "COMMIT")
	if waited := time.Since(began); waited > time.Second {
		t.Errorf("the locks of a client that left were held for %v", waited)
	}
	a.expect(t, "gone", x, bx+2)
	a.expect(t, "gone", far, bf+2)
}

// killBranch ends the server session of the proxy that has a transaction open on a shard.
func (w *world) killBranch(t *testing.T, shard int) {
	t.Helper()
	var id int64
	time.Sleep(trxPause)
	every(t, trxPause, 2*time.Second, func() error {
		return w.shard(shard).QueryRow("SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> 0").Scan(&id)
	})
	mustExec(t, w.shard(shard), fmt.Sprintf("KILL CONNECTION %d", id))
}

func branchKilled(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 2)
	w.killBranch(t, 1)
	err := c.want(codeRolledBack, "COMMIT")
	if !containsAll(err.Error(), "test.p1.") {
		t.Errorf("the error does not name the transaction: %v", err)
	}
	w.settledIn(t, w.all(), settleLimit)
	at.check(t, false)
	c.must("BEGIN", add(at.ids[0], 0), add(at.ids[1], 0), "COMMIT")
}

func branchKilledInside(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 2)
	w.killBranch(t, 1)
	if _, err := c.Exec(add(at.ids[1], 1)); codeOf(err) <= 0 {
		t.Errorf("a statement on the lost branch: %v, want an error of the proxy", err)
	}
	c.want(codeRolledBack, add(at.ids[0], 1))
	c.want(codeRolledBack, "COMMIT")
	c.must("ROLLBACK")
	at.check(t, false)
}
