package eventloops

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/integration/testca"
	"lockstep/integration/wireclient"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// One proxy with four loops over two shards, and a table of 100 rows, for all tests.
func TestEventLoops(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue("server", "127.0.0.1")
	c := cluster.Start(t, cluster.Options{Config: fmt.Sprintf("event_loops: 4\ntls: {cert: %s, key: %s}\n", cert, key)})
	c.StartProxy()
	k := dial(t, c, 0)
	must(t, k, "CREATE DATABASE d")
	must(t, k, "CREATE TABLE d.a (id INT PRIMARY KEY, v INT)")
	values := make([]string, 100)
	for i := range values {
		values[i] = fmt.Sprintf("(%d, %d)", i, 2*i)
	}
	must(t, k, "INSERT INTO d.a VALUES "+strings.Join(values, ", "))
	for _, test := range []struct {
		name string
		run  func(*testing.T, *cluster.Cluster)
	}{
		{"pipelined", testPipelined}, {"ping after a failed packet", testPingAfterFailedPacket}, {"many commands at once", testManyCommandsAtOnce},
		{"transactions on several loops", testTransactionsOnSeveralLoops}, {"connections are kept", testConnectionsAreKept},
		{"end of a client that does not read", testEndOfClientThatDoesNotRead}, {"end during a login over TLS", testEndDuringLoginOverTLS},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c) })
	}
}

func dial(t testing.TB, c *cluster.Cluster, capabilities uint32) *wireclient.Conn {
	t.Helper()
	k, err := wireclient.Connect(c.Listen, wireclient.Options{User: cluster.User, Password: cluster.Password, Capabilities: capabilities})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// must runs a statement and returns its rows, columns joined by commas.
func must(t testing.TB, k *wireclient.Conn, sql string) []string {
	t.Helper()
	a, err := k.Do(wireclient.Query(sql))
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rowsOf(t, sql, a)
}

func rowsOf(t testing.TB, sql string, a *wireclient.Answer) (rows []string) {
	t.Helper()
	if a.Closed || len(a.Results) != 1 || a.Results[0].Err != nil {
		t.Fatalf("%s: %v", sql, a.Lines())
	}
	for _, r := range a.Results[0].Rows {
		rows = append(rows, string(bytes.Join(r.Fields, []byte(","))))
	}
	return rows
}
