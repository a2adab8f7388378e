package cluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver of DB and ShardDB

	"lockstep/localdb"
)

// Options of a cluster. The zero value is two shards with the default rule "hash of the primary key".
type Options struct {
	Shards      int            // default 2
	Engine      localdb.Engine // of the shards; default Engine's
	BinLog      bool           // on the shards
	ShardArgs   []string       // further arguments of the shards' servers
	Config      string         // further YAML for the proxy's file: schemas, limits, timeouts …; replaces no key that the cluster writes itself
	Coordinator string         // default p1
	LogDir      string         // of the decision log; default the cluster's folder
	Users       string         // YAML of further users, a flow mapping on each line
	ShardTLS    string         // YAML of each shard's tls, as one flow mapping without its braces; default the proxy's own
	Pool        string         // YAML of each shard's pool, as one flow mapping without its braces; default the proxy's own
}

// Cluster is a running set of shards with its first proxy, and others where they are added.
type Cluster struct {
	*Proxy
	Dir    string
	Shards []*localdb.Server

	t       testing.TB
	o       Options
	further []*Proxy
	options []localdb.Options
}

// User and Password log in to the proxy and to the shards.
const (
	User     = "app"
	Password = "app"
)

// Start makes the shards and writes the configuration; the proxy is started by
// StartProxy. Tests on machines without the engine fail.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	if o.Engine == "" {
		o.Engine = Engine(t)
	} else {
		NeedEngine(t, o.Engine)
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
			Engine: o.Engine, BinLog: o.BinLog, ServerID: i + 1, ExtraArgs: o.ShardArgs,
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
	if o.LogDir == "" {
		o.LogDir = dir
	}
	c.Proxy = c.newProxy(o.Coordinator, dir, o.LogDir)
	c.WriteConfig(o.Config)
	return c
}

func dsn(address, database string, params []string) string {
	s := fmt.Sprintf("%s:%s@tcp(%s)/%s", User, Password, address, database)
	if len(params) > 0 {
		s += "?" + strings.Join(params, "&")
	}
	return s
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
		_ = db.Close() // fails for connections whose other end was killed
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
	if c.Proxy != nil { // nil: the shards did not start
		for _, p := range c.Proxies() {
			p.Stop()
		}
	}
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
