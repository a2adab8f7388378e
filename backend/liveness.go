package backend

import (
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// peek looks at a socket without blocking or consuming. An idle server
// connection has nothing to read: bytes (an error such as 4031 before the server
// hangs up, or an answer nobody read) and end of file both make it unusable.
type peek struct {
	raw   syscall.RawConn
	check func(fd uintptr) bool
	fds   [1]unix.PollFd
	n     int
	err   error
}

func newPeek(nc net.Conn) (*peek, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil, errors.New("connection has no file descriptor")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	p := &peek{raw: raw}
	p.check = func(fd uintptr) bool {
		p.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}
		for {
			p.n, p.err = unix.Poll(p.fds[:], 0)
			if !errors.Is(p.err, unix.EINTR) {
				return true // never wait for readiness
			}
		}
	}
	return p, nil
}

// quiet says whether the socket is open with nothing to read. One system call, no
// allocation. Not while another goroutine reads from the connection: it would wait for it.
func (p *peek) quiet() bool {
	return p.raw.Read(p.check) == nil && p.err == nil && p.n == 0
}

// heard is how long ago the server last sent something; 0 where the system does not say.
func (p *peek) heard() (ago time.Duration) {
	err := p.raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			ago = time.Duration(info.Last_data_recv) * time.Millisecond
		}
	})
	if err != nil {
		return 0 // closed, which its next use will say
	}
	return ago
}

// PeerGone says whether the server has ended the connection, or it has broken, whatever its owner is doing with it. It may be
// called while another goroutine reads, and consumes nothing.
func (c *Conn) PeerGone() bool {
	gone := false
	err := c.peek.raw.Control(func(fd uintptr) {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if _, err := unix.Poll(fds[:], 0); err == nil {
			gone = fds[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
		}
	})
	return err != nil || gone
}
