package tpcc

import (
	"context"
	"database/sql"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }

const shards = 3

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number", name, v)
	}
	return n
}

func TestTransactions(t *testing.T) {
	s := small
	switch v := os.Getenv("LOCKSTEP_TPCC_SCALE"); v {
	case "full":
		s = full
	case "":
	default:
		t.Fatalf("LOCKSTEP_TPCC_SCALE is %q, want full", v)
	}
	s.warehouses = number(t, "LOCKSTEP_TPCC_WAREHOUSES", 3)
	duration := 10 * time.Second
	if v := os.Getenv("LOCKSTEP_TPCC_TIME"); v != "" {
		var err error
		if duration, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	c := cluster.Start(t, cluster.Options{Shards: shards, Config: rules})
	c.StartProxy()
	ctx := context.Background()
	if _, err := c.DB("").ExecContext(ctx, "CREATE DATABASE tpcc"); err != nil {
		t.Fatal(err)
	}
	db := c.DB("tpcc", "timeout=2s")
	begun := time.Now()
	if err := load(ctx, db, s); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d warehouses, %d items, %d customers of a district, loaded in %.1f s", s.warehouses, s.items, s.customers, time.Since(begun).Seconds())
	hold(t, c, s, false)

	terminals := work(t, c, db, s, duration)
	settled(t, c)
	tell(t, terminals, duration)
	hold(t, c, s, true)
	remote(t, c)
}

// remote checks that there were transactions over several warehouses, which are on several shards.
func remote(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, q := range []string{"SELECT COUNT(*) FROM history WHERE h_c_w_id <> h_w_id", "SELECT COUNT(*) FROM order_line WHERE ol_supply_w_id <> ol_w_id"} {
		var n int
		if err := c.DB("tpcc").QueryRow(q).Scan(&n); err != nil || n == 0 {
			t.Errorf("%s: %d, %v; want some", q, n, err)
		}
		t.Logf("%s: %d", q, n)
	}
}

// work runs the terminals; the proxy is killed in the midst and started again.
func work(t *testing.T, c *cluster.Cluster, db *sql.DB, s scale, duration time.Duration) []*terminal {
	until, cancel := context.WithTimeout(context.Background(), duration)
	defer cancel()
	var list []*terminal
	var wg sync.WaitGroup
	for n := range number(t, "LOCKSTEP_TPCC_THREADS", 8) {
		term := newTerminal(db, s, n)
		list = append(list, term)
		wg.Go(func() { term.run(until) })
	}
	time.Sleep(duration / 2)
	c.Kill()
	c.StartProxy()
	wg.Wait()
	return list
}

// settled waits until no shard has a prepared branch.
func settled(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for i := 0; i < len(c.Shards); {
		list, err := c.Prepared(i)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			i++
			continue
		}
		if time.Now().After(deadline) {
			t.Fatalf("shard %s still has prepared branches: %q", c.Shards[i].Name, list)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// hold checks the conditions through the proxy, and in what the shards hold.
func hold(t *testing.T, c *cluster.Cluster, s scale, begun bool) {
	t.Helper()
	when := "after loading"
	if begun {
		when = "at the end"
	}
	var direct []*sql.DB
	for i := range c.Shards {
		direct = append(direct, c.ShardDB(i, "tpcc"))
	}
	for way, dbs := range map[string][]*sql.DB{"through the proxy": {c.DB("tpcc")}, "on the shards": direct} {
		for _, condition := range s.conditions() {
			if condition.begun && !begun {
				continue
			}
			wrong, err := condition.violated(context.Background(), dbs)
			if err != nil {
				t.Errorf("%s, %s: condition %s: %v", when, way, condition.name, err)
			} else if wrong != "" {
				t.Errorf("%s, %s: condition %s does not hold for %s", when, way, condition.name, wrong)
			}
		}
	}
}

func tell(t *testing.T, terminals []*terminal, duration time.Duration) {
	t.Helper()
	done, aborted := map[string]int{}, map[uint16]int{}
	var all, lost, chosen int
	var slowest time.Duration
	for _, term := range terminals {
		for name, n := range term.done {
			done[name] += n
			all += n
		}
		for code, n := range term.aborted {
			aborted[code] += n
		}
		lost, chosen, slowest = lost+term.lost, chosen+term.chosen, max(slowest, term.slowest)
		for _, err := range term.failed {
			t.Error(err)
		}
	}
	t.Logf("%d terminals, %v: %d transactions (%.0f/s), %d new orders a minute; %v", len(terminals), duration, all, float64(all)/duration.Seconds(), int(float64(done["new-order"])/duration.Minutes()), done)
	t.Logf("rolled back by choice %d, aborted %v, connections lost with the killed proxy %d, slowest %v", chosen, aborted, lost, slowest.Round(time.Millisecond))
	for _, tx := range transactions {
		if done[tx.name] == 0 {
			t.Errorf("no %s was done", tx.name)
		}
	}
}
