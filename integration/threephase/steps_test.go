package threephase

import (
	"fmt"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/localdb"
	"lockstep/proxy/admin"
)

// stepCase is a place in a three-phase commit.
type stepCase struct {
	step coordinator.Step
	k    int // participants that are so far

	// What must become of a transaction whose proxy dies there: committed, rolled back, or (neither) what
	// the shards show, as verbs of one phase run in parallel and more can be done than the proxy has heard of.
	committed, aborted bool
}

func (c stepCase) String() string {
	if c.k == 0 {
		return string(c.step)
	}
	return fmt.Sprintf("%s:%d", c.step, c.k)
}

// stepsOf a three-phase commit over n shards, in their order.
func stepsOf(n int) []stepCase {
	list := []stepCase{{step: coordinator.StepBeforePrepare, aborted: true}}
	for k := 1; k <= n; k++ {
		list = append(list, stepCase{step: coordinator.StepPrepared, k: k, committed: k == n})
	}
	list = append(list, stepCase{step: coordinator.StepAllPrepared, committed: true})
	for k := 1; k <= n; k++ {
		list = append(list, stepCase{step: coordinator.StepCommitted, k: k, committed: true})
	}
	return list
}

// A proxy dies at each step, and its disk with it: another one settles all that it left, by the shards alone.
func TestProxyAndDiskLostAtEachStep(t *testing.T) { onEngines(t, proxyAndDiskLost) }

func proxyAndDiskLost(t *testing.T, e localdb.Engine) {
	w := newWorld(t, cluster.Options{Shards: 3, Engine: e})
	sizes := []int{2}
	if thorough() {
		sizes = []int{2, 3}
	}
	var slowest time.Duration
	for _, n := range sizes {
		for i, step := range stepsOf(n) {
			t.Run(fmt.Sprintf("%d shards/%s", n, step), func(t *testing.T) {
				w.StartProxy("LOCKSTEP_FAILPOINT=" + step.String())
				c := w.mode3(t, w.Proxy)
				defer c.close()
				x := w.transfer(n, i)
				x.mustOpen(c)
				if _, err := c.Exec("COMMIT"); codeOf(err) != -1 {
					t.Errorf("COMMIT of a proxy that died: %v, want a broken connection", err)
				}
				<-w.ProxyEnded()
				died := time.Now()
				w.DeleteLog()
				slowest = max(slowest, w.settled(t, settleLimit).Sub(died))
				got := w.happened(t, x)
				if step.committed && !got || step.aborted && got {
					t.Errorf("committed: %v", got)
				}
				w.rowsAreFree(t, w.p2, x)
				// The lost one comes back with an empty log, under the same id.
				w.StartProxy()
				w.rowsAreFree(t, w.Proxy, w.transfer(n, i))
				w.StopProxy()
				if again := w.happened(t, x); again != got {
					t.Errorf("committed: %v, and later %v", got, again)
				}
			})
		}
	}
	t.Logf("settled by the other proxy at most %v after the death (precommit_timeout %v)", slowest.Round(time.Millisecond), precommit)
	w.check(t)
}

// The same with the time limits that a proxy has by default, and many transactions at once.
func TestProxyAndDiskLostUnderLoadWithDefaults(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for precommit_timeout's default")
	}
	const preset, clients = 3 * time.Second, 8
	w := newWorld(t, cluster.Options{Config: "marker_retention: 2m\n"})
	w.grownUp(t)
	w.StartProxy("LOCKSTEP_FAILPOINT=all-prepared:0:12")
	var all []*load
	for k := range clients {
		all = append(all, w.load(t, w.Proxy, k, "3pc"))
	}
	<-w.ProxyEnded()
	died := time.Now()
	for _, l := range all {
		l.stop()
	}
	w.DeleteLog()
	left, err := w.prepared()
	if err != nil || len(left) == 0 {
		t.Fatalf("the proxy left nothing prepared: this test has shown nothing (%v)", err)
	}
	took := w.settled(t, preset+time.Second).Sub(died)
	t.Logf("%d prepared branches settled %v after the death (precommit_timeout %v)", len(left), took.Round(time.Millisecond), preset)
	for _, l := range all {
		l.check(t)
	}
	w.check(t)
}

// grownUp waits until every shard's server is old enough to tell its sessions from those of a server
// before it by the clock alone, which counts whole seconds.
func (w *world) grownUp(t *testing.T) {
	t.Helper()
	for i := range w.Shards {
		every(t, 100*time.Millisecond, 10*time.Second, func() error {
			var name string
			var seconds int
			if err := w.root[i].QueryRow("SHOW GLOBAL STATUS LIKE 'Uptime'").Scan(&name, &seconds); err != nil {
				return err
			}
			if seconds < 4 {
				return fmt.Errorf("shard %s has been up for %d s", w.Shards[i].Name, seconds)
			}
			return nil
		})
	}
}

// A shard dies at each step; the proxies live.
func TestShardDownAtEachStep(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 2})
	steps := []stepCase{
		{step: coordinator.StepBeforePrepare, aborted: true},
		{step: coordinator.StepPrepared, k: 1},
		{step: coordinator.StepAllPrepared, committed: true},
		{step: coordinator.StepCommitted, k: 1, committed: true},
	}
	if thorough() {
		steps = stepsOf(2)
	}
	for i, step := range steps {
		victims := []int{i % 2}
		if thorough() {
			victims = []int{0, 1}
		}
		for _, victim := range victims {
			t.Run(fmt.Sprintf("%s/%s", step, w.Shards[victim].Name), func(t *testing.T) {
				pause := cluster.NewPause(t, step.String())
				w.StartProxy(pause.Env()...)
				defer w.StopProxy()
				c := w.mode3(t, w.Proxy)
				defer c.close()
				x := w.transfer(2, i)
				x.mustOpen(c)
				done := c.start("COMMIT")
				if err := pause.Wait(10 * time.Second); err != nil {
					t.Fatal(err)
				}
				w.KillShard(victim)
				if err := pause.Go(); err != nil {
					t.Fatal(err)
				}
				err := answer(t, done, 15*time.Second)
				if err == nil && step.committed && step.step == coordinator.StepAllPrepared {
					if rows := c.rows("SHOW WARNINGS"); len(rows) != 1 {
						t.Errorf("committed without the shard, and the warnings are %v", rows)
					}
				}
				w.restartShard(victim)
				w.settled(t, 5*time.Second)
				got := w.mustAgree(t, x, err)
				// A shard that was told to prepare may have died before or after it did.
				if step.aborted && got || step.committed && !got {
					t.Errorf("committed: %v; the client saw %v", got, err)
				}
				w.waitUp(t)
				w.rowsAreFree(t, w.p2, x)
			})
		}
	}
	w.check(t)
}

// waitUp waits until both proxies reach all shards.
func (w *world) waitUp(t *testing.T) {
	t.Helper()
	for _, p := range w.Proxies() {
		every(t, 20*time.Millisecond, 10*time.Second, func() error {
			var s admin.Status
			if err := p.Get("/api/v1/status", &s); err != nil {
				return err
			}
			if len(s.Readiness.Down) > 0 {
				return fmt.Errorf("proxy %s does not reach %v", p.ID, s.Readiness.Down)
			}
			return nil
		})
	}
}
