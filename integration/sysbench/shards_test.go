package sysbench

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// onShards counts a table's rows on each shard.
func onShards(t *testing.T, shards []*sql.DB, table string) (each []int, total int) {
	t.Helper()
	for i, db := range shards {
		var n int
		if err := db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
			t.Fatalf("count %s on shard %d: %v", table, i, err)
		}
		each, total = append(each, n), total+n
	}
	return each, total
}

// wantEven checks that each shard has its part of a table, give or take a fifth.
func wantEven(t *testing.T, shards []*sql.DB, table string) {
	t.Helper()
	each, total := onShards(t, shards, table)
	mean := float64(total) / float64(len(each))
	for i, n := range each {
		if float64(n) < 0.8*mean || float64(n) > 1.2*mean {
			t.Errorf("%s lies unevenly: shard %d has %d of %d rows (%v)", table, i, n, total, each)
		}
	}
}

// wantClean checks that no shard has a prepared branch or an open transaction. A
// proxy hears of a client's end a moment after the client has gone.
func wantClean(t *testing.T, c *cluster.Cluster, shards []*sql.DB) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		left := leftOver(t, c, shards)
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Error(left)
			return
		}
		time.Sleep(150 * time.Millisecond) // whoever reads innodb_trx more often than every 100 ms is shown an old one
	}
}

func leftOver(t *testing.T, c *cluster.Cluster, shards []*sql.DB) string {
	t.Helper()
	for i, db := range shards {
		prepared, err := c.Prepared(i)
		if err != nil {
			t.Fatal(err)
		}
		if len(prepared) > 0 {
			return fmt.Sprintf("shard %d has prepared branches: %q", i, prepared)
		}
		var open int
		// A read outside a transaction shows for an instant, without any lock.
		if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.innodb_trx").Scan(&open); err != nil {
			t.Fatal(err)
		}
		if open > 0 {
			return fmt.Sprintf("shard %d has %d open transactions", i, open)
		}
	}
	return ""
}
