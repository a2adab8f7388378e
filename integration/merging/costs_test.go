package merging

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// costly are the questions whose time is compared with that of their parts.
var costly = []string{
	"SELECT COUNT(*) FROM m",
	"SELECT SUM(v), AVG(w), MAX(name) FROM m WHERE k < 900",
	"SELECT * FROM m ORDER BY w DESC LIMIT 10",
	"SELECT k, COUNT(*), SUM(v), AVG(w) FROM m GROUP BY k",
	"SELECT k, COUNT(*) AS n, SUM(v)/COUNT(*) FROM m GROUP BY k HAVING n > 1 ORDER BY n DESC, k LIMIT 10",
	"SELECT name, COUNT(*) FROM m GROUP BY name",
	"SELECT COUNT(DISTINCT k) FROM m",
}

// measured is the cluster with m filled on each shard beside the proxy: rows are where they are, for reads that need them all.
func measured(t *testing.T, rows int) *cluster.Cluster {
	t.Helper()
	cluster.NeedEngine(t, localdb.MariaDB) // its sequences fill the tables
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: "schemas:\n  - name: d\n    tables:\n      - {name: m, shard_key: id}\n",
		ShardArgs: []string{"--innodb-buffer-pool-size=384M", "--innodb-flush-log-at-trx-commit=0"}})
	c.StartProxy()
	run := func(db *sql.DB, sql string) {
		t.Helper()
		if _, err := db.Exec(sql); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
	}
	run(c.DB(""), "CREATE DATABASE d")
	run(c.DB("d"), "CREATE TABLE m (id INT PRIMARY KEY, k INT NOT NULL, v INT NOT NULL, w DECIMAL(10,2) NOT NULL, name VARCHAR(20) NOT NULL)")
	var wait sync.WaitGroup
	for i := range 3 {
		db := c.ShardDB(i, "d")
		wait.Go(func() {
			if _, err := db.Exec(fmt.Sprintf("INSERT INTO m SELECT seq * 3 + %d, seq %% 1000, seq %% 977, (seq * 7919 %% 1000003) / 100, CONCAT('name', seq %% 5000) FROM seq_1_to_%d", i, rows/3)); err != nil {
				t.Errorf("fill shard %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return c
}

// read runs a query and reads all rows.
func read(t *testing.T, db *sql.DB, query string) (rows int) {
	t.Helper()
	answer, err := db.Query(query)
	if err != nil {
		t.Errorf("%v\n%s", err, query)
		return 0
	}
	defer answer.Close()
	for answer.Next() {
		rows++
	}
	if err := answer.Err(); err != nil {
		t.Errorf("%v\n%s", err, query)
	}
	return rows
}

func timed(t *testing.T, db *sql.DB, query string) time.Duration {
	begin := time.Now()
	read(t, db, query)
	return time.Since(begin)
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// parts are the texts that the shards get.
func parts(t *testing.T, db *sql.DB, query string) map[string]string {
	t.Helper()
	rows, err := db.Query("EXPLAIN LOCKSTEP " + query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	texts := map[string]string{}
	for rows.Next() {
		var step, shard, text string
		if err := rows.Scan(&step, &shard, &text); err != nil {
			t.Fatal(err)
		}
		if step == "read" {
			texts[shard] = text
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}

// TestCosts compares the time of an answer with that of its slowest part: each part by itself, and all at the same time, as they
// run for the answer. With fewer processors than shards only the second says what merging costs.
func TestCosts(t *testing.T) {
	if os.Getenv("LOCKSTEP_MERGE_COSTS") == "" {
		t.Skip("measures for a minute or two with LOCKSTEP_MERGE_COSTS=1")
	}
	const rounds = 9
	c := measured(t, 900_000)
	proxy := c.DB("d")
	proxy.SetMaxOpenConns(1)
	var shards []*sql.DB
	for i := range 3 {
		db := c.ShardDB(i, "d")
		db.SetMaxOpenConns(1)
		shards = append(shards, db)
	}
	for _, query := range costly {
		texts := parts(t, proxy, query)
		if len(texts) != 3 {
			t.Fatalf("%d parts of %s", len(texts), query)
		}
		part := func(i int) string { return texts[c.Shards[i].Name] }
		for i := range 3 {
			read(t, shards[i], part(i))
		}
		var whole, alone, together []time.Duration
		for range rounds {
			whole = append(whole, timed(t, proxy, query))
			var slowest time.Duration
			for i := range 3 {
				slowest = max(slowest, timed(t, shards[i], part(i)))
			}
			alone = append(alone, slowest)
			var took [3]time.Duration
			var wait sync.WaitGroup
			for i := range 3 {
				wait.Go(func() { took[i] = timed(t, shards[i], part(i)) })
			}
			wait.Wait()
			together = append(together, slices.Max(took[:]))
		}
		w, a, b := median(whole), median(alone), median(together)
		t.Logf("%s\n  answer %v; slowest part with the others %v (%.2f), by itself %v (%.2f)", query, w, b, float64(w)/float64(b), a, float64(w)/float64(a))
		if float64(w) > 1.3*float64(b) {
			t.Errorf("%s takes %v, more than 1.3 times its slowest part's %v", query, w, b)
		}
	}
}

// TestMemory merges millions of rows in order and watches how much memory the proxy takes meanwhile.
func TestMemory(t *testing.T) {
	count, _ := strconv.Atoi(os.Getenv("LOCKSTEP_MERGE_ROWS"))
	if count == 0 {
		t.Skip("merges as many rows as LOCKSTEP_MERGE_ROWS says")
	}
	c := measured(t, count)
	count = count / 3 * 3
	db := c.DB("d")
	before := resident(t, c.Pid())
	for _, q := range []struct {
		query string
		rows  int
	}{
		{"SELECT id, k, v, w, name FROM m ORDER BY id", count},
		{"SELECT id, name FROM m", count},
		{"SELECT id + 0, COUNT(*), SUM(v) FROM m GROUP BY id + 0", count},
		{"SELECT DISTINCT id + 0 AS n FROM m ORDER BY n", count},
		{"SELECT id + 0 AS n, SUM(w) AS total FROM m GROUP BY n ORDER BY total DESC, n LIMIT 10", 10},
	} {
		most := before
		ctx, stop := context.WithCancel(t.Context())
		var watch sync.WaitGroup
		watch.Go(func() {
			for ctx.Err() == nil {
				most = max(most, resident(t, c.Pid()))
				time.Sleep(20 * time.Millisecond)
			}
		})
		begin := time.Now()
		got := read(t, db, q.query)
		stop()
		watch.Wait()
		t.Logf("%s: %d rows in %v, at most %d MiB resident (%d before)", q.query, got, time.Since(begin).Round(time.Millisecond), most>>20, before>>20)
		if got != q.rows {
			t.Errorf("%d rows, want %d", got, q.rows)
		}
		if grown := most - before; grown > memoryAllowed {
			t.Errorf("%s: the proxy took %d MiB more", q.query, grown>>20)
		}
	}
}

// memoryAllowed is what merging may add to the proxy's memory, however many rows there are.
const memoryAllowed = 64 << 20
