package sysbench

import (
	"database/sql"
	"fmt"
	"testing"

	"lockstep/integration/cluster"
)

// run is one script on the tables that the prepare of the OLTP scripts made.
type run struct {
	script string
	// conflicts: its transactions lock several rows in no order, so that some are
	// deadlocks or wait too long on any server. sysbench repeats those.
	conflicts bool
	// grows: by one row per transaction and thread; shrinks: it deletes.
	grows, shrinks bool
}

// In this order, for the last ones change how many rows there are.
var runs = []run{
	{script: "oltp_point_select"},
	{script: "oltp_read_only"},
	{script: "select_random_points"},
	{script: "select_random_ranges"},
	{script: "oltp_read_write", conflicts: true},
	{script: "oltp_write_only", conflicts: true},
	{script: "oltp_update_index"},
	{script: "oltp_update_non_index"},
	{script: "oltp_insert", grows: true},
	{script: "oltp_delete", shrinks: true},
}

func TestScripts(t *testing.T) {
	for _, mode := range []string{"auto", "disable"} {
		t.Run("ps-mode="+mode, func(t *testing.T) {
			c, shards := start(t)
			opts := []string{
				"--mysql-db=sb", "--db-ps-mode=" + mode, "--rand-type=uniform",
				fmt.Sprintf("--tables=%d", tables), fmt.Sprintf("--table-size=%d", tableSize),
			}
			with := append([]string{fmt.Sprintf("--threads=%d", threads)}, opts...)
			sysbench(t, c.Listen, "oltp_read_write", "prepare", append([]string{"--threads=2"}, opts...)...)
			for i := 1; i <= tables; i++ {
				wantEven(t, shards, fmt.Sprint("sbtest", i))
				wantRows(t, c, shards, fmt.Sprint("sbtest", i), tableSize)
			}
			for _, r := range runs {
				t.Run(r.script, func(t *testing.T) {
					before := countAll(t, shards)
					got := sysbench(t, c.Listen, r.script, "run", with...)
					t.Logf("%d transactions, %d errors ignored", got.transactions, got.ignored)
					if got.ignored > 0 && !r.conflicts {
						t.Errorf("%d errors where there can be none", got.ignored)
					}
					wantClean(t, c, shards)
					after := countAll(t, shards)
					switch {
					case r.grows && after-before < got.transactions, r.grows && after-before > got.transactions+threads:
						t.Errorf("%d rows more after %d inserts", after-before, got.transactions)
					case r.shrinks && after >= before:
						t.Errorf("%d rows before deleting, %d after", before, after)
					case !r.grows && !r.shrinks && after != before:
						t.Errorf("%d rows before, %d after", before, after)
					}
					for i := 1; i <= tables && !r.shrinks; i++ {
						wantEven(t, shards, fmt.Sprint("sbtest", i))
					}
				})
			}
			sysbench(t, c.Listen, "oltp_read_write", "cleanup", opts...)
			wantNoTables(t, shards)
		})
	}
}

// TestBulkInsert is apart: its tables are its own, one for each thread, and
// are made by the "prepare" with the same number of threads.
func TestBulkInsert(t *testing.T) {
	for _, mode := range []string{"auto", "disable"} {
		t.Run("ps-mode="+mode, func(t *testing.T) {
			c, shards := start(t)
			opts := []string{"--mysql-db=sb", "--db-ps-mode=" + mode, fmt.Sprintf("--threads=%d", threads)}
			sysbench(t, c.Listen, "bulk_insert", "prepare", opts...)
			sysbench(t, c.Listen, "bulk_insert", "run", opts...)
			wantClean(t, c, shards)
			for i := 1; i <= threads; i++ {
				table := fmt.Sprint("sbtest", i)
				if _, total := onShards(t, shards, table); total == 0 {
					t.Errorf("%s is empty", table)
				}
				wantEven(t, shards, table)
			}
			sysbench(t, c.Listen, "bulk_insert", "cleanup", opts...)
			wantNoTables(t, shards)
		})
	}
}

func start(t *testing.T) (*cluster.Cluster, []*sql.DB) {
	t.Helper()
	return startWith(t, cluster.Options{Shards: 3})
}

func startWith(t *testing.T, o cluster.Options) (*cluster.Cluster, []*sql.DB) {
	t.Helper()
	c := cluster.Start(t, o)
	c.StartProxy()
	if _, err := c.DB("").Exec("CREATE DATABASE sb"); err != nil {
		t.Fatal(err)
	}
	var shards []*sql.DB
	for i := range c.Shards {
		shards = append(shards, c.ShardDB(i, "sb"))
	}
	return c, shards
}

func countAll(t *testing.T, shards []*sql.DB) (rows int) {
	t.Helper()
	for i := 1; i <= tables; i++ {
		_, n := onShards(t, shards, fmt.Sprint("sbtest", i))
		rows += n
	}
	return rows
}

// wantRows checks that the ids of a table are 1 to n, through the proxy and on the shards.
func wantRows(t *testing.T, c *cluster.Cluster, shards []*sql.DB, table string, n int) {
	t.Helper()
	var count, least, most int
	if err := c.DB("sb").QueryRow("SELECT COUNT(*), MIN(id), MAX(id) FROM "+table).Scan(&count, &least, &most); err != nil {
		t.Fatal(err)
	}
	if _, total := onShards(t, shards, table); count != n || total != n || least != 1 || most != n {
		t.Errorf("%s has %d rows (%d on the shards) with ids %d to %d, want 1 to %d", table, count, total, least, most, n)
	}
}

// wantNoTables checks that cleanup has reached every shard.
func wantNoTables(t *testing.T, shards []*sql.DB) {
	t.Helper()
	for i, db := range shards {
		var n int
		if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'sb'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			t.Errorf("shard %d still has %d tables", i, n)
		}
	}
}
