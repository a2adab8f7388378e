package commit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// disruption is what happens while a decided commit over three shards has not been told to any of them
// and ten clients want the rows that it holds.
type disruption struct {
	name  string
	happy bool // the client hears OK: the proxy lives
	run   func(d *disrupted)
}

// disrupted is the cluster at that moment.
type disrupted struct {
	*world
	t     *testing.T
	a     *accounts
	last  int // the shard whose part is delayed
	fault *cluster.Fault
	pause *cluster.Pause
	going bool
}

// goOn lets the commit go on.
func (d *disrupted) goOn() {
	d.t.Helper()
	d.going = true
	if err := d.pause.Go(); err != nil {
		d.t.Fatal(err)
	}
}

var disruptions = []disruption{
	{"nothing", true, func(d *disrupted) { time.Sleep(200 * time.Millisecond) }},
	{"shard restarts", true, func(d *disrupted) {
		d.KillShard(d.last)
		time.Sleep(50 * time.Millisecond)
		d.RestartShard(d.last)
	}},
	{"shard restarts while it is told", true, func(d *disrupted) {
		d.KillShard(d.last)
		d.goOn()
		time.Sleep(300 * time.Millisecond)
		d.RestartShard(d.last)
	}},
	{"shard hangs", true, func(d *disrupted) {
		resume := d.hold(d.t, d.last)
		d.goOn()
		time.Sleep(1500 * time.Millisecond) // longer than timeouts.commit
		resume()
	}},
	{"net down", true, func(d *disrupted) {
		d.fault.Refuse()
		d.goOn()
		time.Sleep(300 * time.Millisecond)
		d.fault.Heal(false)
	}},
	{"net silent, requests arrive late", true, func(d *disrupted) {
		d.fault.Silence(cluster.Requests)
		d.goOn()
		time.Sleep(1500 * time.Millisecond)
		d.fault.Heal(true)
	}},
	{"net silent, answers are lost", true, func(d *disrupted) {
		d.fault.Silence(cluster.Answers)
		d.goOn()
		time.Sleep(1500 * time.Millisecond)
		d.fault.Heal(false)
	}},
	{"proxy hangs", true, func(d *disrupted) {
		d.Freeze()
		time.Sleep(500 * time.Millisecond)
		d.Thaw()
	}},
	{"columns are added to the table that is locked", true, func(d *disrupted) {
		done := make(chan error, 1)
		c := d.client(d.t)
		defer c.close()
		go func() {
			_, err := c.Exec("ALTER TABLE account ADD COLUMN note VARCHAR(20)")
			done <- err
		}()
		time.Sleep(300 * time.Millisecond)
		d.goOn()
		if err := answer(d.t, done, 20*time.Second); err != nil {
			d.t.Errorf("ALTER TABLE beside a prepared transaction: %v", err)
		}
		for i := range d.Shards {
			mustExec(d.t, d.shard(i), "SELECT note FROM "+database+".account LIMIT 0")
		}
		c.must("ALTER TABLE account DROP COLUMN note")
	}},
	{"proxy restarts", false, func(d *disrupted) {
		d.KillProxy()
		d.StartProxy()
	}},
	{"proxy hangs and is killed", false, func(d *disrupted) {
		d.Freeze()
		time.Sleep(100 * time.Millisecond)
		d.KillProxy()
		d.StartProxy()
	}},
	{"proxy restarts while a shard is away", false, func(d *disrupted) {
		d.KillShard(d.last)
		d.KillProxy()
		d.StartProxy()
		time.Sleep(300 * time.Millisecond)
		d.RestartShard(d.last)
	}},
	{"shard moves to another address", false, func(d *disrupted) {
		d.KillProxy()
		from := d.Shards[0].Address()
		d.KillShard(0)
		d.moveShard(0)
		if d.Shards[0].Address() == from {
			d.t.Fatal("the shard has the address it had")
		}
		d.StartProxy()
	}},
}

// Whatever happens to a commit that is decided and not told yet, it is committed, exactly once, and nobody who
// wanted its rows meanwhile is lost, done twice or done by half.
func TestDisruptions(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3, Config: "timeouts:\n  prepare: 2s\n  commit: 1s\n  resolve: 200ms\n"})
	fault := w.Front(2)
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	var transfers []transfer
	for n, x := range disruptions {
		t.Run(x.name, func(t *testing.T) {
			d := &disrupted{world: w, t: t, a: a, last: 2, fault: fault, pause: cluster.NewPause(t, string(coordinator.StepDecisionDurable))}
			w.StartProxy(d.pause.Env()...)
			defer w.StopProxy()
			c := w.client(t)
			defer c.close()
			hot := a.pick(3)
			slow := transfer{id: fmt.Sprintf("slow-%d", n), legs: []leg{{hot[0], -2}, {hot[1], 1}, {hot[2], 1}}}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				slow.run(c.conn)
			}()
			if err := d.pause.Wait(10 * time.Second); err != nil {
				t.Fatal(err)
			}
			writers := a.openWith(10, uint64(n), hammer(n, hot))
			time.Sleep(100 * time.Millisecond)
			x.run(d)
			if !d.going && x.happy {
				d.goOn()
			}
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				t.Fatalf("COMMIT does not answer\n%s", lastLines(w.ProxyOutput(), 20))
			}
			if want := map[bool]outcome{true: committed, false: unknown}[x.happy]; slow.outcome != want {
				t.Errorf("the client of the delayed commit saw %q (%v), want %q", slow.outcome, slow.err, want)
			}
			slow.outcome = committed // it was decided
			writers.goesOn(t)
			transfers = append(append(transfers, writers.close()...), slow)
			w.settledIn(t, w.all(), 5*time.Second)
			w.nothingOpen(t)
			a.check(t, transfers)
			if t.Failed() {
				t.FailNow()
			}
		})
	}
}

// hammer makes transfers between rows that everybody wants, and gives up a lock after a second.
func hammer(round int, hot []int) func(string, *rand.Rand) transfer {
	return func(id string, rnd *rand.Rand) transfer {
		ids := slices.Clone(hot)
		rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		ids = ids[:2]
		slices.Sort(ids)
		return transfer{id: fmt.Sprintf("h%d-%s", round, id), legs: []leg{{ids[0], -1}, {ids[1], 1}}, lockWait: 1}
	}
}

// moveShard starts a shard that was killed on another port, as after a failover, and tells the proxy's file. Its name
// stays.
func (w *world) moveShard(i int) {
	w.t.Helper()
	from := w.Shards[i].Address()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := localdb.Start(ctx, localdb.Options{
		Name: w.Shards[i].Name, Dir: w.Shards[i].Dir, Port: freePort(w.t), ServerID: i + 1, ExtraArgs: []string{shortLockWaits},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Shards[i] = s
	w.openRoot(i)
	w.editConfig(func(text string) string {
		if !strings.Contains(text, from) {
			w.t.Fatalf("the configuration does not have %s", from)
		}
		return strings.ReplaceAll(text, from, s.Address())
	})
}
