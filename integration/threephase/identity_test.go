package threephase

import (
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

func TestCoordinatorIdIsUnique(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()

	// A second one with the same id, and a log of its own, is refused.
	twin := w.AddProxy(cluster.ProxyOptions{ID: "p1"})
	begin := time.Now()
	err := twin.TryStart()
	if err == nil || !strings.Contains(err.Error(), "another proxy runs as coordinator test.p1") || !strings.Contains(err.Error(), "KILL CONNECTION") {
		t.Fatalf("a second p1: %v", err)
	}
	if code := twin.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	x := w.transfer(2, 0)
	c := w.mode3(t, w.Proxy)
	x.mustOpen(c)
	c.must("COMMIT")

	// Killed, its successor starts at once, whichever machine it is on.
	for range 3 {
		w.KillProxy()
		begin := time.Now()
		if err := twin.TryStart(); err != nil {
			t.Fatalf("after the first was killed: %v", err)
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("the successor took %v", took)
		}
		twin.Kill()
		w.StartProxy()
	}

	// With shards down it serves: what is on others need not wait.
	w.StopProxy()
	w.KillShard(1)
	w.StartProxy()
	c = w.client(t, w.Proxy)
	one := w.transfer(1, 0)
	one.mustOpen(c)
	c.must("COMMIT")
	w.restartShard(1)
	every(t, 50*time.Millisecond, 10*time.Second, func() error {
		_, err := c.Exec("UPDATE account SET balance = balance")
		return err
	})
	w.StopProxy()
}

// Two that could not see each other at the start: the later one ends, loudly, as soon as they could.
func TestTwinIsFoundLater(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.p2.Stop()
	twin := w.AddProxy(cluster.ProxyOptions{ID: "p1"})
	var fronts []*cluster.Fault
	for i := range w.Shards {
		f := twin.Front(i)
		f.Refuse()
		fronts = append(fronts, f)
	}
	w.StartProxy()
	if err := twin.TryStart(); err != nil {
		t.Fatalf("with no shard to be seen: %v", err)
	}
	for _, f := range fronts {
		f.Heal(true)
	}
	select {
	case <-twin.Ended():
	case <-time.After(20 * time.Second):
		t.Fatal("the twin goes on")
	}
	if code := twin.ExitCode(); code != 1 || !strings.Contains(twin.Output(), "another proxy runs as coordinator test.p1") {
		t.Errorf("exit code %d:\n%s", code, lastLines(twin.Output(), 10))
	}
	c := w.mode3(t, w.Proxy)
	x := w.transfer(2, 0)
	x.mustOpen(c)
	c.must("COMMIT")
}
