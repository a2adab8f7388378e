package transcript

import (
	"testing"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// TestTranscripts plays all of it on the same servers: each part leaves the tables as they were.
func TestTranscripts(t *testing.T) {
	p := start(t)
	t.Run("sequences", p.sequences)
	t.Run("exchanges", p.exchanges)
	t.Run("boundaries", p.boundaries)
	t.Run("flow", p.flow)
}

// servers take packets of more than 16 MiB, so that the proxy's own limit is the lower one.
var serverArgs = []string{"--max-allowed-packet=256M"}

// pair is a plain server and a proxy over two shards, with the same tables and rows.
type pair struct {
	t       *testing.T
	engine  localdb.Engine
	plain   string // addresses
	proxied string
	cluster *cluster.Cluster
}

var tables = []string{
	"CREATE DATABASE d",
	"CREATE DATABASE e",
	"CREATE TABLE d.t (id INT PRIMARY KEY, v INT, s VARCHAR(20))",
	"INSERT INTO d.t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c'), (4, 40, NULL), (5, 50, ''), (6, 60, 'f')",
	"CREATE TABLE d.big (id INT PRIMARY KEY, data LONGBLOB)",
}

func start(t *testing.T) *pair {
	t.Helper()
	engine := cluster.Engine(t)
	plain := cluster.PlainServer(t, engine, serverArgs...)
	c := cluster.Start(t, cluster.Options{ShardArgs: serverArgs})
	c.StartProxy()
	p := &pair{t: t, engine: engine, plain: plain.Address(), proxied: c.Listen, cluster: c}
	for _, address := range []string{p.plain, p.proxied} {
		k := p.dial(t, address, wireclient.Options{})
		for _, sql := range tables {
			run(t, k, sql)
		}
	}
	return p
}

// dial logs in; the connection is closed with the test.
func (p *pair) dial(t *testing.T, address string, o wireclient.Options) *wireclient.Conn {
	t.Helper()
	if p.engine == localdb.MySQL && o.Collation == 0 {
		// Its default of utf8mb4. With another, its own connections name that one in column definitions, and those of a
		// proxy, which have been told SET NAMES, the default.
		o.Collation = 255
	}
	o.User, o.Password = cluster.User, cluster.Password
	o.Capabilities |= wireclient.CapMultiStatements
	c, err := wireclient.Connect(address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// run runs a statement that must succeed.
func run(t *testing.T, c *wireclient.Conn, sql string) *wireclient.Answer {
	t.Helper()
	a, err := c.Do(wireclient.Query(sql))
	if err != nil {
		t.Fatalf("%.200s: %v", sql, err)
	}
	if a.Detail() != "" {
		t.Fatalf("%.200s: %s", sql, a.Detail())
	}
	return a
}
