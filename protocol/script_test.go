package protocol

import (
	"bytes"
	"io"
	"net"
	"time"
)

// scriptConn is a network connection whose peer has said all that it will say. It hands
// out its bytes in chunks and keeps what is written.
type scriptConn struct {
	in     []byte
	chunk  int // bytes per read; 0: as many as fit
	out    bytes.Buffer
	reads  int
	writes int
	broken error // of writes
}

func (s *scriptConn) Read(b []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	s.reads++
	n := len(s.in)
	if s.chunk > 0 {
		n = min(n, s.chunk)
	}
	n = copy(b, s.in[:n])
	s.in = s.in[n:]
	return n, nil
}

func (s *scriptConn) Write(b []byte) (int, error) {
	if s.broken != nil {
		return 0, s.broken
	}
	s.writes++
	return s.out.Write(b)
}

func (s *scriptConn) Close() error                     { return nil }
func (s *scriptConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (s *scriptConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
func (s *scriptConn) SetDeadline(time.Time) error      { return nil }
func (s *scriptConn) SetReadDeadline(time.Time) error  { return nil }
func (s *scriptConn) SetWriteDeadline(time.Time) error { return nil }

// frames lays payloads out on the wire, the first with the given number. It is written
// apart from Conn's own writer, to check it.
func frames(number int, payloads ...[]byte) []byte {
	var b []byte
	for _, p := range payloads {
		for {
			n := min(len(p), 1<<24-1)
			b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(number))
			b = append(b, p[:n]...)
			p = p[n:]
			number++
			if n < 1<<24-1 {
				break
			}
		}
	}
	return b
}

// answered makes a connection on which a command was sent and s.in answers it.
func answered(s *scriptConn, o Options) *Conn {
	c := NewConn(s, o)
	c.seq.next, c.seq.fresh = 1, false
	return c
}
