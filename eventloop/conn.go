package eventloop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrWouldBlock is TryRead's: nothing has arrived.
var ErrWouldBlock = errors.New("nothing to read yet")

// Conn is a stream socket. As a net.Conn it belongs to one goroutine (Close and deadlines: any).
type Conn struct {
	watcher       atomic.Pointer[Loop]
	fd            int
	slot          uint32
	local, remote net.Addr

	refs     atomic.Int64 // system calls under way; closedBit when closed
	readable atomic.Bool
	hung     atomic.Bool // the stream's end is in the kernel, perhaps behind bytes; no event announces it again
	writable atomic.Bool
	onLoop   atomic.Bool // the loop's, not a goroutine's
	read     waiting
	write    waiting

	// Of the owner.
	handler  Handler
	together bool   // see AwaitTogether
	left     []byte // of writes on the loop, not sent yet
	failed   error  // a write failed: nothing more is sent
}

const closedBit = 1 << 62

// Adopt makes a connection of the runtime's (TCP or Unix) one of the loop's; nc is closed. It
// begins as a goroutine's.
func (l *Loop) Adopt(nc net.Conn) (*Conn, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a %T has no file descriptor", nc)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{fd: -1, local: nc.LocalAddr(), remote: nc.RemoteAddr()}
	c.watcher.Store(l)
	c.read.init()
	c.write.init()
	// A descriptor of its own: the runtime's poller lets go of the other one when it is closed.
	if cerr := raw.Control(func(fd uintptr) { c.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return nil, fmt.Errorf("duplicate a file descriptor: %w", errors.Join(cerr, err))
	}
	// It shares its mode with the original, which the runtime has made non-blocking.
	if err := l.register(c); err != nil {
		return nil, errors.Join(err, unix.Close(c.fd))
	}
	_ = nc.Close() // the socket lives on in c
	return c, nil
}

// Quiet says whether nothing waits to be read, not even the end, as far as the kernel has told.
func (c *Conn) Quiet() bool { return !c.readable.Load() && !c.closed() }

// OnLoop says whether the connection is the loop's. It is sure only for the owner, and on the loop.
func (c *Conn) OnLoop() bool { return c.onLoop.Load() }

// Loop is the loop that watches the connection.
func (c *Conn) Loop() *Loop { return c.watcher.Load() }

// enter begins a system call; false: the connection is closed.
func (c *Conn) enter() bool {
	if c.refs.Add(1)&closedBit == 0 {
		return true
	}
	c.leave()
	return false
}

func (c *Conn) leave() {
	if c.refs.Add(-1) == closedBit {
		c.release()
	}
}

// released marks that the descriptor is being closed, by the one who sees it first.
const released = 1 << 61

func (c *Conn) release() {
	if !c.refs.CompareAndSwap(closedBit, closedBit|released) {
		return // somebody tries in vain to enter: the last to leave closes
	}
	c.Loop().forget(c)
	_ = unix.Close(c.fd) // a socket's close has no error that matters
}

// Close closes the connection. Whoever waits on it gets net.ErrClosed.
func (c *Conn) Close() error {
	for {
		n := c.refs.Load()
		if n&closedBit != 0 {
			return net.ErrClosed
		}
		if c.refs.CompareAndSwap(n, n|closedBit) {
			break
		}
	}
	if c.refs.Load() == closedBit {
		c.release()
	}
	c.read.close()
	c.write.close()
	return nil
}

func (c *Conn) closed() bool { return c.refs.Load()&closedBit != 0 }

// event is called by a loop that was told of the connection: l, which may have lost it to another one meanwhile (Move).
func (c *Conn) event(l *Loop, bits uint32) {
	const hung = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	in := bits&(unix.EPOLLIN|hung) != 0
	if bits&hung != 0 {
		c.hung.Store(true)
	}
	if in {
		c.readable.Store(true)
	}
	if bits&(unix.EPOLLOUT|hung) != 0 {
		c.writable.Store(true)
	}
	if !c.onLoop.Load() {
		if in && c.read.poke() {
			l.woke = true
		}
		if c.write.poke() {
			l.woke = true
		}
		return
	}
	if now := c.Loop(); now != l {
		now.give(c) // its handler runs there, and nowhere else
		return
	}
	if len(c.left) > 0 && bits&(unix.EPOLLOUT|hung) != 0 {
		c.drain()
	}
	if in {
		c.tell(l)
	}
}

// tell calls the handler of a connection that is still this loop's.
func (c *Conn) tell(l *Loop) {
	if c.onLoop.Load() && c.Loop() == l {
		c.handler.Readable()
	}
}

// Give makes the connection the loop's. From the owning goroutine, which must not touch it any
// more, or from the loop. What has arrived already is told at once.
func (c *Conn) Give(h Handler) {
	c.handler = h
	c.onLoop.Store(true)
	if c.readable.Load() {
		c.Loop().give(c)
	}
}

// Take makes the connection a goroutine's again. On the loop only.
func (c *Conn) Take() {
	c.onLoop.Store(false)
	c.handler = nil
}

// TryRead reads what has arrived: ErrWouldBlock where there is nothing, io.EOF at the end.
func (c *Conn) TryRead(p []byte) (int, error) {
	for c.readable.Load() {
		// Before the read: what arrives from now on sets it again.
		c.readable.Store(false)
		n, err := c.sysRead(p)
		switch {
		case err == 0 && n > 0:
			c.arrived()
			if n == len(p) || c.hung.Load() {
				c.readable.Store(true)
			}
			return n, nil
		case err == 0:
			c.readable.Store(true) // the end stays
			return 0, io.EOF
		case err == unix.EAGAIN:
		case err == unix.EINTR:
			c.readable.Store(true)
		case err == unix.EBADF:
			return 0, net.ErrClosed
		default:
			c.readable.Store(true)
			return 0, &net.OpError{Op: "read", Net: c.remote.Network(), Addr: c.remote, Err: os.NewSyscallError("read", err)}
		}
	}
	if c.closed() {
		return 0, net.ErrClosed
	}
	return 0, ErrWouldBlock
}

// sysRead cannot block, so the scheduler is not told.
func (c *Conn) sysRead(p []byte) (int, syscall.Errno) {
	if !c.enter() {
		return 0, unix.EBADF
	}
	defer c.leave()
	c.Loop().stats.Reads.Add(1)
	n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return int(n), err
}

func (c *Conn) sysWrite(p []byte) (int, syscall.Errno) {
	if !c.enter() {
		return 0, unix.EBADF
	}
	defer c.leave()
	c.Loop().stats.Writes.Add(1)
	// MSG_NOSIGNAL: a broken pipe is an error, not a signal.
	n, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0)
	return int(n), err
}

// Read waits for bytes, the end, the deadline or Close.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if err := c.read.expired(); err != nil {
			return 0, c.opError("read", err)
		}
		n, err := c.TryRead(p)
		if !errors.Is(err, ErrWouldBlock) {
			return n, err
		}
		c.wait(&c.read, &c.readable)
	}
}

// Write sends all of p. On the loop it never waits: what does not fit in the kernel's buffer is copied and
// sent later, see Handler.Drained and Left.
func (c *Conn) Write(p []byte) (int, error) {
	if c.onLoop.Load() {
		return c.writeOnLoop(p)
	}
	if len(c.left) > 0 {
		left := c.left
		c.left = nil
		if _, err := c.writeAll(left); err != nil {
			return 0, err
		}
	}
	return c.writeAll(p)
}

func (c *Conn) writeAll(p []byte) (sent int, err error) {
	if c.failed != nil {
		return 0, c.failed
	}
	for sent < len(p) {
		if err := c.write.expired(); err != nil {
			return sent, c.opError("write", err)
		}
		c.writable.Store(false)
		n, errno := c.sysWrite(p[sent:])
		switch errno {
		case 0:
			sent += n
		case unix.EINTR:
		case unix.EAGAIN:
			c.wait(&c.write, &c.writable)
		default:
			return sent, c.writeError(errno)
		}
	}
	return sent, nil
}

func (c *Conn) writeOnLoop(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	sent := 0
	for len(c.left) == 0 && sent < len(p) {
		n, errno := c.sysWrite(p[sent:])
		if errno == unix.EAGAIN {
			break
		}
		if errno != 0 && errno != unix.EINTR {
			c.failed = c.writeError(errno)
			return sent, c.failed
		}
		if errno == 0 {
			sent += n
		}
	}
	c.left = append(c.left, p[sent:]...)
	return len(p), nil
}

// Left is how many bytes Write has left behind on the loop.
func (c *Conn) Left() int { return len(c.left) }

// Flush sends what was left behind on the loop. From the goroutine that owns the connection.
func (c *Conn) Flush() error {
	if len(c.left) == 0 {
		return nil
	}
	_, err := c.Write(nil)
	return err
}

// drain sends what was left behind, as far as it goes.
func (c *Conn) drain() {
	sent := 0
	for sent < len(c.left) && c.failed == nil {
		n, errno := c.sysWrite(c.left[sent:])
		if errno == unix.EAGAIN {
			break
		}
		if errno != 0 && errno != unix.EINTR {
			c.failed = c.writeError(errno)
			break
		}
		if errno == 0 {
			sent += n
		}
	}
	c.left = c.left[:copy(c.left, c.left[sent:])]
	if c.failed != nil || len(c.left) == 0 {
		c.left = nil
		c.handler.Drained()
	}
}

func (c *Conn) writeError(errno syscall.Errno) error {
	if errno == unix.EBADF {
		return net.ErrClosed
	}
	return c.opError("write", os.NewSyscallError("write", errno))
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: c.remote.Network(), Source: c.local, Addr: c.remote, Err: err}
}

// CloseWrite says to the peer that nothing more comes.
func (c *Conn) CloseWrite() error {
	if !c.enter() {
		return net.ErrClosed
	}
	defer c.leave()
	return os.NewSyscallError("shutdown", unix.Shutdown(c.fd, unix.SHUT_WR))
}

// LocalAddr and RemoteAddr are the socket's, as of Adopt.
func (c *Conn) LocalAddr() net.Addr  { return c.local }
func (c *Conn) RemoteAddr() net.Addr { return c.remote }
