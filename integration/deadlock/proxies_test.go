package deadlock

import (
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// The transactions of a cycle belong to two proxies: the youngest one's proxy ends it, whichever of the two
// finds the cycle.
func TestTwoProxies(t *testing.T) {
	w := start(t, cluster.Options{})
	second := w.AddProxy(cluster.ProxyOptions{})
	second.Start()
	var took []time.Duration
	n := runs(t)
	for i := range n {
		a, b := w.Proxy, second
		if i%2 == 1 {
			a, b = b, a
		}
		older, younger := w.client(a, "bank"), w.client(b, "bank")
		victim, survivor, closed := cross(w, older, younger, i%rowsPerShard, i%4 < 2)
		check(t, older, younger, victim, survivor)
		took = append(took, victim.at.Sub(closed))
		closeAll(older, younger)
	}
	report(t, took)
	if v := w.metric("victims_total"); v != n {
		t.Errorf("%d victims counted, want %d", v, n)
	}
	w.wantNoRows(5 * time.Second)
}

func closeAll(list ...*client) {
	for _, c := range list {
		_ = c.conn.Close() // it is only given back to its pool
	}
}

// wantNoRows waits until nobody announces a wait any more.
func (w *world) wantNoRows(within time.Duration) {
	w.t.Helper()
	deadline := time.Now().Add(within)
	for i := range w.Shards {
		c := w.local(i)
		for n := c.number("SELECT COUNT(*) FROM lockstep.waiter"); n > 0; n = c.number("SELECT COUNT(*) FROM lockstep.waiter") {
			if time.Now().After(deadline) {
				w.t.Errorf("%d rows are left in lockstep.waiter of shard %d", n, i)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// The proxy that would decide dies, and its rows stay: another one takes over once they are old,
// is not led astray by them, and they go in the end.
func TestDeadProxy(t *testing.T) {
	w := start(t, cluster.Options{})
	second := w.AddProxy(cluster.ProxyOptions{})
	second.Start()
	// p1 has a transaction that waits for a local one, and dies.
	local, lost := w.local(0), w.client(w.Proxy, "bank")
	local.exec("BEGIN")
	local.exec(add(w.keys[0][7]))
	lost.exec("BEGIN")
	lost.exec(add(w.keys[1][7]))
	done := lost.later(add(w.keys[0][7]))
	board := w.local(0)
	for deadline := time.Now().Add(5 * time.Second); board.number("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'lockstep' AND table_name = 'waiter'") == 0 ||
		board.number("SELECT COUNT(*) FROM lockstep.waiter WHERE coordinator = 'test.p1'") == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the wait is not announced")
		}
	}
	w.KillProxy()
	if a := <-done; a.err == nil {
		t.Error("the statement of a dead proxy was answered")
	}
	older, younger := w.client(second, "bank"), w.client(second, "bank")
	victim, survivor, closed := cross(w, older, younger, 0, true)
	check(t, older, younger, victim, survivor)
	if took := victim.at.Sub(closed); took > 5*time.Second {
		t.Errorf("broken after %v", took)
	} else {
		t.Logf("broken after %v, with rows of a dead proxy", took.Round(time.Millisecond))
	}
	local.exec("ROLLBACK")
}

// A frozen proxy's transactions are still found in cycles: its rows last for some seconds. Once it is
// thawed it ends its victim, if the cycle is still there.
func TestThawedProxy(t *testing.T) {
	w := start(t, cluster.Options{ShardArgs: []string{"--innodb-lock-wait-timeout=20"}})
	second := w.AddProxy(cluster.ProxyOptions{})
	second.Start()
	older, younger := w.client(w.Proxy, "bank"), w.client(second, "bank")
	x, y := w.keys[0][0], w.keys[1][0]
	older.exec("BEGIN")
	older.exec(add(x))
	younger.exec("BEGIN")
	younger.exec(add(y))
	b := younger.later(add(x))
	w.blocked(0, 1)
	second.Freeze()
	a := older.later(add(y))
	time.Sleep(4 * time.Second)
	select {
	case got := <-a:
		t.Errorf("the older one was answered while the victim's proxy could not act: %v", got.err)
	default:
	}
	second.Thaw()
	thawed := time.Now()
	victim := <-b
	if !deadlocked(victim.err) {
		t.Errorf("the younger hears %v", victim.err)
	}
	t.Logf("broken %v after the thaw", victim.at.Sub(thawed).Round(time.Millisecond))
	if got := <-a; got.err != nil {
		t.Errorf("the older hears %v", got.err)
	}
	older.exec("COMMIT")
	younger.exec("ROLLBACK")
}
