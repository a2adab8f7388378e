package commit

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"

	"lockstep/coordinator"
)

func readOnly(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	x, far := a.on[0][0], a.on[1][0]
	read := func(id int) string { return fmt.Sprintf("SELECT balance FROM account WHERE id = %d FOR UPDATE", id) }
	for _, k := range []struct {
		name       string
		statements []string
		appends    uint64 // decisions in the log
	}{
		{"two readers", []string{read(x), read(far)}, 0},
		{"a reader and a writer", []string{read(x), add(far, 1)}, 0},
		{"a writer and a reader", []string{add(x, 1), read(far)}, 0},
		{"two writers", []string{add(x, 1), add(far, 1)}, 1},
	} {
		bx, bf := a.balance(t, x), a.balance(t, far)
		wantX, wantF := bx, bf
		before := w.mustStatus().LogAppends
		c.must("BEGIN")
		for _, s := range k.statements {
			c.must(s)
			switch s {
			case add(x, 1):
				wantX++
			case add(far, 1):
				wantF++
			}
		}
		c.must("COMMIT")
		if got := w.mustStatus().LogAppends - before; got != k.appends {
			t.Errorf("%s: %d decisions in the log, want %d", k.name, got, k.appends)
		}
		a.expect(t, k.name, x, wantX)
		a.expect(t, k.name, far, wantF)
	}
}

func savepoints(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	near, far := a.on[0], a.on[1]
	count := func(want int64) {
		t.Helper()
		if n := queryInt(t, c, "SELECT COUNT(*) FROM ledger WHERE transfer LIKE 'sp-%'"); n != want {
			t.Errorf("the transaction sees %d rows, want %d", n, want)
		}
	}
	c.must("BEGIN", entry("sp-1", near[0]), "SAVEPOINT one")
	c.must(entry("sp-2", far[0])) // a branch opened after the savepoint
	count(2)
	c.must("ROLLBACK TO one")
	count(1)
	c.must(entry("sp-3", far[1]), "SAVEPOINT two", entry("sp-4", near[1], far[2]), "SAVEPOINT three", entry("sp-5", near[2]))
	count(5)
	c.must("ROLLBACK TO SAVEPOINT two")
	count(2)
	c.want(1305, "ROLLBACK TO three") // gone with the roll-back
	c.must("ROLLBACK TO two", "RELEASE SAVEPOINT two")
	c.want(1305, "ROLLBACK TO two")
	c.must(entry("sp-6", near[3], far[3]), "COMMIT")
	for transfer, want := range map[string]int64{"sp-1": 1, "sp-2": 0, "sp-3": 1, "sp-4": 0, "sp-5": 0, "sp-6": 2} {
		if n := a.entries(t, transfer); n != want {
			t.Errorf("%s has %d rows, want %d", transfer, n, want)
		}
	}
	c.must("BEGIN", "SAVEPOINT zero", entry("sp-7", near[0], far[0]), "ROLLBACK TO zero", "COMMIT")
	if n := a.entries(t, "sp-7"); n != 0 {
		t.Errorf("a savepoint before every branch: %d rows, want none", n)
	}
}

func ddlCommits(t *testing.T, w *world, a *accounts) {
	c := w.client(t)
	defer c.close()
	c.must("BEGIN", entry("ddl", a.on[0][0], a.on[1][0]), "CREATE TABLE made (id INT PRIMARY KEY)", "ROLLBACK")
	if n := a.entries(t, "ddl"); n != 2 {
		t.Errorf("DDL inside a transaction left %d rows, want 2: it commits", n)
	}
	c.must("BEGIN", entry("ddl-2", a.on[0][0], a.on[1][0]))
	if _, err := c.Exec("DROP TABLE no_such_table"); err == nil {
		t.Error("DROP of a table that is not there succeeded")
	}
	c.must("DROP TABLE made", "ROLLBACK")
	if n := a.entries(t, "ddl-2"); n != 2 {
		t.Errorf("DDL inside a transaction left %d rows, want 2", n)
	}
}

func autocommitOff(t *testing.T, w *world, a *accounts) {
	c, other := w.client(t), w.client(t)
	defer c.close()
	defer other.close()
	ids := []int{a.on[0][0], a.on[1][0]}
	c.must("SET autocommit = 0", entry("ac-1", ids...))
	if n := queryInt(t, other, "SELECT COUNT(*) FROM ledger WHERE transfer = 'ac-1'"); n != 0 {
		t.Errorf("another client sees %d rows before COMMIT", n)
	}
	c.must("ROLLBACK", entry("ac-2", ids...), "COMMIT", entry("ac-3", ids...), "SET autocommit = 1", "ROLLBACK", entry("ac-4", ids...), "ROLLBACK")
	c.must("SET autocommit = 0", entry("ac-5", ids...), "BEGIN", "ROLLBACK") // BEGIN commits
	c.must(entry("ac-6", ids...))
	c.close() // and leaving does not
	w.nothingOpen(t)
	for transfer, want := range map[string]int64{"ac-1": 0, "ac-2": 2, "ac-3": 2, "ac-4": 2, "ac-5": 2, "ac-6": 0} {
		if n := a.entries(t, transfer); n != want {
			t.Errorf("%s has %d rows, want %d", transfer, n, want)
		}
	}
}

// A statement over shards, without BEGIN, is a transaction of its own: the proxy dies in it, and
// it is wholly there or not at all.
func implicitTransaction(t *testing.T, w *world, a *accounts) {
	for _, step := range []stepCase{
		stepOf(2, coordinator.StepPrepared, 1), stepOf(2, coordinator.StepAllPrepared, 0),
		stepOf(2, coordinator.StepDecisionDurable, 0), stepOf(2, coordinator.StepCommitted, 1),
	} {
		w.StopProxy()
		w.StartProxy("LOCKSTEP_FAILPOINT=" + step.String())
		c := w.client(t)
		transfer := "im-" + step.String()
		if _, err := c.Exec(entry(transfer, a.on[0][0], a.on[1][0], a.on[0][1], a.on[1][1])); codeOf(err) != -1 {
			t.Errorf("%s: %v, want a broken connection", step, err)
		}
		c.close()
		<-w.ProxyEnded()
		w.StartProxy()
		w.settledIn(t, w.all(), settleLimit)
		want := int64(0)
		if step.deciding {
			want = 4
		}
		if n := a.entries(t, transfer); n != want {
			t.Errorf("%s: %d rows, want %d", step, n, want)
		}
	}
}

// Clients that change the same two rows on two shards in the same order: on both
// shards their commits come one after the other in the same order, and none is lost.
func sameOrder(t *testing.T, w *world, a *accounts) {
	near, far := a.on[0][4], a.on[1][4]
	ctx := context.Background()
	var wait sync.WaitGroup
	for i := range 6 {
		db, err := sql.Open("mysql", w.DSN(database))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		wait.Go(func() {
			conn, err := db.Conn(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for j := range 10 {
				if err := bothCount(ctx, conn, fmt.Sprintf("so-%d-%d", i, j), near, far); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	order := func(shard, id int) (list []string) {
		rows, err := w.shard(shard).Query("SELECT transfer FROM "+database+".ledger WHERE account = ? AND transfer LIKE 'so-%' ORDER BY amount", id)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return list
	}
	x, y := order(0, near), order(1, far)
	if len(x) != 60 || !slices.Equal(x, y) {
		t.Errorf("orders of %d and %d commits differ:\n%v\n%v", len(x), len(y), x, y)
	}
}

// bothCount adds one to each account and writes down what it then has.
func bothCount(ctx context.Context, conn *sql.Conn, transfer string, ids ...int) error {
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := conn.ExecContext(ctx, add(id, 1)); err != nil {
			return err
		}
		var balance int64
		if err := conn.QueryRowContext(ctx, "SELECT balance FROM account WHERE id = ?", id).Scan(&balance); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO ledger (account, transfer, amount) VALUES (?, ?, ?)", id, transfer, balance); err != nil {
			return err
		}
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}
