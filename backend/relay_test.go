package backend

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay passes bytes between a shard and its server until it is cut; then it keeps both sides' sockets open
// and silent, as a network that drops everything.
type relay struct {
	address string
	cut     atomic.Bool
}

func newRelay(t *testing.T, server string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: l.Addr().String()}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	pass := func(to, from net.Conn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if r.cut.Load() {
				_, _ = io.Copy(io.Discard, from) // until the test ends
				return
			}
			if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
				_ = to.Close()
				return
			}
		}
	}
	wait.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", server)
			if err != nil {
				_ = a.Close()
				continue
			}
			mu.Lock()
			open = append(open, a, b)
			mu.Unlock()
			wait.Go(func() { pass(a, b) })
			wait.Go(func() { pass(b, a) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wait.Wait()
	})
	return r
}
