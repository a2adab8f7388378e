package session

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockstep/config"
	"lockstep/integration/cluster"
	"lockstep/proxy"
)

// TestNothingLeftBehindInProcess runs the proxy inside the test, so that the race
// detector and the leak detector see it: sessions that end in every way, kills and
// process lists beside them, and then neither a goroutine nor a server connection is left.
func TestNothingLeftBehindInProcess(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 2})
	before := goleak.IgnoreCurrent()
	cfg, err := config.Load(c.ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.New(cfg, proxy.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	open := func(database string) *sql.DB {
		db, err := sql.Open("mysql", c.DSN(database))
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	admin := open("")
	for _, q := range []string{"CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY, v INT)", "INSERT INTO d.a VALUES (1,1),(2,2),(3,3),(4,4)"} {
		if _, err := admin.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	var wait sync.WaitGroup
	for i := range 24 {
		wait.Go(func() {
			db := open("d")
			defer db.Close()
			conn, err := db.Conn(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			run := func(q string, args ...any) {
				// Some sessions are killed in the middle: errors are part of this.
				_, _ = conn.ExecContext(ctx, q, args...)
			}
			for n := range 10 {
				run("BEGIN")
				// In one order: a cycle of waits over two shards would last until a time-out.
				run("UPDATE a SET v = v + 1 WHERE id = ?", 1+n%2)
				run("UPDATE a SET v = v + 1 WHERE id = ?", 3+n%2)
				run("SELECT v FROM a ORDER BY v LIMIT 1")
				if n%3 == 0 {
					run("ROLLBACK")
				} else {
					run("COMMIT")
				}
			}
			if i%3 == 0 {
				run("BEGIN") // leaves in mid-transaction
				run("UPDATE a SET v = 0")
			}
			if i%4 == 0 {
				short, stop := context.WithTimeout(ctx, 20*time.Millisecond)
				defer stop()
				_, _ = conn.ExecContext(short, "SELECT SLEEP(1) FROM a") // leaves in mid-statement
			}
		})
	}
	for range 20 {
		rows, err := admin.Query("SHOW PROCESSLIST")
		if err != nil {
			t.Fatal(err)
		}
		var id int64
		for rows.Next() {
			var rest [7]sql.RawBytes
			if err := rows.Scan(&id, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4], &rest[5], &rest[6]); err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		if _, err := admin.Exec(fmt.Sprintf("KILL QUERY %d", id)); err != nil {
			t.Logf("kill query: %v", err) // gone meanwhile, or the asker itself
		}
		time.Sleep(5 * time.Millisecond)
	}
	wait.Wait()
	admin.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := p.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	goleak.VerifyNone(t, before)
	for i := range c.Shards {
		noSessions(t, c, i)
	}
}

// noSessions waits until a shard has no session of ours but the asking one, and nothing prepared.
func noSessions(t *testing.T, c *cluster.Cluster, shard int) {
	t.Helper()
	db := c.ShardDB(shard, "")
	deadline := time.Now().Add(5 * time.Second)
	for {
		var n int
		err := db.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app' AND id <> CONNECTION_ID()").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("shard %d still has %d sessions of the proxy", shard, n)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if left, err := c.Prepared(shard); err != nil || len(left) > 0 {
		t.Errorf("shard %d has prepared branches %q (%v)", shard, left, err)
	}
}
