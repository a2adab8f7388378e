package limits

import (
	"syscall"
	"testing"

	"lockstep/integration/cluster"
)

// What idle clients may cost of the proxy's resident memory, in bytes.
const (
	idleMemory = 12 << 10  // each
	idleAtAll  = 16 << 20  // all of them, however few
	idleGoal   = 150 << 20 // 10,000 of them and the proxy itself
)

// TestIdleClients: 10,000 clients that have asked something once and say nothing more cost little memory and no
// server connections.
func TestIdleClients(t *testing.T) {
	clients := quickOr(1000, 10000)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max // the proxy inherits it
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if room := int(limit.Max) - 500; clients > room {
		t.Logf("only %d clients: more files may not be open (ulimit -Hn)", room)
		clients = room
	}
	c := start(t, cluster.Options{Config: "limits: {max_connections: 20000}\n"})
	setup := dial(t, c, "d")
	run(t, setup, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	run(t, setup, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
	run(t, setup, "SELECT * FROM t ORDER BY id")
	before := resident(t, c)
	list := connect(t, c, clients)
	for _, k := range list {
		run(t, k, "SELECT v FROM t WHERE id = 3")
	}
	after := resident(t, c)
	servers := metric(t, c, "lockstep_shard_connections")
	t.Logf("%d idle clients: resident memory %s, %s before: %d bytes each; %d server connections", clients, mib(after), mib(before), (after-before)/clients, servers)
	if servers > 64 {
		t.Errorf("%d server connections", servers)
	}
	if grown := after - before; grown > idleAtAll+clients*idleMemory && !raced {
		t.Errorf("%d bytes for each idle client, want at most %d", grown/clients, idleMemory)
	}
	if full() && after > idleGoal && !raced {
		t.Errorf("the proxy has %s with %d idle clients, want at most %s", mib(after), clients, mib(idleGoal))
	}
	for _, k := range list {
		run(t, k, "SELECT 1") // they are still there
		k.Close()
	}
	eventually(t, "clients that are still there", 1, func() int { return metric(t, c, "lockstep_sessions") })
}
