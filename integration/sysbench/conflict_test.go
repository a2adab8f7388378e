package sysbench

import (
	"testing"

	"lockstep/integration/cluster"
)

// TestConflicts has 16 clients fight for 40 rows, so that shards report deadlocks and,
// where two shards wait for each other, lock waits that end by time-out.
// A time-out rolls back the whole transaction here, for sysbench sends BEGIN after it, which would commit the rest.
func TestConflicts(t *testing.T) {
	c, shards := startWith(t, cluster.Options{Shards: 3, ShardArgs: []string{"--innodb-lock-wait-timeout=1", "--innodb-rollback-on-timeout=ON"}})
	opts := []string{"--mysql-db=sb", "--rand-type=uniform", "--tables=1", "--table-size=40"}
	sysbench(t, c.Listen, "oltp_read_write", "prepare", opts...)
	for _, mode := range []string{"auto", "disable"} {
		t.Run("ps-mode="+mode, func(t *testing.T) {
			// How soon two of them meet depends on the machine: until they did, it goes on.
			for round := 1; ; round++ {
				got := sysbench(t, c.Listen, "oltp_read_write", "run", append([]string{"--threads=16", "--db-ps-mode=" + mode}, opts...)...)
				t.Logf("%d transactions, %d errors ignored", got.transactions, got.ignored)
				if got.ignored > 0 {
					break
				}
				if round == 20 {
					t.Fatalf("no conflict in %d rounds: the test has lost its point", round)
				}
			}
			wantClean(t, c, shards)
			if _, n := onShards(t, shards, "sbtest1"); n != 40 {
				t.Errorf("%d rows, want 40", n)
			}
		})
	}
}
