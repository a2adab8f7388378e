package endings

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }

// heavy is a statement that runs for minutes.
const heavy = "SELECT COUNT(*) FROM information_schema.collations w, information_schema.collations x, information_schema.collations y, information_schema.collations z WHERE w.id + x.id + y.id + z.id < 0"

// world is a proxy over two shards, and one server beside it that has the same table.
type world struct {
	*cluster.Cluster
	plain  *localdb.Server
	shards []*sql.DB // pools of connections to the shards themselves
}

func TestEndings(t *testing.T) {
	for _, e := range cluster.Engines {
		t.Run(e.String(), func(t *testing.T) {
			w := start(t, e, "timeouts: {net_write: 3s}\n")
			t.Run("time limits", func(t *testing.T) { timeLimits(t, w) })
			t.Run("time variables", func(t *testing.T) { timeVariables(t, w) })
			t.Run("idle", func(t *testing.T) { idle(t, w) })
			t.Run("lock waits", func(t *testing.T) { lockWaits(t, w) })
			t.Run("client is gone", func(t *testing.T) { clientIsGone(t, w) })
			t.Run("client does not read", func(t *testing.T) { clientDoesNotRead(t, w) })
			t.Run("KILL", func(t *testing.T) { kill(t, w) })
			t.Run("shard restarts", func(t *testing.T) { shardRestarts(t, w) })
			t.Run("drain", func(t *testing.T) { drain(t, w) })
		})
	}
}

func start(t *testing.T, e localdb.Engine, config string) *world {
	t.Helper()
	w := &world{Cluster: cluster.Start(t, cluster.Options{Shards: 2, Engine: e, Config: config})}
	w.StartProxy()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	if w.plain, err = localdb.Start(ctx, localdb.Options{Dir: filepath.Join(t.TempDir(), "plain"), Engine: e}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.plain.Kill(); err != nil {
			t.Error(err)
		}
	})
	if err := w.plain.AddUser(ctx, cluster.User, cluster.Password); err != nil {
		t.Fatal(err)
	}
	for i := range w.Shards {
		w.shards = append(w.shards, w.ShardDB(i, ""))
	}
	for _, address := range []string{w.Listen, w.plain.Address()} {
		c := dial(t, address, "")
		c.must("CREATE DATABASE d")
		c.must("USE d")
		c.must("CREATE TABLE a (id INT PRIMARY KEY, v INT, w VARCHAR(1000))")
		c.must("INSERT INTO a VALUES (1, 0, ''), (2, 0, ''), (3, 0, ''), (4, 0, ''), (5, 0, ''), (6, 0, '')")
	}
	return w
}

// client is one connection to the proxy or to the server beside it.
type client struct {
	t    *testing.T
	conn *gomysql.Conn
}

func dial(t *testing.T, address, database string) *client {
	t.Helper()
	conn, err := gomysql.Connect(address, cluster.User, cluster.Password, database, func(c *gomysql.Conn) error {
		c.UnsetCapability(mysql.CLIENT_QUERY_ATTRIBUTES) // send writes none
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{t, conn}
}

// ask runs a statement: its rows as text, and its error as a client names it.
func (c *client) ask(query string) string {
	if err := c.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "closed"
	}
	r, err := c.conn.Execute(query)
	var me *mysql.MyError
	switch {
	case errors.As(err, &me):
		return fmt.Sprintf("%d %s %s", me.Code, me.State, me.Message)
	case err != nil && strings.Contains(err.Error(), "timeout"):
		return "nothing is heard"
	case err != nil:
		return "lost" // 2013 in clients' words
	case r.Resultset == nil || len(r.Fields) == 0:
		return "ok"
	}
	var rows []string
	for i := range r.Values {
		for j := range r.Fields {
			v, err := r.GetString(i, j)
			if err != nil {
				return err.Error()
			}
			rows = append(rows, v)
		}
	}
	return strings.Join(rows, ",")
}

func (c *client) must(query string) {
	c.t.Helper()
	if got := c.ask(query); got != "ok" {
		c.t.Fatalf("%s: %s", query, got)
	}
}

// begin runs a statement in the background; what it hears comes over the channel.
func (c *client) begin(query string) <-chan string {
	heard := make(chan string, 1)
	go func() { heard <- c.ask(query) }()
	return heard
}

// within is what comes over the channel, which must be soon.
func within(t *testing.T, limit time.Duration, heard <-chan string) string {
	t.Helper()
	select {
	case s := <-heard:
		return s
	case <-time.After(limit):
		t.Fatalf("nothing after %v", limit)
		return ""
	}
}

// shardsRest waits until no shard runs a statement with the text, and says how long that took.
func (w *world) shardsRest(t *testing.T, text string, limit time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		running := 0
		for _, db := range w.shards {
			n := 0
			if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE command = 'Query' AND info LIKE ? AND id <> CONNECTION_ID()", "%"+text+"%").Scan(&n); err != nil {
				t.Fatal(err)
			}
			running += n
		}
		took := time.Since(began)
		if running == 0 {
			return took
		}
		if took > limit {
			t.Fatalf("%d shards still run %s after %v", running, text, took)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// shardsRun waits until so many shards run a statement with the text.
func (w *world) shardsRun(t *testing.T, text string, shards int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		running := 0
		for _, db := range w.shards {
			n := 0
			if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE command = 'Query' AND info LIKE ? AND id <> CONNECTION_ID()", "%"+text+"%").Scan(&n); err != nil {
				t.Fatal(err)
			}
			running += min(n, 1)
		}
		if running >= shards {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d shards run %s, want %d", running, text, shards)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
