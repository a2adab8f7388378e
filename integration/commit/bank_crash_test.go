package commit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

// settleLimit is how long a restarted proxy may need for all that its predecessor left prepared.
const settleLimit = 2 * time.Second

// The proxy dies at random moments under load and is started again.
func TestCrashProxyUnderLoad(t *testing.T) {
	kills := 15 // package chaos goes on for longer, and breaks more
	if testing.Short() {
		kills = 5
	}
	rnd := rand.New(rand.NewPCG(seed(t), 1))
	w := newWorld(t, cluster.Options{Shards: 3})
	w.StartProxy()
	a := w.makeAccounts(96, 1000)
	b := a.open(rnd.Uint64())
	var settled settleTimes
	for i := range kills {
		time.Sleep(time.Duration(150+rnd.IntN(500)) * time.Millisecond)
		w.KillProxy()
		settled.leftBehind(w)
		began := time.Now()
		w.StartProxy()
		serving := time.Now()
		if err := settled.wait(w, w.all(), began, serving); err != nil {
			t.Errorf("kill %d: %v", i+1, err)
			break
		}
	}
	b.goesOn(t)
	transfers := b.close()
	w.mustSettle(w.all(), settleLimit)
	summary(t, transfers)
	settled.report(t)
	a.check(t, transfers)
	a.checkThroughProxy(t)
	w.logIsEmptyAfterStop(t)
}

// Each shard dies in turn under load and comes back, then each together with the proxy.
func TestCrashShardsUnderLoad(t *testing.T) {
	rnd := rand.New(rand.NewPCG(seed(t), 2))
	w := newWorld(t, cluster.Options{Shards: 3})
	w.StartProxy()
	a := w.makeAccounts(96, 1000)
	b := a.open(rnd.Uint64())
	pause := func(least, spread int) { time.Sleep(time.Duration(least+rnd.IntN(spread)) * time.Millisecond) }
	var settled settleTimes
	for i := range w.Shards {
		pause(200, 400)
		w.KillShard(i)
		pause(50, 300)
		w.RestartShard(i)
		b.goesOn(t)
	}
	for i := range w.Shards {
		pause(200, 400)
		if rnd.IntN(2) == 0 {
			w.KillShard(i)
			w.KillProxy()
		} else {
			w.KillProxy()
			w.KillShard(i)
		}
		others := slices.DeleteFunc(w.all(), func(s int) bool { return s == i })
		settled.leftBehindOn(w, others)
		began := time.Now()
		w.StartProxy()
		// The shards that live are settled while the other one is down.
		if err := settled.wait(w, others, began, time.Now()); err != nil {
			t.Errorf("shard %s down: %v", w.Shards[i].Name, err)
		}
		w.RestartShard(i)
		if err := settled.wait(w, w.all(), time.Now(), time.Now()); err != nil {
			t.Errorf("shard %s back: %v", w.Shards[i].Name, err)
		}
		b.goesOn(t)
	}
	transfers := b.close()
	w.mustSettle(w.all(), settleLimit)
	summary(t, transfers)
	settled.report(t)
	a.check(t, transfers)
	a.checkThroughProxy(t)
	w.logIsEmptyAfterStop(t)
}

// goesOn waits until clients commit again.
func (b *bank) goesOn(t *testing.T) {
	t.Helper()
	before := b.count(committed)
	eventually(t, 20*time.Second, func() error {
		if b.count(committed) < before+bankClients {
			return fmt.Errorf("only %d transfers committed since the last kill", b.count(committed)-before)
		}
		return nil
	})
}

func (a *accounts) checkThroughProxy(t *testing.T) {
	t.Helper()
	const sum = "SELECT SUM(balance) FROM account"
	// The proxy may not have noticed yet that a shard is back.
	var down *mysql.MySQLError
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var n int64
		if err := a.w.DB(database).QueryRow(sum).Scan(&n); !errors.As(err, &down) || down.Number != 1429 {
			break
		}
	}
	if got, want := queryInt(t, a.w.DB(database), sum), a.initial*int64(len(a.home)); got != want {
		t.Errorf("through the proxy all accounts have %d, want %d", got, want)
	}
}

// settleTimes measures recovery over many kills.
type settleTimes struct {
	left                   int // branches found prepared after kills
	fromStart, fromServing []time.Duration
}

// leftBehind counts what a kill has left prepared.
func (s *settleTimes) leftBehind(w *world) { s.leftBehindOn(w, w.all()) }

func (s *settleTimes) leftBehindOn(w *world, shards []int) {
	w.t.Helper()
	time.Sleep(5 * time.Millisecond) // what the dead proxy had sent is still being done
	list, err := w.ours(shards, "")
	if err != nil {
		w.t.Fatal(err)
	}
	s.left += len(list)
}

// wait until the branches of all earlier starts are gone from some shards.
func (s *settleTimes) wait(w *world, shards []int, began, serving time.Time) error {
	status, err := w.status()
	if err != nil {
		return err
	}
	clean, err := w.settled(shards, status.Epoch, settleLimit)
	if err != nil {
		return err
	}
	s.fromStart = append(s.fromStart, clean.Sub(began))
	s.fromServing = append(s.fromServing, max(0, clean.Sub(serving)))
	return nil
}

func (s *settleTimes) report(t *testing.T) {
	t.Helper()
	if s.left == 0 {
		t.Errorf("no kill left a branch prepared: this test has shown nothing of recovery")
	}
	if len(s.fromStart) == 0 {
		return
	}
	t.Logf("%d kills left %d branches prepared; until none was left, from the start of the process: p50 %v, max %v; from when it served: p50 %v, max %v",
		len(s.fromStart), s.left, median(s.fromStart), slices.Max(s.fromStart).Round(time.Millisecond),
		median(s.fromServing), slices.Max(s.fromServing).Round(time.Millisecond))
}

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2].Round(time.Millisecond)
}
