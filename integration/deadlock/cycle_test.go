package deadlock

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// cross makes two transactions wait for each other over shards 0 and 1, and returns how the younger one's and the older one's
// second statements ended, and when the cycle was closed. first says which began to wait first.
func cross(w *world, older, younger *client, row int, olderFirst bool) (victim, survivor answer, closed time.Time) {
	w.t.Helper()
	x, y := w.keys[0][row], w.keys[1][row]
	older.exec("BEGIN")
	older.exec(add(x))
	younger.exec("BEGIN")
	younger.exec(add(y))
	time.Sleep(rand.N(30 * time.Millisecond))
	var a, b <-chan answer
	if olderFirst {
		a = older.later(add(y))
		w.blocked(1, 1)
		time.Sleep(rand.N(300 * time.Millisecond))
		closed = time.Now()
		b = younger.later(add(x))
	} else {
		b = younger.later(add(x))
		w.blocked(0, 1)
		time.Sleep(rand.N(300 * time.Millisecond))
		closed = time.Now()
		a = older.later(add(y))
	}
	return <-b, <-a, closed
}

// check looks at what both clients were told, and that their sessions are as after a server's own deadlock.
func check(t *testing.T, older, younger *client, victim, survivor answer) {
	t.Helper()
	if !deadlocked(victim.err) {
		t.Errorf("the younger transaction hears %v, want 1213 (40001)", victim.err)
	}
	if survivor.err != nil {
		t.Errorf("the older transaction hears %v", survivor.err)
	}
	older.exec("COMMIT")
	if err := younger.try(add(1)); err == nil {
		t.Error("the victim's transaction goes on")
	}
	younger.exec("ROLLBACK")
}

// Two transactions over two shards: the younger one is told quickly, the older one goes on, and
// nothing of the younger one is left.
func TestTwoShards(t *testing.T) {
	w := start(t, cluster.Options{})
	older, younger := w.client(w.Proxy, "bank"), w.client(w.Proxy, "bank")
	var took []time.Duration
	n := runs(t)
	for i := range n {
		row := i % rowsPerShard
		before := older.number("SELECT SUM(v) FROM a")
		victim, survivor, closed := cross(w, older, younger, row, i%2 == 0)
		check(t, older, younger, victim, survivor)
		took = append(took, victim.at.Sub(closed))
		if after := older.number("SELECT SUM(v) FROM a"); after != before+2 {
			t.Errorf("run %d: the sum went from %d to %d: something of the victim is left", i, before, after)
		}
	}
	report(t, took)
	if v := w.metric("victims_total"); v != n {
		t.Errorf("%d victims counted, want %d", v, n)
	}
	rows := younger.number("SELECT 1") // the session is whole
	if rows != 1 {
		t.Errorf("SELECT 1 is %d", rows)
	}
	var at, gtrid, cycle, ms string
	if err := older.conn.QueryRowContext(t.Context(), "SHOW LOCKSTEP DEADLOCKS").Scan(&at, &gtrid, &cycle, &ms); err != nil {
		t.Fatal(err)
	}
	t.Logf("last: %s, %s, %s, %s ms", at, gtrid, cycle, ms)
}

// A ring of three transactions over three shards.
func TestThreeShards(t *testing.T) {
	w := start(t, cluster.Options{Shards: 3})
	c := []*client{w.client(w.Proxy, "bank"), w.client(w.Proxy, "bank"), w.client(w.Proxy, "bank")}
	for i := range c {
		c[i].exec("BEGIN")
		c[i].exec(add(w.keys[i][0]))
	}
	var done [3]<-chan answer
	began := time.Now()
	for i := range c {
		done[i] = c[i].later(add(w.keys[(i+1)%3][0]))
	}
	victim := <-done[2]
	if !deadlocked(victim.err) {
		t.Errorf("the youngest hears %v", victim.err)
	}
	t.Logf("broken after %v", victim.at.Sub(began).Round(time.Millisecond))
	// Now the second has its lock, and once it has committed so has the first.
	for i := 1; i >= 0; i-- {
		if a := <-done[i]; a.err != nil {
			t.Errorf("transaction %d hears %v", i, a.err)
		}
		c[i].exec("COMMIT")
	}
	c[2].exec("ROLLBACK")
}

// A cycle that passes through a transaction of one shard, which no proxy knows and which is never the
// victim, whoever's wait closes the cycle.
func TestThroughLocalTransaction(t *testing.T) {
	w := start(t, cluster.Options{})
	for last := range 3 {
		t.Run(fmt.Sprintf("closed by %d", last), func(t *testing.T) {
			older, younger, local := w.client(w.Proxy, "bank"), w.client(w.Proxy, "bank"), w.local(1)
			x, y, z := w.keys[0][last], w.keys[1][2*last], w.keys[1][2*last+1]
			older.exec("BEGIN")
			older.exec(add(x))
			younger.exec("BEGIN")
			younger.exec(add(y))
			local.exec("BEGIN")
			local.exec(add(z))
			waits := []func() <-chan answer{
				func() <-chan answer { return older.later(add(z)) },
				func() <-chan answer { return younger.later(add(x)) },
				func() <-chan answer { return local.later(add(y)) },
			}
			var done [3]<-chan answer
			for i := 1; i <= 3; i++ {
				k := (last + i) % 3
				if i == 3 {
					time.Sleep(700 * time.Millisecond) // until the proxy looks less often
				}
				done[k] = waits[k]()
			}
			closed := time.Now()
			victim := <-done[1]
			if !deadlocked(victim.err) {
				t.Fatalf("the younger hears %v", victim.err)
			}
			took := victim.at.Sub(closed)
			t.Logf("broken after %v", took.Round(time.Millisecond))
			if took > 2*limit {
				t.Errorf("broken after %v", took)
			}
			if a := <-done[2]; a.err != nil {
				t.Errorf("the local transaction hears %v", a.err)
			}
			local.exec("COMMIT")
			if a := <-done[0]; a.err != nil {
				t.Errorf("the older hears %v", a.err)
			}
			older.exec("COMMIT")
			younger.exec("ROLLBACK")
		})
	}
}

// Statements of every kind that can wait: locking reads, prepared ones, those of several shards.
func TestKindsOfStatement(t *testing.T) {
	w := start(t, cluster.Options{})
	x, y := w.keys[0][0], w.keys[1][0]
	for _, tc := range []struct {
		name               string
		olderHas, youngHas string
		older, younger     string
		args               []any
		autocommit         bool // of the younger one, which has one statement only
	}{
		{name: "FOR UPDATE", olderHas: "SELECT v FROM a WHERE id = %x FOR UPDATE", youngHas: "SELECT v FROM a WHERE id = %y FOR UPDATE",
			older: "SELECT v FROM a WHERE id = %y FOR UPDATE", younger: "SELECT v FROM a WHERE id = %x FOR UPDATE"},
		{name: "LOCK IN SHARE MODE", olderHas: "SELECT v FROM a WHERE id = %x LOCK IN SHARE MODE", youngHas: "SELECT v FROM a WHERE id = %y LOCK IN SHARE MODE",
			older: "UPDATE a SET v = 1 WHERE id = %y", younger: "DELETE FROM a WHERE id = %x"},
		{name: "locking read of both shards", olderHas: "UPDATE a SET v = v + 1 WHERE id = %x", youngHas: "UPDATE a SET v = v + 1 WHERE id = %y",
			older: "SELECT v FROM a WHERE id = %y FOR UPDATE", younger: "SELECT id, v FROM a WHERE id IN (%x, %y) ORDER BY id FOR UPDATE"},
		{name: "change of both shards", olderHas: "UPDATE a SET v = v + 1 WHERE id = %x", youngHas: "UPDATE a SET v = v + 1 WHERE id = %y",
			older: "UPDATE a SET v = v + 1 WHERE id = %y", younger: "UPDATE a SET v = v + 1 WHERE id IN (%x, %y)"},
		{name: "prepared", olderHas: "UPDATE a SET v = v + 1 WHERE id = %x", youngHas: "UPDATE a SET v = v + 1 WHERE id = %y",
			older: "UPDATE a SET v = v + 1 WHERE id = %y", younger: "UPDATE a SET v = v + ? WHERE id = %x", args: []any{1}},
		{name: "prepared locking read", olderHas: "UPDATE a SET v = v + 1 WHERE id = %x", youngHas: "UPDATE a SET v = v + 1 WHERE id = %y",
			older: "UPDATE a SET v = v + 1 WHERE id = %y", younger: "SELECT v + ? FROM a WHERE id = %x FOR UPDATE", args: []any{1}},
		{name: "autocommit change of both shards", olderHas: "UPDATE a SET v = v + 1 WHERE id = %x",
			older: "UPDATE a SET v = v + 1 WHERE id = %y", younger: "UPDATE a SET v = v + 1 WHERE id IN (%x, %y)", autocommit: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := func(s string) string { return substitute(s, x, y) }
			older, younger := w.client(w.Proxy, "bank"), w.client(w.Proxy, "bank")
			before := older.number("SELECT SUM(v) FROM a")
			older.exec("BEGIN")
			older.exec(text(tc.olderHas))
			var a, b <-chan answer
			if tc.autocommit {
				b = younger.later(text(tc.younger), tc.args...)
				w.blocked(0, 1)
				time.Sleep(50 * time.Millisecond) // it has its lock on the other shard by now
				a = older.later(text(tc.older))
			} else {
				younger.exec("BEGIN")
				younger.exec(text(tc.youngHas))
				a = older.later(text(tc.older))
				w.blocked(1, 1)
				b = younger.later(text(tc.younger), tc.args...)
			}
			if victim := <-b; !deadlocked(victim.err) {
				t.Errorf("the younger hears %v", victim.err)
			}
			if got := <-a; got.err != nil {
				t.Errorf("the older hears %v", got.err)
			}
			older.exec("ROLLBACK")
			if tc.autocommit {
				younger.exec(add(x)) // it has no transaction that would have to be rolled back
				younger.exec(fmt.Sprintf("UPDATE a SET v = v - 1 WHERE id = %d", x))
			} else {
				if err := younger.try(add(x)); err == nil {
					t.Error("the victim's transaction goes on")
				}
				younger.exec("BEGIN") // as after a server's own deadlock, nothing is open
				younger.exec("ROLLBACK")
			}
			if after := older.number("SELECT SUM(v) FROM a"); after != before {
				t.Errorf("the sum went from %d to %d", before, after)
			}
		})
	}
}

func substitute(s string, x, y int) string {
	return strings.NewReplacer("%x", strconv.Itoa(x), "%y", strconv.Itoa(y)).Replace(s)
}
