package drivers

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// TestDrain: on SIGTERM an idle client is sent away, one in a transaction may
// finish it, and nobody new comes in.
func TestDrain(t *testing.T) {
	c := start(t, cluster.Options{Config: "timeouts: {drain: 20s}\n"})
	exec(t, c.DB("d"), "CREATE TABLE p (id INT PRIMARY KEY, v INT)")
	exec(t, c.DB("d"), "INSERT INTO p VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
	idle, inside := conn(t, c.DB("d")), conn(t, c.DB("d"))
	exec(t, idle, "SELECT 1")
	exec(t, inside, "BEGIN")
	exec(t, inside, "UPDATE p SET v = 1 WHERE id <= 2")
	ended := c.ProxyEnded()
	if err := c.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Second, func() string {
		if _, err := idle.ExecContext(t.Context(), "SELECT 1"); err == nil {
			return "the idle client is still served"
		}
		return ""
	})
	if _, err := c.DB("d").Conn(t.Context()); err == nil {
		t.Error("a new client is let in")
	}
	time.Sleep(200 * time.Millisecond)
	exec(t, inside, "UPDATE p SET v = 2 WHERE id > 2")
	exec(t, inside, "COMMIT")
	if _, err := inside.ExecContext(t.Context(), "SELECT 1"); err == nil {
		t.Error("after its transaction the client is still served")
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the proxy does not end once its last transaction has")
	}
	sum := 0
	for i := range c.Shards {
		n, err := strconv.Atoi(one(t, c.ShardDB(i, "d"), "SELECT COALESCE(SUM(v), 0) FROM p"))
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if sum != 6 {
		t.Errorf("the shards have %d, want 6: what was answered OK must be there", sum)
	}
}

// TestDrainEnds: a transaction that does not end within the time is rolled back.
func TestDrainEnds(t *testing.T) {
	c := start(t, cluster.Options{Config: "timeouts: {drain: 1s}\n"})
	exec(t, c.DB("d"), "CREATE TABLE p (id INT PRIMARY KEY, v INT)")
	exec(t, c.DB("d"), "INSERT INTO p VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
	inside := conn(t, c.DB("d"))
	exec(t, inside, "BEGIN")
	exec(t, inside, "UPDATE p SET v = 1")
	ended, begin := c.ProxyEnded(), time.Now()
	if err := c.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the proxy waits for longer than its drain time")
	}
	if d := time.Since(begin); d < 900*time.Millisecond {
		t.Errorf("the transaction had only %v to end", d)
	}
	for i := range c.Shards {
		db := c.ShardDB(i, "d")
		if n := one(t, db, "SELECT COALESCE(SUM(v), 0) FROM p"); n != "0" {
			t.Errorf("shard %d has %s", i, n)
		}
		eventually(t, 3*time.Second, func() string {
			if n := one(t, db, "SELECT COUNT(*) FROM information_schema.innodb_trx"); n != "0" {
				return n + " open transactions"
			}
			return ""
		})
	}
}
