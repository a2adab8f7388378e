package commit

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// envFuzzTime is how long each kind of TestFuzzOrder runs; default 1s.
const envFuzzTime = "LOCKSTEP_FUZZ_TIME"

// threadSet is three counters, one on each shard, that transactions raise together.
type threadSet [3]int

// change is one transaction of a thread: it raises the counters of a set by one and writes itself down beside each.
type change struct {
	name    string
	set     int
	outcome outcome
	err     error
}

// Threads raise sets of counters on three shards together, now and then with savepoints and in another order. The
// counters of a set are equal in the end, and the transactions that conflict committed in the same order on
// all shards, whatever was killed meanwhile.
func TestFuzzOrder(t *testing.T) {
	lasts := time.Second
	if text := os.Getenv(envFuzzTime); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", envFuzzTime, err)
		}
	}
	rnd := rand.New(rand.NewPCG(seed(t), 3))
	w := newWorld(t, cluster.Options{Shards: 3, Config: "timeouts:\n  prepare: 2s\n  commit: 2s\n  resolve: 200ms\n"})
	w.StartProxy()
	a := w.makeAccounts(200, 0)
	for _, k := range []struct {
		threads, sets int
		disrupted     bool
	}{{1, 1, false}, {2, 1, false}, {15, 15, false}, {4, 4, true}} {
		t.Run(fmt.Sprintf("%d threads, %d sets, disrupted=%v", k.threads, k.sets, k.disrupted), func(t *testing.T) {
			f := &fuzzer{world: w, a: a, round: fmt.Sprintf("f%d-%d", k.threads, k.sets), stop: make(chan struct{})}
			for i := range k.sets {
				f.sets = append(f.sets, threadSet{a.on[0][i], a.on[1][i], a.on[2][i]})
			}
			f.start(t)
			var wait sync.WaitGroup
			for i := range k.threads {
				own := rand.New(rand.NewPCG(rnd.Uint64(), uint64(i)))
				wait.Go(func() { f.thread(t, i, own) })
			}
			end := time.Now().Add(lasts)
			for k.disrupted && time.Now().Before(end.Add(lasts)) {
				time.Sleep(time.Duration(rnd.IntN(200)) * time.Millisecond)
				f.disrupt(t, rnd)
			}
			time.Sleep(time.Until(end))
			close(f.stop)
			wait.Wait()
			w.settledIn(t, w.all(), 5*time.Second)
			w.nothingOpen(t)
			f.check(t, k.disrupted)
		})
	}
}

type fuzzer struct {
	*world
	a     *accounts
	round string
	sets  []threadSet
	begin []int64 // of the sets
	stop  chan struct{}

	mu      sync.Mutex
	changes []change
}

func (f *fuzzer) start(t *testing.T) {
	for _, set := range f.sets {
		f.begin = append(f.begin, f.a.balance(t, set[0]))
	}
}

func (f *fuzzer) thread(t *testing.T, n int, rnd *rand.Rand) {
	db, err := sql.Open("mysql", f.DSN(database, "timeout=5s", "readTimeout=60s"))
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	var conn *sql.Conn
	for i := 0; ; i++ {
		select {
		case <-f.stop:
			if conn != nil {
				conn.Close()
			}
			return
		default:
		}
		if conn == nil {
			if conn, err = db.Conn(context.Background()); err != nil {
				conn = nil
				time.Sleep(5 * time.Millisecond)
				continue
			}
		}
		c := change{name: fmt.Sprintf("%s-%d-%d", f.round, n, i), set: rnd.IntN(len(f.sets)), outcome: rolledBack}
		c.err = f.body(conn, c, rnd)
		if c.err == nil {
			_, c.err = conn.ExecContext(context.Background(), "COMMIT")
			switch codeOf(c.err) {
			case 0:
				c.outcome = committed
			case codeInDoubt, -1:
				c.outcome = unknown
			}
		} else if codeOf(c.err) > 0 {
			// A failure shows at the next use.
			_, _ = conn.ExecContext(context.Background(), "ROLLBACK")
		}
		f.mu.Lock()
		f.changes = append(f.changes, c)
		f.mu.Unlock()
		if codeOf(c.err) == -1 {
			conn.Close()
			conn = nil
		}
	}
}

// body raises the counters, mostly in one order, so that threads wait for each other more often than they
// deadlock. What a savepoint takes back must leave no trace.
func (f *fuzzer) body(conn *sql.Conn, c change, rnd *rand.Rand) error {
	ids := f.sets[c.set][:]
	if rnd.IntN(10) == 0 {
		ids = slices.Clone(ids)
		rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	}
	do := func(query string, args ...any) error {
		_, err := conn.ExecContext(context.Background(), query, args...)
		return err
	}
	if err := do("SET innodb_lock_wait_timeout = 1"); err != nil {
		return err
	}
	if err := do("BEGIN"); err != nil {
		return err
	}
	for _, id := range ids {
		if rnd.IntN(5) == 0 {
			for _, s := range []string{"SAVEPOINT here", add(id, 1000), "ROLLBACK TO here"} {
				if err := do(s); err != nil {
					return err
				}
			}
		}
		if err := do(add(id, 1)); err != nil {
			return err
		}
		var at int64
		if err := conn.QueryRowContext(context.Background(), "SELECT balance FROM account WHERE id = ?", id).Scan(&at); err != nil {
			return err
		}
		if err := do("INSERT INTO ledger (account, transfer, amount) VALUES (?, ?, ?)", id, c.name, at); err != nil {
			return err
		}
	}
	return nil
}

// disrupt does one thing to the proxy, to a shard, or to the tables.
func (f *fuzzer) disrupt(t *testing.T, rnd *rand.Rand) {
	shard := rnd.IntN(len(f.Shards))
	switch rnd.IntN(5) {
	case 0:
		f.KillProxy()
		f.StartProxy()
	case 1:
		f.KillShard(shard)
		f.RestartShard(shard)
	case 2:
		f.KillShard(shard)
		f.KillProxy()
		f.StartProxy()
		f.RestartShard(shard)
	case 3:
		resume := f.hold(t, shard)
		time.Sleep(100 * time.Millisecond)
		resume()
	case 4:
		c, err := f.tryClient(t)
		if err != nil {
			return // a shard is still coming up
		}
		defer c.close()
		for _, s := range []string{"ALTER TABLE ledger ADD INDEX fuzz (amount)", "ALTER TABLE ledger DROP INDEX fuzz"} {
			if _, err := c.Exec(s); err != nil {
				t.Logf("%s: %v", s, err)
			}
		}
	}
}

// check the counters and the order of each set, and each change by what its thread was told.
func (f *fuzzer) check(t *testing.T, disrupted bool) {
	t.Helper()
	seen := map[string]int{} // change to sets of rows that have it
	for i, set := range f.sets {
		var first []string
		for shard, id := range set {
			order := f.order(t, shard, id)
			if got, want := f.a.balance(t, id)-f.begin[i], int64(len(order)); got != want {
				t.Errorf("set %d: the counter on shard %d was raised by %d, and %d changes are written down", i, shard, got, want)
			}
			for _, name := range order {
				seen[name]++
			}
			if shard == 0 {
				first = order
			} else if !slices.Equal(first, order) {
				t.Errorf("set %d: order on shard 0 and on shard %d:\n%v\n%v", i, shard, first, order)
			}
		}
	}
	count := map[outcome]int{}
	codes := map[int]int{}
	for _, c := range f.changes {
		count[c.outcome]++
		if c.err != nil {
			codes[codeOf(c.err)]++
		}
		rows := seen[c.name]
		delete(seen, c.name)
		switch {
		case c.outcome == committed && rows != 3, c.outcome == rolledBack && rows != 0, rows != 0 && rows != 3:
			t.Errorf("%s (%s, %v) is on %d shards", c.name, c.outcome, c.err, rows)
		}
	}
	if len(seen) > 0 {
		t.Errorf("changes that nobody made: %v", seen)
	}
	t.Logf("%d changes committed, %d rolled back, %d unknown; errors by number: %v", count[committed], count[rolledBack], count[unknown], codes)
	if count[committed] < 10 {
		t.Errorf("only %d changes were committed: this has shown nothing", count[committed])
	}
	if !disrupted && count[unknown] > 0 {
		t.Errorf("%d changes are unknown, and nothing was killed", count[unknown])
	}
}

// order of the changes of one counter, by the value that each left.
func (f *fuzzer) order(t *testing.T, shard, id int) (names []string) {
	t.Helper()
	rows, err := f.shard(shard).Query("SELECT transfer, amount FROM "+database+".ledger WHERE account = ? AND transfer LIKE ? ORDER BY amount", id, f.round+"-%")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	last := int64(-1)
	for rows.Next() {
		var name string
		var at int64
		if err := rows.Scan(&name, &at); err != nil {
			t.Fatal(err)
		}
		if at == last {
			t.Errorf("two changes of account %d left it at %d, one of them is %s", id, at, name)
		}
		last = at
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}
