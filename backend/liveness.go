package backend

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// peek looks at a socket without blocking or consuming. An idle server
// connection has nothing to read: bytes (an error such as 4031 before the server
// hangs up, or an answer nobody read) and end of file both make it unusable.
type peek struct {
	raw   syscall.RawConn
	check func(fd uintptr) bool
	buf   [1]byte
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
		for {
			p.n, _, p.err = unix.Recvfrom(int(fd), p.buf[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			if p.err != unix.EINTR {
				return true // never wait for readiness
			}
		}
	}
	return p, nil
}

// quiet says whether the socket is open with nothing to read. One system call.
func (p *peek) quiet() bool {
	if err := p.raw.Read(p.check); err != nil {
		return false
	}
	return p.err == unix.EAGAIN || p.err == unix.EWOULDBLOCK
}
