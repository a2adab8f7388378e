package commit

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/proxy/admin"
)

const maxIdle = 3

// When clients have gone, the shards have the pool's idle connections and no transaction; when
// the proxy has gone, nothing.
func TestNothingIsLeftBehind(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed=%v", killed), func(t *testing.T) {
			w := newWorld(t, cluster.Options{Pool: fmt.Sprintf("max_idle: %d", maxIdle)})
			w.StartProxy()
			a := w.makeAccounts(48, 1000)
			var wait sync.WaitGroup
			for i := range 12 {
				wait.Go(func() { // each leaves in another way
					c, err := w.tryClient(t)
					if err != nil {
						t.Error(err)
						return
					}
					statements := []string{"BEGIN", add(a.on[0][i], 1), add(a.on[1][i], 1)}
					switch i % 4 {
					case 0:
						statements = append(statements, "COMMIT")
					case 1:
						statements = append(statements, "ROLLBACK")
					case 2: // gone in mid-transaction
					case 3:
						statements = []string{"SET autocommit = 0", add(a.on[0][i], 1), "SELECT SUM(balance) FROM account"}
					}
					for _, s := range statements {
						if _, err := c.Exec(s); err != nil {
							t.Errorf("%s: %v", s, err)
						}
					}
					c.close()
				})
			}
			wait.Wait()
			w.nothingOpen(t)
			eventually(t, 5*time.Second, func() error { return w.connectionsAtMost(t, maxIdle+sideConnections) })
			w.poolIsIdle(t)
			if killed {
				w.KillProxy()
			} else {
				w.StopProxy()
			}
			eventually(t, 5*time.Second, func() error { return w.connectionsAtMost(t, 0) })
			w.nothingOpen(t)
		})
	}
}

// sideConnections are the most that recovery and KILL keep beside the pool (backend.Options.RecoveryConns), and
// the one that watches whether the shard is there.
const sideConnections = 8 + 1

// poolIsIdle compares the proxy's own count.
func (w *world) poolIsIdle(t *testing.T) {
	t.Helper()
	var shards []admin.Shard
	if err := w.Get("/api/v1/shards", &shards); err != nil {
		t.Fatal(err)
	}
	for _, s := range shards {
		if s.InUse != 0 || s.Idle > maxIdle {
			t.Errorf("shard %s: %d connections of the pool in use and %d idle, want 0 and at most %d", s.Name, s.InUse, s.Idle, maxIdle)
		}
	}
}

// connectionsAtMost counts the connections of the proxy's user on each shard.
func (w *world) connectionsAtMost(t *testing.T, most int64) error {
	t.Helper()
	for i := range w.Shards {
		n := queryInt(t, w.shard(i), "SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?", cluster.User)
		if n > most {
			return fmt.Errorf("shard %s has %d connections of the proxy, want at most %d", w.Shards[i].Name, n, most)
		}
	}
	return nil
}
