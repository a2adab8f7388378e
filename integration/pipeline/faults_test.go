package pipeline

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// tolerant are readers that meet broken servers: each answer is right, or an error that says so in time.
type tolerant struct {
	stop            atomic.Bool
	wait            sync.WaitGroup
	answers, errors atomic.Int64
	kinds           sync.Map // of errors
}

// hangTime is more than any fault here lasts, with all that follows from it.
const hangTime = 15 * time.Second

func startTolerant(t *testing.T, p *cluster.Proxy, n int) *tolerant {
	r := &tolerant{}
	for i := range n {
		r.wait.Go(func() {
			var s *session
			defer func() {
				if s != nil {
					s.close()
				}
			}()
			for j := i; !r.stop.Load(); j++ {
				if s == nil {
					var err error
					if s, err = tryOpen(t, p, "d"); err != nil {
						r.failed(err)
						continue
					}
				}
				id := j % rows
				begin := time.Now()
				var got string
				var err error
				if j%2 == 0 {
					got, err = s.row(point(id))
				} else {
					got, err = s.row("SELECT v FROM k WHERE id = ?", id)
				}
				switch took := time.Since(begin); {
				case took > hangTime:
					t.Errorf("an answer (%q, %v) took %v", got, err, took)
				case err != nil:
					r.failed(err)
					s.close()
					s = nil
				case got != value(id):
					t.Errorf("row %d is %q", id, got)
				default:
					r.answers.Add(1)
				}
				time.Sleep(500 * time.Microsecond)
			}
		})
	}
	r.goOn(t)
	return r
}

func (r *tolerant) failed(err error) {
	r.errors.Add(1)
	r.kinds.Store(err.Error(), true)
	time.Sleep(10 * time.Millisecond)
}

// goOn waits until answers come again, without an error in between.
func (r *tolerant) goOn(t *testing.T) {
	t.Helper()
	eventually(t, "right answers without errors", func() bool {
		a, e := r.answers.Load(), r.errors.Load()
		time.Sleep(150 * time.Millisecond)
		return r.answers.Load() > a+20 && r.errors.Load() == e
	})
}

func (r *tolerant) end(t *testing.T) {
	r.stop.Store(true)
	r.wait.Wait()
	t.Logf("%d right answers, %d errors", r.answers.Load(), r.errors.Load())
	n := 0
	r.kinds.Range(func(k, _ any) bool {
		n++
		if n <= 12 {
			t.Logf("error: %v", k)
		}
		return true
	})
}

// atRest is what a proxy holds when its clients are gone.
type atRest struct{ goroutines, files int }

func rest(t *testing.T, p *cluster.Proxy) atRest {
	t.Helper()
	eventually(t, "nobody is there, and no server connection in use", func() bool {
		return metric(t, p, "lockstep_sessions", "") == 0 && metric(t, p, "lockstep_shard_connections", `in_use`) == 0
	})
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	idle := int(metric(t, p, "lockstep_shard_connections", `idle`))
	return atRest{goroutines(t, p), len(files) - idle}
}

// same checks that nothing has been left behind since.
func (a atRest) same(t *testing.T, p *cluster.Proxy) {
	t.Helper()
	var now atRest
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		now = rest(t, p)
		if now.goroutines <= a.goroutines+3 && now.files <= a.files+3 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("goroutines and files at rest: %+v, before: %+v", now, a)
			return
		}
	}
}

// Server connections are killed one after the other while clients share them.
func testServerConnectionsKilled(t *testing.T, c *cluster.Cluster) {
	p := further(t, c, "", "")
	before := rest(t, p)
	r := startTolerant(t, p, 24)
	shards := []*session{}
	killed := 0
	for i := range c.Shards {
		conn, err := c.ShardDB(i, "").Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, &session{t: t, conn: conn})
	}
	for end := time.Now().Add(1200 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, s := range shards {
			got, err := s.row("SELECT COALESCE(MIN(id), 0) FROM (SELECT id FROM information_schema.processlist WHERE db = 'd' ORDER BY RAND() LIMIT 1) AS one")
			if err != nil {
				t.Fatal(err)
			}
			if got != "0" {
				if _, err := s.conn.ExecContext(context.Background(), "KILL "+got); err == nil {
					killed++
				}
			}
		}
	}
	t.Logf("%d connections killed; %.0f statements had shared one, %.0f were begun anew", killed,
		metric(t, p, "lockstep_statements_pipelined_total", ""), metric(t, p, "lockstep_statements_repeated_total", ""))
	if killed < 10 {
		t.Errorf("only %d connections were killed", killed)
	}
	r.goOn(t)
	r.end(t)
	before.same(t, p)
}

// A server that says nothing for a while, and one that dies and comes back.
func testServerFreezesAndDies(t *testing.T, c *cluster.Cluster) {
	p := further(t, c, "", "")
	before := rest(t, p)
	r := startTolerant(t, p, 24)
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := syscall.Kill(c.Shards[0].Pid, sig); err != nil {
			t.Fatal(err)
		}
		if sig == syscall.SIGSTOP {
			time.Sleep(1500 * time.Millisecond)
		}
	}
	r.goOn(t)
	if n := r.errors.Load(); n > 0 {
		t.Errorf("%d errors because of a server that was silent for a moment", n)
	}
	c.KillShard(0)
	time.Sleep(300 * time.Millisecond)
	c.RestartShard(0)
	r.goOn(t)
	r.end(t)
	before.same(t, p)
}
