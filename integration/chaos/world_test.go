package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/localdb"
)

const database = "bank"

// proxyConfig makes everything wait shorter than an operator would, so that a run meets more.
const proxyConfig = `commit_mode: %s
precommit_timeout: 1s
timeouts:
  prepare: 2s
  commit: 2s
  dial: 1s
  resolve: 1s
`

// world is a cluster as the nemesis sees it.
type world struct {
	*cluster.Cluster
	t      *testing.T
	config configuration
	links  [][]*cluster.Fault // by proxy and shard

	mu     sync.Mutex
	roots  []*sql.DB // of the shards; nil: the shard is down
	frozen []bool    // shards that would not answer
}

func newWorld(t *testing.T, c configuration) *world {
	t.Helper()
	w := &world{t: t, config: c}
	w.Cluster = cluster.Start(t, cluster.Options{
		Shards: shardCount, Engine: localdb.Engine(c.engine), BinLog: c.binlog,
		ShardArgs: []string{"--innodb-lock-wait-timeout=3"},
		Config:    fmt.Sprintf(proxyConfig, c.mode),
	})
	for len(w.Proxies()) < c.proxies {
		w.AddProxy(cluster.ProxyOptions{})
	}
	for _, p := range w.Proxies() {
		var links []*cluster.Fault
		for i := range w.Shards {
			links = append(links, p.Front(i))
		}
		w.links = append(w.links, links)
	}
	w.roots, w.frozen = make([]*sql.DB, shardCount), make([]bool, shardCount)
	for i := range w.Shards {
		w.openRoot(i)
	}
	t.Cleanup(func() {
		for i := range w.Shards {
			w.closeRoot(i)
		}
	})
	for _, p := range w.Proxies() {
		p.Start()
	}
	return w
}

func (w *world) openRoot(i int) {
	w.t.Helper()
	db, err := w.Shards[i].Root()
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roots[i] = db
}

func (w *world) closeRoot(i int) {
	w.mu.Lock()
	db := w.roots[i]
	w.roots[i] = nil
	w.mu.Unlock()
	if db != nil {
		db.Close()
	}
}

func (w *world) setFrozen(i int, frozen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen[i] = frozen
}

// root is a pool of a shard's root, nil where the shard would not answer.
func (w *world) root(i int) *sql.DB {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen[i] {
		return nil
	}
	return w.roots[i]
}

// branch is one prepared branch of ours.
type branch struct {
	shard int
	id    coordinator.GTRID
}

func (b branch) String() string { return fmt.Sprintf("s%d: %s", b.shard+1, b.id) }

// branches of this cluster on some shards; those that are down or frozen are left out.
func (w *world) branches(shards ...int) ([]branch, error) {
	var list []branch
	for _, i := range shards {
		db := w.root(i)
		if db == nil {
			continue
		}
		found, err := cluster.Branches(db)
		if err != nil {
			return nil, fmt.Errorf("shard %d: %w", i+1, err)
		}
		for _, b := range found {
			if b.FormatID != coordinator.FormatID {
				continue
			}
			id, err := coordinator.ParseGTRID(b.GTRID)
			if err != nil {
				return nil, fmt.Errorf("shard %d: %w", i+1, err)
			}
			list = append(list, branch{i, id})
		}
	}
	return list, nil
}

func (w *world) all() []int {
	list := make([]int, shardCount)
	for i := range list {
		list[i] = i
	}
	return list
}

// eventually waits for a condition that says what is missing.
func eventually(limit time.Duration, check func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v: %w", limit, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// shortly bounds a look at a server.
func shortly() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 10*time.Second)
}
