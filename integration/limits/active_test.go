package limits

import (
	"slices"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// TestActiveClients: 2,000 clients that all ask at once over 32 server connections are all served, and none
// waits much longer than the others.
func TestActiveClients(t *testing.T) {
	clients, each := quickOr(400, 2000), quickOr(10, 50)
	const connections = 32
	c := start(t, cluster.Options{Pool: "max_connections: 32, queue_length: 4096, acquire_timeout: 60s", Config: "limits: {max_connections: 5000}\n"})
	setup := dial(t, c, "d")
	run(t, setup, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	run(t, setup, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4)")

	list := connect(t, c, clients)
	begin := make(chan struct{})
	took := make([][]time.Duration, clients)
	ended := make([]time.Duration, clients)
	var wait sync.WaitGroup
	var start time.Time
	for i, k := range list {
		wait.Go(func() {
			<-begin
			sql := "SELECT v FROM t WHERE id = 2"
			if i%4 == 0 {
				sql = "SELECT id, v FROM t ORDER BY id" // of both shards
			}
			for range each {
				at := time.Now()
				if _, err := ask(k, sql); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				took[i] = append(took[i], time.Since(at))
			}
			ended[i] = time.Since(start)
		})
	}
	start = time.Now()
	close(begin)
	wait.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	slices.Sort(ended)
	if len(all) != clients*each {
		t.Fatalf("%d statements of %d were answered", len(all), clients*each)
	}
	at := func(list []time.Duration, part float64) time.Duration { return list[int(float64(len(list)-1)*part)] }
	p50, p99, most := at(all, 0.5), at(all, 0.99), at(all, 1)
	t.Logf("%d clients over %d connections to each shard, %d statements each: p50 %v, p99 %v, longest %v; clients were done after %v (first), %v (half), %v (last)",
		clients, connections, each, p50, p99, most, at(ended, 0), at(ended, 0.5), at(ended, 1))
	if most > 30*p50+2*time.Second {
		t.Errorf("a statement waited %v, half of them no longer than %v", most, p50)
	}
	if n := metric(t, c, "lockstep_shard_connections"); n > 2*connections {
		t.Errorf("%d server connections, want at most %d for each shard", n, connections)
	}
}

// connect logs many clients in; they are closed with the test.
func connect(t *testing.T, c *cluster.Cluster, n int) []*wireclient.Conn {
	t.Helper()
	list := make([]*wireclient.Conn, n)
	var wait sync.WaitGroup
	t.Cleanup(func() {
		for _, k := range list {
			if k != nil {
				k.Close()
			}
		}
	})
	const dialers = 16
	for d := range dialers {
		wait.Go(func() {
			for i := d; i < n; i += dialers {
				k, err := wireclient.Connect(c.Listen, options("d"))
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				list[i] = k
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return list
}
