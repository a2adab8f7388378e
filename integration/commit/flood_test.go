package commit

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/txlog"
)

// envFlood is the number of prepared branches that a start meets; default 300, with five times the time that 10,000 may take.
const envFlood = "LOCKSTEP_FLOOD"

// Targets of recovery: how long after the start of its process a proxy has settled the first branch, and
// 10,000; and what it may take of memory beside that of an idle one.
const (
	floodFirst  = time.Second
	floodAll    = 10 * time.Second
	floodMemory = 64 << 20
)

// A start that finds thousands of prepared branches on three shards, half of their transactions to be
// committed: it serves at once, settles them quickly, and its memory stays bounded.
func TestFloodOfPreparedBranches(t *testing.T) {
	n, list := 300, []setup{{engine: cluster.Engine(t), mode: twoPhase}, {engine: cluster.Engine(t), mode: threePhase}}
	if text := os.Getenv(envFlood); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 12 {
			t.Fatalf("%s=%q is not a number above 11", envFlood, text)
		}
		list = nil
		for _, engine := range cluster.Engines {
			for _, mode := range []string{twoPhase, threePhase} {
				list = append(list, setup{engine: engine, mode: mode}, setup{engine: engine, mode: mode, binLog: true})
			}
		}
	}
	for _, s := range list {
		t.Run(s.String(), func(t *testing.T) { floodedStart(t, s, n) })
	}
}

// floodedStart is one start that finds about so many branches.
func floodedStart(t *testing.T, s setup, branches int) {
	w := newWorld(t, cluster.Options{Engine: s.engine, Shards: 3, BinLog: s.binLog})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	idle := w.peakMemory(t)
	w.KillProxy()
	// Connection ids of a server that has just started tell little of whose they were.
	for i := range w.Shards {
		w.KillShard(i)
		w.RestartShard(i)
	}
	f := w.flood(t, a, s.mode, branches)

	began := time.Now()
	w.StartProxy()
	serving := time.Since(began)
	c := w.client(t, "readTimeout=4s")
	defer c.close()
	at := a.attempt(t, c, 3)
	c.must("COMMIT")
	answered := time.Since(began)
	first, all := f.watch(t, w, began)
	if err := w.WaitReady(settleLimit); err != nil {
		t.Error(err)
	}
	peak := w.peakMemory(t)
	t.Logf("%d branches of %d transactions on %d shards, made in %v: serving after %v, a commit over 3 shards answered after %v, first branch settled after %v, all after %v; memory at most %d MiB, idle %d MiB",
		f.branches, len(f.gtrids), len(w.Shards), f.took.Round(time.Millisecond), serving.Round(time.Millisecond), answered.Round(time.Millisecond), first.Round(time.Millisecond), all.Round(time.Millisecond), peak>>20, idle>>20)
	if !cluster.Race {
		for _, limit := range []struct {
			what      string
			got, most time.Duration
		}{{"a commit was answered", answered, floodFirst}, {"the first branch was settled", first, floodFirst}, {"all were settled", all, floodAll}} {
			if os.Getenv(envFlood) == "" {
				limit.most *= 5 // many tests run at once
			}
			if limit.got > limit.most {
				t.Errorf("%s after %v, want %v", limit.what, limit.got, limit.most)
			}
		}
		if peak > idle+floodMemory {
			t.Errorf("memory went from %d to %d bytes", idle, peak)
		}
	}
	at.check(t, true)
	f.check(t, w)
	w.logIsEmptyAfterStop(t)
}

// flood is many transactions over two shards each, prepared by hand.
type flood struct {
	mode     string
	gtrids   []string
	shards   [][2]int
	branches int
	took     time.Duration // to make them
}

const floodEpoch = "flood"

// committed says what must come of a transaction: in two-phase mode the log has a decision of it, in three-phase
// mode both of its branches are prepared, and not only the first.
func (f *flood) committed(i int) bool { return i%2 == 0 }

// prepared says whether a transaction has a prepared branch on a shard.
func (f *flood) prepared(i, shard int) bool {
	return f.shards[i][0] == shard || f.shards[i][1] == shard && (f.committed(i) || f.mode == twoPhase)
}

// flood prepares transactions in the name of an earlier start, each branch in a session that ends.
func (w *world) flood(t *testing.T, a *accounts, mode string, branches int) *flood {
	t.Helper()
	f := &flood{mode: mode}
	began := time.Now()
	l, err := txlog.Open(txlog.Options{Path: w.LogPath(), Identity: txlog.Identity{Cluster: "test", Coordinator: "p1"}, Epoch: floodEpoch})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := 0; f.branches < branches; i++ {
		f.gtrids = append(f.gtrids, fmt.Sprintf("test.p1.%s.%d", floodEpoch, i+1))
		on := [2]int{i % len(w.Shards), (i + 1 + i/len(w.Shards)%2) % len(w.Shards)}
		f.shards = append(f.shards, on)
		for shard := range w.Shards {
			if f.prepared(i, shard) {
				f.branches++
			}
		}
		if mode == threePhase || !f.committed(i) {
			continue
		}
		d := txlog.Decision{GTRID: f.gtrids[i], Verdict: txlog.Commit, Mode: "2pc", Participants: []string{w.Shards[on[0]].Name, w.Shards[on[1]].Name}, Time: time.Now()}
		wait.Go(func() {
			err := l.Append(context.Background(), d)
			for errors.Is(err, txlog.ErrQueueFull) {
				time.Sleep(time.Millisecond)
				err = l.Append(context.Background(), d)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for s := range w.Shards {
		wait.Go(func() { w.floodShard(t, a, f, s) })
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	f.took = time.Since(began)
	return f
}

// floodSessions prepare branches at once on one shard.
const floodSessions = 32

func (w *world) floodShard(t *testing.T, a *accounts, f *flood, shard int) {
	db := w.shard(shard)
	flush := func(how int) {
		if _, err := db.Exec(fmt.Sprintf("SET GLOBAL innodb_flush_log_at_trx_commit = %d", how)); err != nil {
			t.Error(err)
		}
	}
	flush(0) // only while they are made
	defer flush(1)
	next := make(chan int)
	var wait sync.WaitGroup
	for range floodSessions {
		wait.Go(func() {
			for i := range next {
				b := cluster.Branch{FormatID: coordinator.FormatID, GTRID: f.gtrids[i], BQUAL: w.Shards[shard].Name}
				statements := []string{fmt.Sprintf("INSERT INTO %s.ledger (account, transfer, amount) VALUES (%d, 'flood-%d', %d)", database, a.on[shard][0], i, shard)}
				if f.mode == threePhase {
					statements = append(statements, fmt.Sprintf("INSERT INTO lockstep.branch (gtrid, shard, state, participants, coordinator, connection_id, created) VALUES ('%s', '%s', 'voted', '%s,%s', 'p1', CONNECTION_ID(), UTC_TIMESTAMP(6))",
						b.GTRID, b.BQUAL, w.Shards[f.shards[i][0]].Name, w.Shards[f.shards[i][1]].Name))
				}
				if err := prepareDetached(db, b, statements...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range f.shards {
		if f.prepared(i, shard) {
			next <- i
		}
	}
	close(next)
	wait.Wait()
}

// prepareDetached prepares a branch with some statements in it and ends its session.
func prepareDetached(db *sql.DB, b cluster.Branch, statements ...string) (err error) {
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() {
		// Nobody else gets the session: saying that it is bad ends it.
		if rerr := conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(rerr, driver.ErrBadConn) {
			err = errors.Join(err, rerr)
		}
		if cerr := conn.Close(); !errors.Is(cerr, sql.ErrConnDone) {
			err = errors.Join(err, cerr)
		}
	}()
	xid := xidOf(b)
	for _, s := range slices.Concat([]string{"XA START " + xid}, statements, []string{"XA END " + xid, "XA PREPARE " + xid}) {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// watch waits until all are settled, and says when the first was and when all were.
func (f *flood) watch(t *testing.T, w *world, began time.Time) (first, all time.Duration) {
	t.Helper()
	every(t, 20*time.Millisecond, 120*time.Second, func() error {
		left := 0
		for i := range w.Shards {
			branches, err := cluster.Branches(w.shard(i))
			if err != nil {
				return err
			}
			for _, b := range branches {
				if strings.Contains(b.GTRID, "."+floodEpoch+".") {
					left++
				}
			}
		}
		if left < f.branches && first == 0 {
			first = time.Since(began)
		}
		if left > 0 {
			return fmt.Errorf("%d of %d branches are still prepared", left, f.branches)
		}
		all = time.Since(began)
		return nil
	})
	return first, all
}

// check that each transaction is on both its shards or on none, as it must be.
func (f *flood) check(t *testing.T, w *world) {
	t.Helper()
	there := map[int][]int{}
	for shard := range w.Shards {
		rows, err := w.shard(shard).Query("SELECT transfer FROM " + database + ".ledger WHERE transfer LIKE 'flood-%'")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			i, err := strconv.Atoi(strings.TrimPrefix(name, "flood-"))
			if err != nil {
				t.Fatal(err)
			}
			there[i] = append(there[i], shard)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for i, on := range f.shards {
		got := there[i]
		switch {
		case !f.committed(i) && len(got) != 0:
			t.Errorf("%s was to be rolled back and is on shards %v", f.gtrids[i], got)
		case f.committed(i) && (len(got) != 2 || got[0] != min(on[0], on[1]) || got[1] != max(on[0], on[1])):
			t.Errorf("%s was to be committed and is on shards %v, want %v", f.gtrids[i], got, on)
		}
	}
}

// peakMemory is the most of memory that the proxy's process has held.
func (w *world) peakMemory(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.ProxyPid()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("the kernel does not say how much memory the proxy held")
	return 0
}
