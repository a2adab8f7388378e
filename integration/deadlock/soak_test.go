package deadlock

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// Transactions over both shards that all lock in the same order: they wait for each other all the time,
// long enough to be looked at, and can never form a cycle. Every 1213 is a false victim.
func TestNoFalseVictims(t *testing.T) {
	length := 20 * time.Second
	if text := os.Getenv("LOCKSTEP_DEADLOCK_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("LOCKSTEP_DEADLOCK_SOAK=%q: %v", text, err)
		}
	}
	w := start(t, cluster.Options{Config: "deadlock_wait: 20ms\n"})
	second := w.AddProxy(cluster.ProxyOptions{})
	second.Start()
	var order []int // of all rows that are used
	for i := range w.Shards {
		order = append(order, w.keys[i][:3]...)
	}
	// The order has the shards in turns, so that transactions wait on either while they hold locks on the other.
	slices.SortFunc(order, func(a, b int) int { return a - b })
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	var wait sync.WaitGroup
	var done, waited atomic.Int64
	for i := range 12 {
		p := w.Proxies()[i%2]
		c := w.client(p, "bank")
		own := []int{w.keys[0][3+i], w.keys[1][3+i]}
		wait.Go(func() {
			for ctx.Err() == nil {
				if err := ordered(c, own, order, &waited); err != nil {
					t.Errorf("worker %d hears %v", i, err)
					return
				}
				done.Add(1)
			}
		})
	}
	wait.Wait()
	t.Logf("%d transactions in %v, %d statements waited past 100ms, %d readings (%d stale), %d false alarms", done.Load(), length, waited.Load(),
		w.metric("readings_total"), w.metric("stale_readings_total"), w.metric("false_alarms_total"))
	if v, n := w.metric("victims_total"), w.metric("cycles_total"); v+n > 0 {
		t.Errorf("%d cycles found and %d victims, where there can be none", n, v)
	}
	if waited.Load() == 0 || w.metric("readings_total") == 0 {
		t.Error("nobody waited long enough: the test shows nothing")
	}
}

// ordered is one transaction. It begins with rows of its own on both shards, so that it is one of several shards
// before it waits for anybody.
func ordered(c *client, own, order []int, waited *atomic.Int64) error {
	rows := slices.Clone(order)
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	rows = rows[:2+rand.N(3)]
	slices.Sort(rows)
	if err := c.try("BEGIN"); err != nil {
		return err
	}
	for _, id := range append(slices.Clone(own), rows...) {
		query := add(id)
		if rand.N(3) == 0 {
			query = fmt.Sprintf("SELECT v FROM a WHERE id = %d FOR UPDATE", id)
		}
		began := time.Now()
		if err := c.try(query); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		if time.Since(began) > 100*time.Millisecond {
			waited.Add(1)
		}
		time.Sleep(rand.N(15 * time.Millisecond))
	}
	if rand.N(5) == 0 {
		return c.try("ROLLBACK")
	}
	return c.try("COMMIT")
}

// The same with transactions that lock in any order, so that there are deadlocks all the time: none lasts,
// everybody gets on, and nothing is ever half done.
func TestManyDeadlocks(t *testing.T) {
	w := start(t, cluster.Options{Shards: 3, BinLog: true, ShardArgs: []string{"--innodb-lock-wait-timeout=15"}})
	second := w.AddProxy(cluster.ProxyOptions{})
	second.Start()
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	var wait sync.WaitGroup
	var committed, victims atomic.Int64
	var longest atomic.Int64
	for i := range 9 {
		c := w.client(w.Proxies()[i%2], "bank")
		wait.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				err := transfer(c, w.keys)
				longest.Store(max(longest.Load(), int64(time.Since(began))))
				switch {
				case err == nil:
					committed.Add(1)
				case deadlocked(err):
					victims.Add(1)
					if err := c.try("ROLLBACK"); err != nil {
						t.Errorf("worker %d: ROLLBACK: %v", i, err)
						return
					}
				default:
					t.Errorf("worker %d hears %v", i, err)
					return
				}
			}
		})
	}
	wait.Wait()
	t.Logf("%d transactions committed, %d heard of a deadlock, the longest took %v; found by proxies: %d, false alarms %d",
		committed.Load(), victims.Load(), time.Duration(longest.Load()).Round(time.Millisecond), w.metric("victims_total"), w.metric("false_alarms_total"))
	c := w.client(w.Proxy, "bank")
	if sum := c.number("SELECT SUM(v) FROM a"); sum != 0 {
		t.Errorf("transfers made the sum %d", sum)
	}
	if victims.Load() == 0 || committed.Load() == 0 || w.metric("victims_total") == 0 {
		t.Error("no deadlocks over several shards: the test shows nothing")
	}
}

// transfer moves 1 between two rows of different shards, in any order.
func transfer(c *client, keys [][]int) error {
	from := rand.N(len(keys))
	to := (from + 1 + rand.N(len(keys)-1)) % len(keys)
	for _, query := range []string{
		"BEGIN",
		fmt.Sprintf("UPDATE a SET v = v - 1 WHERE id = %d", keys[from][rand.N(2)]),
		fmt.Sprintf("UPDATE a SET v = v + 1 WHERE id = %d", keys[to][rand.N(2)]),
		"COMMIT",
	} {
		if err := c.try(query); err != nil {
			return err
		}
		time.Sleep(rand.N(3 * time.Millisecond))
	}
	return nil
}
