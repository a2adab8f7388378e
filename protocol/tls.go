package protocol

import (
	"crypto/tls"
	"fmt"
	"net"
)

// TLSError is a TLS handshake that failed: the peers have no version or certificate in common,
// or the client spoke something else. There is nobody who could be told in MySQL's words.
type TLSError struct{ Err error }

func (e *TLSError) Error() string { return fmt.Sprintf("TLS handshake: %v", e.Err) }

func (e *TLSError) Unwrap() error { return e.Err }

// isSSLRequest says whether a client's first packet asks for TLS: a login cut off before the user's name.
func isSSLRequest(p []byte) bool {
	if len(p) != sslRequestSize {
		return false
	}
	c := cursor{rest: p}
	return Capability(c.uint32()).Has(ClientSSL | ClientProtocol41)
}

// startTLS puts TLS below the packets: from here on NetConn is a *tls.Conn over the connection that it
// was. What the client sent behind its request without waiting belongs to TLS; none of it is
// taken for a packet, so nothing that came in clear can be smuggled into the session.
func (c *Conn) startTLS(config *tls.Config) error {
	below := c.nc
	if early := c.read.buf[c.read.start:c.read.end]; len(early) > 0 {
		below = &prefixed{Conn: c.nc, rest: append([]byte(nil), early...)}
		c.read.start, c.read.end = 0, 0
	}
	t := tls.Server(below, config)
	if err := t.Handshake(); err != nil { //nolint:noctx // bounded by the connection's deadline
		return &TLSError{err}
	}
	c.nc = t
	return nil
}

// TLS tells about the TLS session; false: there is none.
func (c *Conn) TLS() (tls.ConnectionState, bool) {
	if t, ok := c.nc.(*tls.Conn); ok {
		return t.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}

// prefixed is a connection of which some bytes have been read already.
type prefixed struct {
	net.Conn
	rest []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.rest) > 0 {
		n := copy(b, p.rest)
		p.rest = p.rest[n:]
		return n, nil
	}
	p.rest = nil
	return p.Conn.Read(b)
}

// unread puts bytes in front of what is read next. The window must be empty.
func (c *Conn) unread(b []byte) {
	w := &c.read
	if len(b) > len(w.small) {
		w.small = make([]byte, len(b))
	}
	w.buf = w.small
	w.start, w.end = 0, copy(w.buf, b)
}
