package types

import (
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// serverArgs let large values pass, and MySQL sort them.
var serverArgs = []string{"--max-allowed-packet=256M", "--sort-buffer-size=4M"}

// pair is a plain server and a proxy over two shards.
type pair struct {
	engine  localdb.Engine
	plain   string // addresses
	proxied string
}

func start(t *testing.T) *pair {
	t.Helper()
	engine := cluster.Engine(t)
	plain := cluster.PlainServer(t, engine, serverArgs...)
	c := cluster.Start(t, cluster.Options{ShardArgs: serverArgs})
	c.StartProxy()
	return &pair{engine: engine, plain: plain.Address(), proxied: c.Listen}
}

// TestTypes runs all parts on the same servers.
func TestTypes(t *testing.T) {
	p := start(t)
	b := p.dial(t, "", 0)
	b.run(t, "CREATE DATABASE d")
	t.Run("columns", p.columns)
	t.Run("parameters", p.parameters)
	t.Run("character sets", p.charsets)
	t.Run("large values", p.large)
	t.Run("differences", p.unused)
}

// both is one client on each side.
type both struct {
	plain, proxied *wireclient.Conn
}

// dial opens a client on each side. collation is the handshake's; 0: the default of utf8mb4.
func (p *pair) dial(t *testing.T, database string, collation byte) *both {
	t.Helper()
	if collation == 0 && p.engine == localdb.MySQL {
		collation = 255
	}
	o := wireclient.Options{User: cluster.User, Password: cluster.Password, Database: database, Collation: collation, Timeout: 30 * time.Second}
	var list [2]*wireclient.Conn
	for i, address := range []string{p.plain, p.proxied} {
		c, err := wireclient.Connect(address, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		list[i] = c
	}
	return &both{plain: list[0], proxied: list[1]}
}

// run runs a statement that must succeed on both sides.
func (b *both) run(t *testing.T, sql string) {
	t.Helper()
	for _, c := range []*wireclient.Conn{b.plain, b.proxied} {
		a, err := c.Do(wireclient.Query(sql))
		if err != nil || a.Detail() != "" || a.Closed {
			t.Fatalf("%.200s: %v %s", sql, err, a.Detail())
		}
	}
}
