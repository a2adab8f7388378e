package changes

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// A proxy that is killed in the commit of a row's move leaves the row on one shard, whole, once another has taken over.
func TestKilledInTheMidstOfAMove(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 3})
	c.StartProxy()
	dial(t, c.Listen, "", 0).must("CREATE DATABASE d")
	dial(t, c.Listen, "d", 0).must("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20))")
	var shards []*client
	for i := range c.Shards {
		shards = append(shards, dial(t, c.Shards[i].Address(), "d", 0))
	}
	for i, step := range []struct {
		at        string
		committed bool
	}{
		{string(coordinator.StepBeforePrepare), false},
		{fmt.Sprintf("%s:%d", coordinator.StepPrepared, 1), false},
		{fmt.Sprintf("%s:%d", coordinator.StepAllPrepared, 0), false},
		{fmt.Sprintf("%s:%d", coordinator.StepDecisionDurable, 0), true},
		{fmt.Sprintf("%s:%d", coordinator.StepCommitted, 1), true},
	} {
		t.Run(step.at, func(t *testing.T) {
			db := dial(t, c.Listen, "d", 0)
			db.must("DELETE FROM a")
			from, to := 10*i+1, 0
			for n := from + 1; to == 0; n++ { // on another shard
				if db.rows(fmt.Sprintf("EXPLAIN LOCKSTEP SELECT v FROM a WHERE id = %d", n))[1][:7] != db.rows(fmt.Sprintf("EXPLAIN LOCKSTEP SELECT v FROM a WHERE id = %d", from))[1][:7] {
					to = n
				}
			}
			db.must(fmt.Sprintf("INSERT INTO a VALUES (%d, 'row')", from))
			c.StopProxy()
			c.StartProxy("LOCKSTEP_FAILPOINT=" + step.at)
			db = dial(t, c.Listen, "d", 0)
			if a, err := db.conn.Do(wireclient.Query(fmt.Sprintf("UPDATE a SET id = %d WHERE id = %d", to, from))); err == nil && !a.Closed {
				t.Fatalf("the proxy answered: %s", told(a.Results[0], false))
			}
			select {
			case <-c.ProxyEnded():
			case <-time.After(10 * time.Second):
				t.Fatal("the proxy did not die")
			}
			c.StartProxy()
			if err := c.WaitReady(30 * time.Second); err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, s := range shards {
				found = append(found, s.rows("SELECT id, v FROM a")...)
			}
			want := []string{fmt.Sprintf("%d|row", from)}
			if step.committed {
				want = []string{fmt.Sprintf("%d|row", to)}
			}
			if !slices.Equal(found, want) {
				t.Errorf("the shards have %q, want %q", found, want)
			}
			if got := dial(t, c.Listen, "d", 0).rows("SELECT id, v FROM a WHERE id IN (" + fmt.Sprint(from, ",", to) + ")"); !slices.Equal(got, want) {
				t.Errorf("the proxy shows %q, want %q", got, want)
			}
		})
	}
}
