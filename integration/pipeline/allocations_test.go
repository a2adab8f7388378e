package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"lockstep/config"
	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/proxy"
)

// inProcess is a proxy inside the test, in front of the cluster's shards: what it allocates is the test's.
func inProcess(t testing.TB, c *cluster.Cluster) (address string) {
	t.Helper()
	cfg, err := config.Load(c.AddProxy(cluster.ProxyOptions{}).ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.New(cfg, proxy.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p.Addr()
}

// repeater sends one command again and again, and allocates nothing for it.
type repeater struct {
	nc       net.Conn
	request  []byte
	expected []byte
	got      []byte
}

// newRepeater learns the answer from the first one, which the test's own client checks.
func newRepeater(t testing.TB, address, set string, prepared bool) *repeater {
	t.Helper()
	r := &repeater{}
	o := wireclient.Options{User: cluster.User, Password: cluster.Password, Database: "d", Wrap: func(c net.Conn) net.Conn { r.nc = c; return c }}
	w, err := wireclient.Connect(address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	if set != "" {
		if a, err := w.Do(wireclient.Query(set)); err != nil || plainOK(a) != nil {
			t.Fatal(err, a.Lines())
		}
	}
	command := wireclient.Query(point(7))
	if prepared {
		a, err := w.Do(wireclient.Command(append([]byte{wireclient.ComStmtPrepare}, "SELECT v FROM k WHERE id = ?"...)))
		if err != nil || a.Results[0].Prepared == nil {
			t.Fatal(err, a.Lines())
		}
		command = executeInt(a.Results[0].Prepared.ID, 7, true)
	}
	a, err := w.Do(command)
	if err := checkPoint(a, err, 7); err != nil {
		t.Fatal(err)
	}
	if err := r.nc.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	r.request = command.Wire()
	if _, err := r.nc.Write(r.request); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := r.nc.Read(buf) // a small answer comes in one piece
	if err != nil {
		t.Fatal(err)
	}
	r.expected, r.got = buf[:n:n], make([]byte, n)
	if !bytes.Contains(r.expected, []byte(value(7))) || !bytes.HasSuffix(r.expected, []byte{0xfe, 0, 0, 2, 0}) {
		t.Fatalf("answer % x", r.expected)
	}
	return r
}

var errAnswer = errors.New("another answer than the first time")

func (r *repeater) once() error {
	if _, err := r.nc.Write(r.request); err != nil {
		return err
	}
	if _, err := io.ReadFull(r.nc, r.got); err != nil {
		return err
	}
	if !bytes.Equal(r.got, r.expected) {
		return errAnswer
	}
	return nil
}

func (r *repeater) repeat(t testing.TB, n int) {
	t.Helper()
	for range n {
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
	}
}

var ways = []struct{ name, set string }{{"shared", ""}, {"own", "SET lockstep_pipelining = OFF"}}

// In steady state a point select allocates nothing, neither on a shared connection nor on one of its own.
func testAllocations(t *testing.T, c *cluster.Cluster) {
	if cluster.Race {
		t.Skip("the race detector's own allocations are counted too")
	}
	address := inProcess(t, c)
	for _, way := range ways {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/prepared=%v", way.name, prepared), func(t *testing.T) {
				r := newRepeater(t, address, way.set, prepared)
				r.repeat(t, 3000)
				const (
					n      = 20_000
					beside = 200 // a second, of what looks after shards and clients: they count on a slow machine
				)
				all, took := allocations(func() { r.repeat(t, n) })
				each := (all - beside*took.Seconds()) / n
				t.Logf("%.4f allocations per statement, %v each", all/n, took/n)
				if each >= 0.05 {
					t.Errorf("%.4f allocations per statement", each)
				}
			})
		}
	}
}

// allocations is how many the whole process makes while f runs.
func allocations(f func()) (n float64, took time.Duration) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	f()
	took = time.Since(begin)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs), took
}

// BenchmarkPointSelect is one client's round trip through the proxy to a real server.
func BenchmarkPointSelect(b *testing.B) {
	address := inProcess(b, begin(b, cluster.Options{Shards: 1}))
	for _, way := range ways {
		for _, prepared := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/prepared=%v", way.name, prepared), func(b *testing.B) {
				r := newRepeater(b, address, way.set, prepared)
				r.repeat(b, 1000)
				b.ReportAllocs()
				b.ResetTimer()
				r.repeat(b, b.N)
			})
		}
	}
}
