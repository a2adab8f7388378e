package cluster

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo is a shard that says back what it hears, behind a Fault.
func echo(t *testing.T) *Fault {
	t.Helper()
	shard, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := shard.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c) // ends with the connection
			}()
		}
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &Fault{target: shard.Addr().String(), listener: l, conns: map[net.Conn]bool{}}
	f.running.Go(f.accept)
	t.Cleanup(func() {
		shard.Close()
		f.close()
	})
	return f
}

func dial(t *testing.T, f *Fault) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", f.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// says whether a byte that is sent comes back, the connection ends, or nothing happens.
func says(t *testing.T, c net.Conn) string {
	t.Helper()
	if _, err := c.Write([]byte("x")); err != nil {
		return "end"
	}
	return hears(t, c)
}

func hears(t *testing.T, c net.Conn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	var b [1]byte
	_, err := c.Read(b[:])
	switch {
	case err == nil:
		return "echo"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silence"
	}
	return "end"
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestLink(t *testing.T) {
	f := echo(t)
	c := dial(t, f)
	want(t, "at first", says(t, c), "echo")

	f.Cut()
	want(t, "cut", says(t, c), "end")
	c = dial(t, f)
	want(t, "after a cut", says(t, c), "echo")

	f.Refuse()
	want(t, "refused", says(t, c), "end")
	want(t, "refused, a new one", says(t, dial(t, f)), "end")
	f.Heal(true)

	for _, d := range []Direction{Requests, Answers} {
		c, idle := dial(t, f), dial(t, f)
		want(t, "before", says(t, c), "echo")
		want(t, "before, idle", says(t, idle), "echo")
		f.Silence(d)
		want(t, "half-open", says(t, c), "silence")
		newcomer := dial(t, f)
		want(t, "half-open, a new one", says(t, newcomer), "silence")
		f.Heal(true)
		want(t, "delivered late", hears(t, c), "echo")
		want(t, "delivered late, the new one", hears(t, newcomer), "echo")
		f.Silence(d)
		want(t, "half-open again", says(t, c), "silence")
		f.Heal(false)
		want(t, "dropped", hears(t, c), "end")
		want(t, "idle meanwhile", says(t, idle), "echo")
	}
}

// The news that Lockstep has gone is held back too.
func TestLinkHidesTheEnd(t *testing.T) {
	f := echo(t)
	c := dial(t, f)
	want(t, "before", says(t, c), "echo")
	f.Silence(Requests)
	c.Close()
	time.Sleep(50 * time.Millisecond)
	f.mu.Lock()
	ends := len(f.conns)
	f.mu.Unlock()
	if ends != 2 {
		t.Errorf("%d ends are open, want both: the shard cannot know", ends)
	}
}
