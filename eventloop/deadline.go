package eventloop

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// wait returns when the flag may be up, the deadline over, or the connection closed. Both are looked at
// again after parked is set: who raises one looks at parked afterwards, so nothing is missed.
func (c *Conn) wait(w *waiting, flag *atomic.Bool) {
	w.parked.Store(true)
	defer w.parked.Store(false)
	if flag.Load() || c.closed() {
		return
	}
	if d := w.deadline.Load(); d != 0 {
		now := time.Now().UnixNano()
		if d <= now {
			return
		}
		w.arm(d, now)
		if c.closed() { // meanwhile: the timer may have been set behind the closing one's back
			w.close()
			return
		}
	}
	<-w.signal
}

// arm sets the timer. One that fires too early costs a look, so one that is set already is left alone unless
// it would be late.
func (w *waiting) arm(at, now int64) {
	if armed := w.armed.Load(); armed != 0 && armed <= at {
		return
	}
	w.armed.Store(at)
	if t := w.timer.Load(); t != nil {
		t.Reset(time.Duration(at - now))
		return
	}
	w.timer.Store(time.AfterFunc(time.Duration(at-now), func() {
		w.armed.Store(0)
		w.poke()
	}))
}

// SetDeadline sets both deadlines. From any goroutine; who waits is told.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline ends Read at t; the loop does not heed it.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.closed() {
		return net.ErrClosed
	}
	c.read.set(t)
	return nil
}

// SetWriteDeadline ends Write at t; the loop does not heed it.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.closed() {
		return net.ErrClosed
	}
	c.write.set(t)
	return nil
}

// SyscallConn gives access to the descriptor. Read and Write call f once and do not wait.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return rawConn{c}, nil }

type rawConn struct{ c *Conn }

// Control calls f with the descriptor, which stays open meanwhile.
func (r rawConn) Control(f func(fd uintptr)) error {
	if !r.c.enter() {
		return net.ErrClosed
	}
	defer r.c.leave()
	f(uintptr(r.c.fd))
	return nil
}

func (r rawConn) Read(f func(fd uintptr) bool) error {
	return r.Control(func(fd uintptr) { f(fd) })
}

func (r rawConn) Write(f func(fd uintptr) bool) error {
	return r.Control(func(fd uintptr) { f(fd) })
}
