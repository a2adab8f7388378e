package pipeline

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// readers are clients that ask for rows without a pause.
type readers struct {
	stop    atomic.Bool
	wait    sync.WaitGroup
	longest atomic.Int64 // ns that one answer took, since it was set to 0
	answers atomic.Int64
}

func startReaders(t *testing.T, p *cluster.Proxy, n int) *readers {
	t.Helper()
	r := &readers{}
	for i := range n {
		s := open(t, p, "d")
		r.wait.Go(func() {
			defer s.close()
			for j := i; !r.stop.Load(); j++ {
				begin := time.Now()
				s.want(value(j%rows), point(j%rows))
				r.answers.Add(1)
				took := int64(time.Since(begin))
				for was := r.longest.Load(); took > was && !r.longest.CompareAndSwap(was, took); was = r.longest.Load() {
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	eventually(t, "readers read", func() bool { return r.answers.Load() > int64(20*n) })
	return r
}

func (r *readers) end() {
	r.stop.Store(true)
	r.wait.Wait()
}

// during is the longest that an answer took while f ran.
func (r *readers) during(f func()) time.Duration {
	r.longest.Store(0)
	f()
	return time.Duration(r.longest.Load())
}

// patience is how long a reader may be held up once. A slow statement is found out after half a second.
const patience = 1500 * time.Millisecond

// A slow statement that has always been quick lands on a shared connection: others wait for it once, and not long.
func testSlowStatement(t *testing.T, c *cluster.Cluster) {
	r := startReaders(t, c.Proxy, 16)
	defer r.end()
	s := open(t, c.Proxy, "d")
	defer s.close()
	slow := func(seconds float64, id int) {
		s.want("0,"+value(id), fmt.Sprintf("SELECT SLEEP(%g) AS slow, v FROM k WHERE id = %d", seconds, id))
	}
	for id := range 20 {
		slow(0, id)
	}
	for i := range 2 {
		begin := time.Now()
		longest := r.during(func() { slow(1.2, 5+i) })
		if took := time.Since(begin); took < 1200*time.Millisecond || took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		t.Logf("run %d: others waited %v at most", i, longest)
		if longest > patience {
			t.Errorf("run %d: others waited %v", i, longest)
		}
	}
}

// A statement that keeps the server's processor busy is no different.
func testHeavyStatement(t *testing.T, c *cluster.Cluster) {
	r := startReaders(t, c.Proxy, 8)
	defer r.end()
	s := open(t, c.Proxy, "d")
	defer s.close()
	heavy := func(n, id int) {
		s.want("0,"+value(id), fmt.Sprintf("SELECT BENCHMARK(%d, SHA2(CONCAT(v, n), 512)) AS heavy, v FROM k WHERE id = %d", n, id))
	}
	for id := range 20 {
		heavy(1, id)
	}
	if longest := r.during(func() { heavy(1_500_000, 6) }); longest > patience {
		t.Errorf("others waited %v", longest)
	} else {
		t.Logf("others waited %v at most", longest)
	}
}
