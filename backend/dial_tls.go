package backend

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"

	"lockstep/protocol"
)

// maxGreeting bounds a server's first packet, in bytes.
const maxGreeting = 64 << 10

// greeted is a server connection whose greeting has been looked at and is still to be read.
type greeted struct {
	net.Conn
	rest      []byte
	offersTLS bool
}

// readGreeting looks at what the server offers: the login code asks for TLS or not before it reads the greeting
// itself, and a server without TLS must not cost a second connection.
func readGreeting(nc net.Conn) (*greeted, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(nc, head); err != nil {
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if size > maxGreeting {
		return nil, fmt.Errorf("reading the greeting: %d bytes announced", size)
	}
	g := &greeted{Conn: nc, rest: append(head, make([]byte, size)...)}
	if _, err := io.ReadFull(nc, g.rest[4:]); err != nil {
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	g.offersTLS = offersTLS(g.rest[4:])
	return g, nil
}

// offersTLS reads the capabilities of Protocol::HandshakeV10; in anything else there are none.
func offersTLS(p []byte) bool {
	if len(p) == 0 || p[0] != 10 {
		return false
	}
	end := bytes.IndexByte(p, 0)
	at := end + 1 + 4 + 8 + 1 // version, connection id, first part of the challenge, filler
	if end < 0 || len(p) < at+2 {
		return false
	}
	return protocol.Capability(uint32(p[at]) | uint32(p[at+1])<<8).Has(protocol.ClientSSL)
}

// chooseTLS says whether the login that follows on the connection it returns asks for TLS: config again, or nil.
func (s *Shard) chooseTLS(nc net.Conn, config *tls.Config) (net.Conn, *tls.Config, error) {
	if config == nil {
		return nc, nil, nil
	}
	g, err := readGreeting(nc)
	switch {
	case err != nil:
		return nil, nil, err
	case g.offersTLS || !g.isGreeting():
		return g, config, nil
	case s.o.TLSOptional:
		return g, nil, nil
	}
	return nil, nil, errNoTLS
}

// isGreeting: a server that is full or going down sends an error in its place.
func (g *greeted) isGreeting() bool { return len(g.rest) > 4 && g.rest[4] == 10 }

func (g *greeted) Read(b []byte) (int, error) {
	if len(g.rest) > 0 {
		n := copy(b, g.rest)
		g.rest = g.rest[n:]
		return n, nil
	}
	return g.Conn.Read(b)
}

// errNoTLS is a server that has no TLS where it is wanted.
var errNoTLS = errors.New("the server offers no TLS")

// tlsWire is a server connection with TLS. Closing it is closing the connection under it: a farewell of TLS
// could wait for a server that does not read.
type tlsWire struct{ *tls.Conn }

func (w tlsWire) Close() error { return w.NetConn().Close() }

// wireOf is the connection that packets travel on once the login is done: raw, or TLS over it.
func wireOf(login, raw net.Conn) net.Conn {
	if t, ok := login.(*tls.Conn); ok {
		return tlsWire{t}
	}
	return raw
}

// TLS tells about the TLS session; false: there is none.
func (c *Conn) TLS() (tls.ConnectionState, bool) {
	if w, ok := c.nc.(tlsWire); ok {
		return w.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}
