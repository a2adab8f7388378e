package inserts

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// TestNumbersSurviveKills has clients insert rows through two proxies that are killed and started again. Ids are taken from
// a table whose key they are not, so that nothing but the sequence keeps them apart.
func TestNumbersSurviveKills(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: "schemas:\n  - name: d\n    tables:\n      - {name: n, shard_key: k}\nsequence_block: 50\n"})
	c.StartProxy()
	other := c.AddProxy(cluster.ProxyOptions{})
	other.Start()
	proxies := c.Proxies()
	if _, err := c.DB("").Exec("CREATE DATABASE d"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DB("d").Exec("CREATE TABLE n (k INT, id BIGINT AUTO_INCREMENT, KEY (id))"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 8*time.Second)
	defer stop()
	var mu sync.Mutex
	told := map[int64]bool{}
	var work sync.WaitGroup
	for i := range 6 {
		work.Go(func() {
			db := proxies[i%2].DB("d")
			for k := i; ctx.Err() == nil; k += 6 {
				r, err := insertThree(ctx, db, k)
				if err != nil {
					time.Sleep(20 * time.Millisecond)
					continue
				}
				mu.Lock()
				for id := r; id < r+3; id++ {
					if told[id] {
						t.Errorf("id %d was given twice", id)
					}
					told[id] = true
				}
				mu.Unlock()
			}
		})
	}
	for i := 0; ctx.Err() == nil; i++ {
		time.Sleep(700 * time.Millisecond)
		p := proxies[i%2]
		p.Kill()
		p.Start()
	}
	work.Wait()
	db := c.DB("d")
	var rows, ids int
	if err := db.QueryRow("SELECT COUNT(*), COUNT(DISTINCT id) FROM n").Scan(&rows, &ids); err != nil {
		t.Fatal(err)
	}
	if rows != ids || rows < len(told) || len(told) < 30 {
		t.Errorf("%d rows with %d ids; clients were told of %d", rows, ids, len(told))
	}
	t.Logf("%d rows, %d told", rows, len(told))
}

func insertThree(ctx context.Context, db *sql.DB, k int) (int64, error) {
	r, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO n (k) VALUES (%d), (%d), (%d)", k, k+1000, k+2000))
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// TestNumbersAfterTruncate: ids begin anew, as on one server, and another proxy's are not given twice for it.
func TestNumbersAfterTruncate(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: "schemas:\n  - name: d\n    tables:\n      - {name: n, shard_key: k}\nsequence_block: 5\n"})
	c.StartProxy()
	other := c.AddProxy(cluster.ProxyOptions{})
	other.Start()
	first, second := connect(t, c.Listen, ""), connect(t, other.Listen, "")
	for _, s := range []string{"CREATE DATABASE d", "USE d", "CREATE TABLE n (k INT, id BIGINT AUTO_INCREMENT, KEY (id))", "INSERT INTO n (k) VALUES (1), (2)"} {
		if a := ask(t, first, s); code(a) != 0 {
			t.Fatalf("%s: %s", s, a.Detail())
		}
	}
	for deadline := time.Now().Add(10 * time.Second); code(ask(t, second, "USE d")) != 0 && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
	if a := ask(t, second, "INSERT INTO n (k) VALUES (3)"); code(a) != 0 {
		t.Fatal(a.Detail())
	}
	if a := ask(t, first, "TRUNCATE TABLE n"); code(a) != 0 {
		t.Fatal(a.Detail())
	}
	a := ask(t, first, "INSERT INTO n (k) VALUES (1)")
	if ok := a.Results[0].OK; ok == nil || ok.InsertID != 1 {
		t.Errorf("the first id after TRUNCATE: %v %s", a.Lines(), a.Detail())
	}
	for i := range 20 {
		for _, side := range []string{"first", "second"} {
			conn := first
			if side == "second" {
				conn = second
			}
			if a := ask(t, conn, fmt.Sprintf("INSERT INTO n (k) VALUES (%d)", i)); code(a) != 0 {
				t.Fatal(a.Detail())
			}
		}
	}
	a = ask(t, first, "SELECT id, COUNT(*) FROM n GROUP BY id HAVING COUNT(*) > 1")
	if len(a.Results[0].Rows) > 0 {
		t.Errorf("ids that were given twice: %v", a.Lines())
	}
}
