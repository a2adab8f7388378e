package deadlock

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

// A long wait that is no deadlock ends when the lock is free, and in no other way.
func TestPlainWait(t *testing.T) {
	w := start(t, cluster.Options{})
	second := w.AddProxy(cluster.ProxyOptions{})
	second.Start()
	x, y, z := w.keys[0][0], w.keys[1][0], w.keys[1][1]
	holder, a, b := w.client(w.Proxy, "bank"), w.client(w.Proxy, "bank"), w.client(second, "bank")
	holder.exec("BEGIN")
	holder.exec(add(x))
	holder.exec(add(y))
	for _, c := range []*client{a, b} {
		c.exec("BEGIN")
	}
	a.exec(add(z))
	first := a.later(add(x)) // a waits for holder
	w.blocked(0, 1)
	b.exec(add(w.keys[1][2]))
	next := b.later(add(x)) // b waits behind a
	time.Sleep(3 * time.Second)
	holder.exec("COMMIT")
	if got := <-first; got.err != nil {
		t.Errorf("the first in the queue hears %v", got.err)
	}
	a.exec("COMMIT")
	if got := <-next; got.err != nil {
		t.Errorf("the second in the queue hears %v", got.err)
	}
	b.exec("COMMIT")
	if n := w.metric("victims_total") + w.metric("cycles_total") + w.metric("asked_total"); n != 0 {
		t.Errorf("%d deadlocks found, where there are none", n)
	}
	if w.metric("readings_total") == 0 {
		t.Error("nobody looked: the test shows nothing")
	}
	w.wantNoRows(5 * time.Second)
	if n := w.metric("watched"); n != 0 {
		t.Errorf("%d transactions are watched, though none is open", n)
	}
}

// With detection off a deadlock over two shards is left to the lock wait time-out.
func TestOff(t *testing.T) {
	w := start(t, cluster.Options{Config: "deadlock_detection: off\n", ShardArgs: []string{"--innodb-lock-wait-timeout=2"}})
	older, younger := w.client(w.Proxy, "bank"), w.client(w.Proxy, "bank")
	victim, survivor, closed := cross(w, older, younger, 0, true)
	var late *mysql.MySQLError
	if err := errors.Join(victim.err, survivor.err); !errors.As(err, &late) || late.Number != 1205 {
		t.Errorf("the clients hear %v and %v, want 1205", victim.err, survivor.err)
	}
	if waited := max(victim.at.Sub(closed), survivor.at.Sub(closed)); waited < time.Second {
		t.Errorf("broken after %v", waited)
	}
	older.exec("ROLLBACK")
	younger.exec("ROLLBACK")
}

// A shard's user that may not read the lock waits: the operator is told once, and everything else works.
func TestWithoutPrivilege(t *testing.T) {
	w := start(t, cluster.Options{ShardArgs: []string{"--innodb-lock-wait-timeout=2"}})
	for i := range w.Shards {
		w.local(i).exec("REVOKE PROCESS ON *.* FROM CURRENT_USER()")
	}
	w.StopProxy()
	w.StartProxy()
	older, younger := w.client(w.Proxy, "bank"), w.client(w.Proxy, "bank")
	for row := range 2 {
		victim, survivor, _ := cross(w, older, younger, row, true)
		var late *mysql.MySQLError
		if err := errors.Join(victim.err, survivor.err); !errors.As(err, &late) || late.Number != 1205 {
			t.Errorf("the clients hear %v and %v, want 1205", victim.err, survivor.err)
		}
		older.exec("ROLLBACK")
		younger.exec("ROLLBACK")
	}
	if n := strings.Count(w.ProxyOutput(), "lock waits of a shard cannot be read"); n != len(w.Shards) {
		t.Errorf("the operator was told %d times, want once for each of %d shards", n, len(w.Shards))
	}
}
