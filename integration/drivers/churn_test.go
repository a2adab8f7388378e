package drivers

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"

	"lockstep/integration/cluster"
)

// TestChurn opens and closes 2,000 connections, some of them in the middle of a
// transaction, and looks for what they leave on the shards and in the proxy.
func TestChurn(t *testing.T) {
	c := start(t, cluster.Options{})
	exec(t, c.DB("d"), "CREATE TABLE p (id INT PRIMARY KEY, v INT)")
	exec(t, c.DB("d"), "INSERT INTO p VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)")
	before := goroutines(t, c)
	const clients, each = 16, 125
	var wait sync.WaitGroup
	errs := make(chan error, clients)
	for k := range clients {
		wait.Go(func() {
			for i := range each {
				if err := visit(c, k, i); err != nil {
					errs <- fmt.Errorf("visit %d of client %d: %w", i, k, err)
					return
				}
			}
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	eventually(t, 10*time.Second, func() string {
		for i := range c.Shards {
			db := c.ShardDB(i, "d")
			if n := one(t, db, "SELECT COUNT(*) FROM information_schema.innodb_trx"); n != "0" {
				return fmt.Sprintf("shard %d has %s open transactions", i, n)
			}
			// What stays is the pool's, idle, and no more than its limit.
			if n := one(t, db, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app' AND command <> 'Sleep' AND id <> CONNECTION_ID()"); n != "0" {
				return fmt.Sprintf("shard %d still runs %s statements", i, n)
			}
			n, err := strconv.Atoi(one(t, db, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app' AND id <> CONNECTION_ID()"))
			if err != nil || n > 2*clients {
				return fmt.Sprintf("shard %d has %d connections (%v)", i, n, err)
			}
			if list, err := c.Prepared(i); err != nil || len(list) > 0 {
				return fmt.Sprintf("shard %d has prepared %q (%v)", i, list, err)
			}
		}
		return ""
	})
	eventually(t, 10*time.Second, func() string {
		// Each pooled connection may have a goroutine or two of its own; each client had one at least.
		if after := goroutines(t, c); after > before+3*2*clients {
			return fmt.Sprintf("%d goroutines before, %d after", before, after)
		}
		return ""
	})
	if n := len(ask(t, conn(t, c.DB("d")), "SHOW PROCESSLIST").rows); n > 4 {
		t.Errorf("%d sessions are left", n)
	}
}

// visit is one short connection, of one of several manners.
func visit(c *cluster.Cluster, k, i int) error {
	conn, err := client.Connect(c.Listen, cluster.User, cluster.Password, "d")
	if err != nil {
		return err
	}
	run := func(queries ...string) {
		for _, q := range queries {
			if err == nil {
				_, err = conn.Execute(q)
			}
		}
	}
	switch (k + i) % 5 {
	case 0:
		run("SELECT v FROM p WHERE id = 1")
	case 1:
		run("BEGIN", "SELECT COUNT(*) FROM p", "COMMIT")
	case 2:
		run("BEGIN", fmt.Sprintf("INSERT INTO p VALUES (%d, 1), (%d, 1)", 1000+2*(k*1000+i), 1001+2*(k*1000+i)))
		_ = conn.Conn.Close() // gone without a word, in a transaction
		return err
	case 3:
		_, err = conn.Prepare("SELECT v FROM p WHERE id = ?")
		_ = conn.Conn.Close()
		return err
	}
	if err != nil {
		return err
	}
	return conn.Quit()
}

var total = regexp.MustCompile(`goroutine profile: total (\d+)`)

// goroutines counts those of the proxy, over its admin port.
func goroutines(t *testing.T, c *cluster.Cluster) int {
	t.Helper()
	status, body, err := c.Text("/debug/pprof/goroutine?debug=1")
	m := total.FindStringSubmatch(body)
	if err != nil || status != 200 || m == nil {
		t.Fatalf("goroutine profile: %d, %v, %.200s", status, err, body)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
