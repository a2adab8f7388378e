package commit

import (
	"fmt"
	"testing"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// What an application does with transactions over shards when nothing breaks; all over one cluster.
func TestOrdinary(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3, Config: "schemas:\n  - name: " + database + "\n    tables:\n      - {name: rate, kind: global}\n"})
	w.StartProxy()
	a := w.makeAccounts(48, 1000)
	for _, c := range []struct {
		name string
		run  func(*testing.T, *world, *accounts)
	}{
		{"many transactions on one connection", manyOnOne},
		{"BEGIN inside a transaction commits", beginCommits},
		{"TRUNCATE commits", truncateCommits},
		{"one shard only", oneShardOnly},
		{"isolation on every branch", isolation},
		{"read only on every branch", readOnlyAccess},
		{"table on all shards", globalTable},
		{"rows by the hundred", manyRows},
		{"error with autocommit off", errorWithoutAutocommit},
		{"shard restarts in mid-transaction", restartInside},
		{"savepoints kept by recovery", savepointsRecovered},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, w, a)
			w.settledIn(t, w.all(), settleLimit)
			w.nothingOpen(t)
		})
	}
}

func manyOnOne(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	want := map[int]int64{}
	for i := range 30 {
		ids := []int{a.on[i%3][0], a.on[(i+1)%3][0]}
		if i%5 == 4 {
			ids = ids[:1]
		}
		c.must("BEGIN")
		for _, id := range ids {
			c.must(add(id, 1))
		}
		if i%4 == 3 {
			c.must("ROLLBACK")
			continue
		}
		c.must("COMMIT")
		for _, id := range ids {
			want[id]++
		}
	}
	for id, n := range want {
		a.expect(t, "30 transactions on one connection", id, 1000+n)
	}
}

func beginCommits(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 3)
	c.must("BEGIN")
	at.check(t, true)
	c.must(add(at.ids[0], 1), add(at.ids[1], 1), "ROLLBACK")
	at.check(t, true)
}

func truncateCommits(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	c.must("CREATE TABLE emptied (id INT PRIMARY KEY)", "INSERT INTO emptied VALUES (1),(2),(3),(4),(5),(6)")
	at := a.attempt(t, c, 3)
	c.must("TRUNCATE TABLE emptied", "ROLLBACK")
	at.check(t, true)
	for i := range w.Shards {
		if n := queryInt(t, w.shard(i), "SELECT COUNT(*) FROM "+database+".emptied"); n != 0 {
			t.Errorf("shard %d has %d rows of a truncated table", i, n)
		}
	}
}

func oneShardOnly(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	c.must("SET lockstep_commit_mode = 'single'")
	near, far := a.on[0][1], a.on[1][1]
	c.must("BEGIN", add(near, 1))
	c.want(1235, add(far, 1))
	c.must(add(near, 1), "COMMIT")
	a.expect(t, "the one shard", near, 1002)
	a.expect(t, "the other", far, 1000)
	c.want(1235, fmt.Sprintf("UPDATE account SET balance = 0 WHERE id IN (%d, %d)", near, far))
	// A change in every shard is refused, a look at every shard is not.
	if n := queryInt(t, c, "SELECT COUNT(*) FROM account"); n != 48 {
		t.Errorf("%d accounts, want 48", n)
	}
	a.expect(t, "the one shard", near, 1002)
}

func isolation(t *testing.T, w *world, a *accounts) {
	c, other := w.client(t), w.client(t)
	defer c.close()
	defer other.close()
	ids := []int{a.on[0][2], a.on[1][2], a.on[2][2]}
	for _, k := range []struct {
		level string
		sees  func(i int) int64 // of what another transaction commits after the branch's first read
	}{
		{"READ COMMITTED", func(int) int64 { return 1 }},
		{"REPEATABLE READ", func(int) int64 { return 0 }},
	} {
		c.must("SET SESSION TRANSACTION ISOLATION LEVEL "+k.level, "BEGIN")
		var before []int64
		for _, id := range ids {
			before = append(before, queryInt(t, c, fmt.Sprintf("SELECT balance FROM account WHERE id = %d", id)))
		}
		other.must("BEGIN", add(ids[0], 1), add(ids[1], 1), add(ids[2], 1), "COMMIT")
		for i, id := range ids {
			if got := queryInt(t, c, fmt.Sprintf("SELECT balance FROM account WHERE id = %d", id)) - before[i]; got != k.sees(i) {
				t.Errorf("%s: the branch on shard %d sees a change by %d, want %d", k.level, i, got, k.sees(i))
			}
		}
		c.must("COMMIT")
	}
	c.must("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN")
	for _, id := range ids {
		queryInt(t, c, fmt.Sprintf("SELECT balance FROM account WHERE id = %d", id))
	}
	other.must("SET innodb_lock_wait_timeout = 1", "BEGIN")
	other.want(1205, add(ids[2], 1)) // a plain read has locked it
	other.must("ROLLBACK")
	c.must("COMMIT")
}

func readOnlyAccess(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	c.must("START TRANSACTION READ ONLY")
	for _, ids := range a.on {
		queryInt(t, c, fmt.Sprintf("SELECT balance FROM account WHERE id = %d", ids[3]))
		c.want(1792, add(ids[3], 1))
	}
	c.must("COMMIT")
	c.must("SET TRANSACTION READ ONLY", "BEGIN")
	c.want(1792, add(a.on[1][3], 1))
	c.must("COMMIT", add(a.on[1][3], 1)) // it was for that one transaction
	a.expect(t, "after a read-only transaction", a.on[1][3], 1001)
}

// globalTable changes a table that is whole on each shard, together with rows that are on one.
func globalTable(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	c.must("CREATE TABLE rate (id INT PRIMARY KEY, percent INT)", "INSERT INTO rate VALUES (1, 3), (2, 4)")
	each := func(want int64) {
		t.Helper()
		for i := range w.Shards {
			if got := queryInt(t, w.shard(i), "SELECT percent FROM "+database+".rate WHERE id = 1"); got != want {
				t.Errorf("shard %d has %d, want %d on all", i, got, want)
			}
		}
	}
	each(3)
	before := a.balance(t, a.on[0][4])
	c.must("BEGIN", "UPDATE rate SET percent = 5 WHERE id = 1", add(a.on[0][4], 1), "ROLLBACK")
	each(3)
	c.must("BEGIN", "UPDATE rate SET percent = 6 WHERE id = 1", add(a.on[0][4], 1), "COMMIT")
	each(6)
	a.expect(t, "beside it", a.on[0][4], before+1)
	w.StopProxy()
	for _, step := range []stepCase{stepOf(3, coordinator.StepPrepared, 1), stepOf(3, coordinator.StepCommitted, 1)} {
		w.StartProxy("LOCKSTEP_FAILPOINT=" + step.String())
		c := w.client(t)
		if _, err := c.Exec("UPDATE rate SET percent = percent + 10 WHERE id = 1"); codeOf(err) != -1 {
			t.Errorf("%s: %v, want a broken connection", step, err)
		}
		c.close()
		<-w.ProxyEnded()
		w.StartProxy()
		w.settledIn(t, w.all(), settleLimit)
		if step.deciding {
			each(16)
		} else {
			each(6)
		}
		w.StopProxy()
	}
	w.StartProxy()
}

func manyRows(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	insert := func(transfer string) string {
		var ids []int
		for id := 1; id <= 48; id++ {
			ids = append(ids, id)
		}
		return entry(transfer, ids...)
	}
	c.must("BEGIN")
	for i := range 10 {
		c.must(insert(fmt.Sprintf("batch-%d", i)))
	}
	c.must("ROLLBACK")
	c.must("BEGIN")
	for i := range 10 {
		c.must(insert(fmt.Sprintf("batch-%d", i)))
	}
	c.must("COMMIT")
	for i := range 10 {
		if n := a.entries(t, fmt.Sprintf("batch-%d", i)); n != 48 {
			t.Errorf("batch %d has %d rows, want 48", i, n)
		}
	}
}

func errorWithoutAutocommit(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	ids := []int{a.on[0][5], a.on[1][5]}
	c.must("SET autocommit = 0", entry("ea-1", ids...))
	c.want(1062, entry("ea-1", ids[1]))
	c.want(1146, "INSERT INTO no_such_table VALUES (1)")
	c.want(1054, "UPDATE account SET no_such_column = 1")
	c.must(entry("ea-2", ids...), "COMMIT", "ROLLBACK")
	for _, transfer := range []string{"ea-1", "ea-2"} {
		if n := a.entries(t, transfer); n != 2 {
			t.Errorf("%s has %d rows, want 2", transfer, n)
		}
	}
}

func restartInside(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 3)
	w.KillShard(1)
	w.RestartShard(1)
	if _, err := c.Exec(add(at.ids[1], 1)); codeOf(err) <= 0 {
		t.Errorf("a statement on a branch that is gone: %v, want an error of the proxy", err)
	}
	c.want(codeRolledBack, "COMMIT")
	c.must("ROLLBACK")
	at.check(t, false)
	at.rowsAreFree(t, w)
	at = a.attempt(t, c, 3)
	c.must("COMMIT")
	at.check(t, true)
}

// savepointsRecovered lets the proxy die after a decision: what recovery commits is what savepoints have left.
func savepointsRecovered(t *testing.T, w *world, a *accounts) {
	w.StopProxy()
	for n, mode := range []string{twoPhase, threePhase} {
		step := string(coordinator.StepAllPrepared)
		if mode == twoPhase {
			step = string(coordinator.StepDecisionDurable)
		}
		w.StartProxy("LOCKSTEP_FAILPOINT=" + step)
		c := w.client(t)
		name := func(what string) string { return fmt.Sprintf("sr-%d-%s", n, what) }
		ids := a.pick(3)
		c.must("SET lockstep_commit_mode = '"+mode+"'", "BEGIN", entry(name("kept"), ids[0]), "SAVEPOINT one",
			entry(name("gone"), ids...), "ROLLBACK TO one", entry(name("late"), ids[1]), "SAVEPOINT two",
			entry(name("dead"), ids[2]), "ROLLBACK TO two", entry(name("last"), ids[2], ids[0]))
		if _, err := c.Exec("COMMIT"); codeOf(err) != -1 {
			t.Errorf("%s: COMMIT of a proxy that died: %v", mode, err)
		}
		c.close()
		<-w.ProxyEnded()
		w.StartProxy()
		w.settledIn(t, w.all(), settleLimit)
		for what, want := range map[string]int64{"kept": 1, "gone": 0, "late": 1, "dead": 0, "last": 2} {
			if n := a.entries(t, name(what)); n != want {
				t.Errorf("%s: %s has %d rows, want %d", mode, what, n, want)
			}
		}
		w.StopProxy()
	}
	w.StartProxy()
}
