package cluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver of DB and ShardDB

	"lockstep/localdb"
)

// Options of a cluster. The zero value is two shards with the default rule "hash of the primary key".
type Options struct {
	Shards      int      // default 2
	BinLog      bool     // on the shards
	ShardArgs   []string // further arguments of mariadbd
	Config      string   // further YAML for the proxy's file: schemas, limits, timeouts …; replaces no key that the cluster writes itself
	Coordinator string   // default p1
	LogDir      string   // of the decision log; default the cluster's folder
	Pool        string   // YAML of each shard's pool, as one flow mapping without its braces; default the proxy's own
}

// Cluster is a running set of shards with at most one proxy.
type Cluster struct {
	Dir    string
	Shards []*localdb.Server
	Listen string // the proxy's client address
	Admin  string // the proxy's admin address

	t       testing.TB
	o       Options
	mu      sync.Mutex
	proxy   *process
	options []localdb.Options
}

// User and Password log in to the proxy and to the shards.
const (
	User     = "app"
	Password = "app"
)

// Start makes the shards and writes the configuration; the proxy is started by
// StartProxy. Tests on machines without MariaDB are skipped only by -short.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	if err := localdb.Installed(); err != nil {
		t.Fatalf("%v (make install-test-deps)", err)
	}
	if o.Shards == 0 {
		o.Shards = 2
	}
	if o.Coordinator == "" {
		o.Coordinator = "p1"
	}
	dir, err := os.MkdirTemp("", "lockstep-test-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Dir: dir, t: t, o: o}
	t.Cleanup(c.stop)
	for i := range o.Shards {
		c.options = append(c.options, localdb.Options{
			Name: fmt.Sprintf("s%d", i+1), Dir: filepath.Join(dir, fmt.Sprintf("s%d", i+1)),
			BinLog: o.BinLog, ServerID: i + 1, ExtraArgs: o.ShardArgs,
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if c.Shards, err = localdb.StartAll(ctx, c.options, nil); err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Shards {
		if err := s.AddUser(ctx, User, Password); err != nil {
			t.Fatal(err)
		}
	}
	c.Listen, c.Admin = freeAddress(t), freeAddress(t)
	if o.LogDir == "" {
		c.o.LogDir = dir
	}
	c.WriteConfig(o.Config)
	return c
}

// ConfigPath is the proxy's configuration file.
func (c *Cluster) ConfigPath() string { return filepath.Join(c.Dir, "lockstep.yaml") }

// LogPath is the proxy's decision log.
func (c *Cluster) LogPath() string { return filepath.Join(c.o.LogDir, "decisions.db") }

// WriteConfig writes the proxy's file with extra YAML at its end.
func (c *Cluster) WriteConfig(extra string) {
	c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "listen: %s\nadmin:\n  listen: %s\ncluster: test\ncoordinator: %s\nlog:\n  path: %s\n", c.Listen, c.Admin, c.o.Coordinator, c.LogPath())
	fmt.Fprintf(&b, "users:\n  - name: %s\n    password: %s\nshards:\n", User, Password)
	for _, s := range c.Shards {
		fmt.Fprintf(&b, "  - name: %s\n    address: %s\n    user: %s\n    password: %s\n", s.Name, s.Address(), User, Password)
		if c.o.Pool != "" {
			fmt.Fprintf(&b, "    pool: {%s}\n", c.o.Pool)
		}
	}
	if !strings.Contains(extra, "default_rule:") {
		b.WriteString("default_rule:\n  function: hash\n  shard_key: primary_key\n")
	}
	b.WriteString(extra)
	if err := os.WriteFile(c.ConfigPath(), []byte(b.String()), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// DSN is the address of a database behind the proxy, for go-sql-driver/mysql.
func (c *Cluster) DSN(database string, params ...string) string {
	return dsn(c.Listen, database, params)
}

func dsn(address, database string, params []string) string {
	s := fmt.Sprintf("%s:%s@tcp(%s)/%s", User, Password, address, database)
	if len(params) > 0 {
		s += "?" + strings.Join(params, "&")
	}
	return s
}

// DB is a pool of connections to the proxy, closed with the test.
func (c *Cluster) DB(database string, params ...string) *sql.DB {
	c.t.Helper()
	return c.open(c.DSN(database, params...))
}

// ShardDB is a pool of connections to one shard itself, closed with the test.
func (c *Cluster) ShardDB(i int, database string, params ...string) *sql.DB {
	c.t.Helper()
	return c.open(dsn(c.Shards[i].Address(), database, params))
}

func (c *Cluster) open(dsn string) *sql.DB {
	c.t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			c.t.Errorf("close the pool: %v", err)
		}
	})
	return db
}

// KillShard ends a shard as a crash would.
func (c *Cluster) KillShard(i int) {
	c.t.Helper()
	if err := c.Shards[i].Kill(); err != nil {
		c.t.Fatalf("kill shard %s: %v", c.Shards[i].Name, err)
	}
}

// RestartShard starts a killed shard again, on the port it had.
func (c *Cluster) RestartShard(i int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := localdb.Start(ctx, c.options[i])
	if err != nil {
		c.t.Fatalf("restart shard: %v", err)
	}
	c.Shards[i] = s
}

func (c *Cluster) stop() {
	c.StopProxy()
	var errs []error
	for _, s := range c.Shards {
		if s.Running() {
			errs = append(errs, s.Kill())
		}
	}
	errs = append(errs, os.RemoveAll(c.Dir))
	if err := errors.Join(errs...); err != nil {
		c.t.Errorf("clean up the cluster: %v", err)
	}
}
