package eventloops

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// A client that sends and never reads can be ended, and does not hold up the proxy's end.
func testEndOfClientThatDoesNotRead(t *testing.T, c *cluster.Cluster) {
	deaf := func() string {
		k := dial(t, c, 0)
		_ = k.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10)
		id := must(t, k, "SELECT CONNECTION_ID()")[0]
		const sql = "SELECT REPEAT('x', 12000), v FROM d.a WHERE id = 1"
		must(t, k, sql) // from now on a loop answers it
		k.SetTimeout(500 * time.Millisecond)
		_ = k.Write(bytes.Repeat(wireclient.Query(sql).Wire(), 20_000)) // in part: nobody can hold all the answers
		time.Sleep(300 * time.Millisecond)
		return id
	}
	other := dial(t, c, 0)
	id := deaf()
	must(t, other, "KILL "+id)
	for begin := time.Now(); strings.Contains("\n"+strings.Join(must(t, other, "SHOW PROCESSLIST"), "\n"), "\n"+id+","); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 5*time.Second {
			t.Fatal("the client was not ended")
		}
	}
	deaf()
	begin := time.Now()
	c.StopProxy()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the proxy ended after %v", took)
	}
	c.StartProxy()
}

// A client whose commands take more than one turn gets all their answers, though it sends nothing more.
func testManyCommandsAtOnce(t *testing.T, c *cluster.Cluster) {
	k := dial(t, c, 0)
	ping := wireclient.Cmd(wireclient.ComPing)
	for _, n := range []int{63, 64, 65, 128, 5000} {
		if err := k.Write(bytes.Repeat(ping.Wire(), n)); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if a, err := k.Answer(ping); err != nil || a.Closed || a.Results[0].OK == nil {
				t.Fatalf("answer %d of %d: %v %v", i, n, err, a.Lines())
			}
		}
	}
}

// The proxy's end meets clients that are in the middle of a login over TLS.
func testEndDuringLoginOverTLS(t *testing.T, c *cluster.Cluster) {
	for range 3 {
		for range 40 {
			nc, err := net.Dial("tcp", c.Listen)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if _, err := nc.Read(make([]byte, 1024)); err != nil {
				t.Fatal(err)
			}
			// A request for TLS: 4.1, SSL, secure connection, plugin auth.
			if _, err := nc.Write(wireclient.Frames(1, append([]byte{0x00, 0x8a, 0x08, 0, 0, 0, 0, 1, 45}, make([]byte, 23)...))); err != nil {
				t.Fatal(err)
			}
			tc := tls.Client(nc, &tls.Config{InsecureSkipVerify: true}) // the server is the test's own
			if err := tc.Handshake(); err != nil {
				t.Fatal(err)
			}
		}
		c.StopProxy() // fails where the proxy says panic or data race
		c.StartProxy()
	}
}

// Transactions whose connections were opened by goroutines, on any loop, go on on their session's.
func testTransactionsOnSeveralLoops(t *testing.T, c *cluster.Cluster) {
	var wait sync.WaitGroup
	for i := range 12 {
		wait.Go(func() {
			k, err := wireclient.Connect(c.Listen, wireclient.Options{User: cluster.User, Password: cluster.Password, Database: "d"})
			if err != nil {
				t.Error(err)
				return
			}
			defer k.Close()
			for n := range 60 {
				for _, sql := range []string{
					"BEGIN", fmt.Sprintf("SELECT v FROM a WHERE id = %d", i), fmt.Sprintf("UPDATE a SET v = v + 1 WHERE id = %d", i),
					fmt.Sprintf("SET @x = %d", n%3), fmt.Sprintf("UPDATE a SET v = v - 1 WHERE id = %d", 99-i), "COMMIT",
				} {
					if a, err := k.Do(wireclient.Query(sql)); err != nil || a.Results[0].Err != nil {
						t.Errorf("%s: %v %s", sql, err, a.Detail())
						return
					}
				}
			}
		})
	}
	wait.Wait()
	if got := must(t, dial(t, c, 0), "SELECT SUM(v) FROM d.a"); got[0] != "9900" {
		t.Errorf("sum %v", got)
	}
}

// A connection whose answer came in several pieces is used again.
func testConnectionsAreKept(t *testing.T, c *cluster.Cluster) {
	dials := func() (sum int) {
		_, text, err := c.Text("/metrics")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "lockstep_shard_dials_total{") {
				f, err := strconv.ParseFloat(strings.Fields(line)[1], 64)
				if err != nil {
					t.Fatal(err)
				}
				sum += int(f)
			}
		}
		return sum
	}
	k := dial(t, c, 0)
	const big = "SELECT REPEAT('x', 200000), v FROM d.a WHERE id < 3"
	must(t, k, big)
	before := dials()
	for range 500 {
		must(t, k, big)
	}
	if n := dials() - before; n > 4 {
		t.Errorf("%d connections were opened for one client", n)
	}
}
