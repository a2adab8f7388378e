package deadlock

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// runs is how often a timed scenario is repeated.
func runs(t *testing.T) int {
	t.Helper()
	text := os.Getenv("LOCKSTEP_DEADLOCK_RUNS")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("LOCKSTEP_DEADLOCK_RUNS=%q: want a number above 0", text)
	}
	return n
}

// world is a cluster with a table of which some rows lie on each shard.
type world struct {
	*cluster.Cluster
	t    *testing.T
	keys [][]int // by shard
}

// rowsPerShard is how many rows of each shard the tests use.
const rowsPerShard = 16

func start(t *testing.T, o cluster.Options) *world {
	t.Helper()
	w := &world{Cluster: cluster.Start(t, o), t: t}
	w.StartProxy()
	c := w.client(w.Proxy, "")
	c.exec("CREATE DATABASE bank")
	c.exec("CREATE TABLE bank.a (id INT PRIMARY KEY, v INT NOT NULL)")
	values := make([]string, 32*len(w.Shards))
	for i := range values {
		values[i] = fmt.Sprintf("(%d, 0)", i)
	}
	c.exec("INSERT INTO bank.a VALUES " + strings.Join(values, ", "))
	for i := range w.Shards {
		rows, err := w.ShardDB(i, "bank").Query("SELECT id FROM a ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		var keys []int
		for rows.Next() {
			var id int
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, id)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if len(keys) < rowsPerShard {
			t.Fatalf("shard %d has only %d rows", i, len(keys))
		}
		w.keys = append(w.keys, keys)
	}
	return w
}

// client is one connection.
type client struct {
	t    *testing.T
	conn *sql.Conn
}

func (w *world) client(p *cluster.Proxy, database string, params ...string) *client {
	w.t.Helper()
	return connect(w.t, p.DB(database, params...))
}

// local is a client of a shard itself.
func (w *world) local(shard int) *client {
	w.t.Helper()
	return connect(w.t, w.ShardDB(shard, "bank"))
}

func connect(t *testing.T, db *sql.DB) *client {
	t.Helper()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the pool may be closed already
	return &client{t, conn}
}

func (c *client) try(query string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if len(query) > 6 && strings.EqualFold(query[:6], "SELECT") {
		rows, err := c.conn.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			// Only that they come counts.
		}
		return errors.Join(rows.Err(), rows.Close())
	}
	_, err := c.conn.ExecContext(ctx, query, args...)
	return err
}

func (c *client) exec(query string, args ...any) {
	c.t.Helper()
	if err := c.try(query, args...); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
}

func (c *client) number(query string) int {
	c.t.Helper()
	var n int
	if err := c.conn.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// answer is how a statement ended, and when.
type answer struct {
	err error
	at  time.Time
}

// later runs a statement in the background.
func (c *client) later(query string, args ...any) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		err := c.try(query, args...)
		done <- answer{err, time.Now()}
	}()
	return done
}

func add(id int) string { return fmt.Sprintf("UPDATE a SET v = v + 1 WHERE id = %d", id) }

// deadlocked says whether err is what the victim of a deadlock must hear.
func deadlocked(err error) bool {
	var me *mysql.MySQLError
	return errors.As(err, &me) && me.Number == 1213 && string(me.SQLState[:]) == "40001"
}

// blocked waits until a statement waits for a lock on the shard, and n do in all.
func (w *world) blocked(shard, n int) {
	w.t.Helper()
	db := w.ShardDB(shard, "")
	defer db.Close()
	query := "SELECT COUNT(*) FROM information_schema.processlist WHERE command IN ('Query', 'Execute') AND id <> CONNECTION_ID() AND info LIKE '% a %'"
	deadline := time.Now().Add(5 * time.Second)
	for {
		var now int
		if err := db.QueryRow(query).Scan(&now); err != nil {
			w.t.Fatal(err)
		}
		if now >= n {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("only %d statements under way on shard %d, want %d", now, shard, n)
		}
		time.Sleep(time.Millisecond)
	}
}

// victims is the sum of the counter over all proxies that run.
func (w *world) metric(name string) int {
	w.t.Helper()
	sum := 0
	for _, p := range w.Proxies() {
		if !p.Running() {
			continue
		}
		_, body, err := p.Text("/metrics")
		if err != nil {
			w.t.Fatal(err)
		}
		for line := range strings.Lines(body) {
			if value, ok := strings.CutPrefix(line, "lockstep_deadlock_"+name+" "); ok {
				f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
				if err != nil {
					w.t.Fatal(err)
				}
				sum += int(f)
			}
		}
	}
	return sum
}

// limit is what 99 of 100 deadlocks must be broken within.
const limit = 500 * time.Millisecond

// report prints the times and fails when too many are past the limit.
func report(t *testing.T, took []time.Duration) {
	t.Helper()
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[min(int(q*float64(len(took))), len(took)-1)] }
	slow := 0
	for _, d := range took {
		if d > limit {
			slow++
		}
	}
	t.Logf("%d deadlocks broken: p50 %v, p99 %v, max %v; %d past %v", len(took), at(.5).Round(time.Millisecond), at(.99).Round(time.Millisecond), at(1).Round(time.Millisecond), slow, limit)
	if slow*100 > len(took) && slow > 1 {
		t.Errorf("%d of %d deadlocks took longer than %v", slow, len(took), limit)
	}
}
