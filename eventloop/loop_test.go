package eventloop

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// start runs a loop until the test's end.
func start(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	t.Cleanup(func() {
		l.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l
}

// pair is a connection of the loop's and its peer.
func pair(t *testing.T, l *Loop) (*Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	peer, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Adopt(nc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); peer.Close() })
	return c, peer.(*net.TCPConn)
}

func TestGoroutineReadsAndWrites(t *testing.T) {
	c, peer := pair(t, start(t))
	want := make([]byte, 8<<20)
	for i := range want {
		want[i] = byte(rand.Uint32())
	}
	var wait sync.WaitGroup
	wait.Go(func() { // echo
		buf := make([]byte, 10000)
		for {
			n, err := c.Read(buf)
			if _, werr := c.Write(buf[:n]); werr != nil {
				t.Error(werr)
			}
			if errors.Is(err, io.EOF) {
				c.CloseWrite()
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	wait.Go(func() {
		peer.Write(want)
		peer.CloseWrite()
	})
	got, err := io.ReadAll(peer)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	wait.Wait()
}

func TestDeadlineEndsAWait(t *testing.T) {
	c, peer := pair(t, start(t))
	buf := make([]byte, 10)
	for range 3 {
		c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	c.SetReadDeadline(time.Now().Add(time.Hour))
	go func() {
		time.Sleep(10 * time.Millisecond)
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // while it waits
	}()
	if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Time{})
	go func() {
		time.Sleep(10 * time.Millisecond)
		peer.Write([]byte("x"))
	}()
	if n, err := c.Read(buf); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := c.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestCloseEndsAWait(t *testing.T) {
	c, _ := pair(t, start(t))
	go func() {
		time.Sleep(10 * time.Millisecond)
		c.Close()
	}()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}

// echo is a handler that sends back what it reads.
type echo struct {
	c       *Conn
	buf     [4096]byte
	blocked bool
	ended   chan error
}

func (e *echo) Readable() {
	for !e.blocked {
		n, err := e.c.TryRead(e.buf[:])
		if errors.Is(err, ErrWouldBlock) {
			return
		}
		if err == nil {
			_, err = e.c.Write(e.buf[:n])
		}
		if err != nil {
			e.c.Take()
			e.ended <- err
			return
		}
		e.blocked = e.c.Left() > 0
	}
}

func (e *echo) Drained() {
	e.blocked = false
	e.Readable()
}

func TestLoopServesManyConnections(t *testing.T) {
	l := start(t)
	var wait sync.WaitGroup
	for range 50 {
		c, peer := pair(t, l)
		wait.Go(func() {
			e := &echo{c: c, ended: make(chan error, 1)}
			// What is sent before Give must not be missed.
			sent := make([]byte, 200<<10)
			for i := range sent {
				sent[i] = byte(rand.Uint32())
			}
			var inner sync.WaitGroup
			inner.Go(func() {
				for at := 0; at < len(sent); {
					n := min(len(sent)-at, 1+rand.IntN(30000))
					peer.Write(sent[at : at+n])
					at += n
				}
				peer.CloseWrite()
			})
			c.Give(e)
			got := make([]byte, len(sent))
			if n, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d bytes, %v", n, err)
			}
			inner.Wait()
			if err := <-e.ended; !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

// A peer that reads slowly makes Write leave bytes behind, and they all come.
func TestWriteOnTheLoopDoesNotWait(t *testing.T) {
	l := start(t)
	c, peer := pair(t, l)
	e := &pusher{c: c, drained: make(chan struct{}, 1)}
	c.Give(e)
	left := make(chan int)
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	l.Post(func() {
		c.Write(big)
		left <- c.Left()
	})
	if n := <-left; n == 0 || n == len(big) {
		t.Fatalf("%d bytes left behind", n)
	}
	got := make([]byte, len(big))
	if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, big) {
		t.Fatal(err)
	}
	<-e.drained
}

type pusher struct {
	c       *Conn
	drained chan struct{}
}

func (*pusher) Readable() {}
func (p *pusher) Drained() {
	p.drained <- struct{}{}
}

// A connection changes hands for each message, from the loop to a goroutine and back.
func TestChangingHands(t *testing.T) {
	l := start(t)
	c, peer := pair(t, l)
	h := &hands{c: c}
	c.Give(h)
	buf := make([]byte, 5)
	for i := range 2000 {
		if _, err := peer.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, buf); err != nil || string(buf) != "hello" {
			t.Fatalf("%d: %q %v", i, buf, err)
		}
	}
}

type hands struct{ c *Conn }

func (h *hands) Readable() {
	h.c.Take()
	h.c.Loop().Woke()
	go func() {
		var buf [5]byte
		if _, err := io.ReadFull(h.c, buf[:]); err != nil {
			return
		}
		if _, err := h.c.Write(buf[:]); err != nil {
			return
		}
		h.c.Give(h)
	}()
}
func (*hands) Drained() {}

func TestMoveToAnotherLoop(t *testing.T) {
	a, b := start(t), start(t)
	c, peer := pair(t, a)
	buf := make([]byte, 1)
	for i := range 200 {
		to := b
		if i%2 == 1 {
			to = a
		}
		peer.Write([]byte{byte(i)})
		if err := c.Move(to); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil || buf[0] != byte(i) {
			t.Fatal(buf, err)
		}
	}
}

func TestTicksAndPosts(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ticks := make(chan struct{}, 100)
	l.Every(5*time.Millisecond, func() {
		select {
		case ticks <- struct{}{}:
		default:
		}
	})
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	for range 3 {
		<-ticks
	}
	ran := make(chan struct{})
	l.Post(func() { close(ran) })
	<-ran
	l.Close()
	l.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	l.Post(func() { t.Error("ran after the end") })
}

// Short messages that come one by one are told once; what is left over is told, however short it is, and so is an end.
func TestAwaitTogether(t *testing.T) {
	c, peer := pair(t, start(t))
	buf := make([]byte, 100)
	c.AwaitTogether(12)
	go func() {
		for _, piece := range []string{"0123456789a", "0123", "x"} {
			peer.Write([]byte(piece))
			time.Sleep(20 * time.Millisecond)
		}
		peer.CloseWrite()
	}()
	if n, err := c.Read(buf); n != 15 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := c.Read(buf); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	c.AwaitTogether(12)
	if n, err := c.Read(buf); !errors.Is(err, io.EOF) {
		t.Fatal(n, err)
	}
}

func TestRoundTrip(t *testing.T) {
	c, peer := pair(t, start(t))
	buf := make([]byte, 1)
	for range 3 {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, buf); err != nil {
			t.Fatal(err)
		}
	}
	if d := c.RTT(); d <= 0 || d > time.Second {
		t.Errorf("a round trip takes %v", d)
	}
	c.Close()
	if d := c.RTT(); d != 0 {
		t.Errorf("on a closed connection it takes %v", d)
	}
}
