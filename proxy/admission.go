package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"lockstep/config"
	"lockstep/protocol"
	"lockstep/proxy/proxyproto"
)

// Why clients are turned away, as the metric connections_refused_total says it.
const (
	refusedConnections     = "max_connections"
	refusedUnauthenticated = "max_unauthenticated"
	refusedUserConnections = "max_user_connections"
	refusedTimeout         = "handshake_timeout"
	refusedPacket          = "packet_too_large"
	refusedHeader          = "proxy_header"
	refusedTLSRequired     = "tls_required"
	refusedTLS             = "tls_failed"
	refusedAccess          = "access_denied"
	refusedDatabase        = "database"
	refusedHandshake       = "bad_handshake"
	refusedLeft            = "left" // it went away, or its connection broke
)

var refusals = []string{refusedConnections, refusedUnauthenticated, refusedUserConnections, refusedTimeout, refusedPacket, refusedHeader,
	refusedTLSRequired, refusedTLS, refusedAccess, refusedDatabase, refusedHandshake, refusedLeft}

// refusalOf tells why a login failed.
func refusalOf(err error) string {
	var (
		insecure *insecureError
		header   *proxyproto.Error
		failed   *protocol.TLSError
		big      *protocol.PacketTooLargeError
		order    *protocol.SequenceError
		se       *protocol.ServerError
	)
	switch {
	case errors.As(err, &insecure):
		return refusedTLSRequired
	case errors.As(err, &header):
		return refusedHeader
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusedTimeout
	case errors.As(err, &failed):
		return refusedTLS
	case errors.As(err, &big):
		return refusedPacket
	case errors.As(err, &order):
		return refusedHandshake
	case !errors.As(err, &se):
		return refusedLeft
	}
	switch se.Code {
	case protocol.ErrAccessDenied:
		return refusedAccess
	case protocol.ErrSecureTransportRequired:
		return refusedTLSRequired
	case erTooManyUserConns:
		return refusedUserConnections
	case erDBAccessDenied, erBadDB:
		return refusedDatabase
	}
	return refusedHandshake
}

// insecureError is a user whose connection is not what its account requires. The client hears what a server says.
type insecureError struct{ told *protocol.ServerError }

func (e *insecureError) Error() string { return e.told.Error() }

func (e *insecureError) ServerError() *protocol.ServerError { return e.told }

// mayCome checks what the user's account requires of the connection.
func (s *session) mayCome(u *config.User) error {
	if u.Require == "" {
		return nil
	}
	state, secure := s.client.TLS()
	if secure && (u.Require != config.RequireX509 || len(state.VerifiedChains) > 0) {
		return nil
	}
	using := "YES"
	if u.Password == "" && u.Hash == "" {
		using = "NO"
	}
	return &insecureError{protocol.NewError(protocol.ErrAccessDenied, "Access denied for user '%s'@'%s' (using password: %s)", u.Name, s.host, using)}
}

// turnedAway says why a client is refused before anything else is said, or "".
func (r *registry) turnedAway(l *config.Limits) string {
	switch {
	case l.MaxConnections > 0 && len(r.byID) >= l.MaxConnections:
		return refusedConnections
	case l.MaxUnauthenticated > 0 && r.pending >= l.MaxUnauthenticated:
		return refusedUnauthenticated
	}
	return ""
}

// arrived: the session's client has logged in, or never will.
func (r *registry) arrived(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.pending {
		s.pending = false
		r.pending--
	}
}

func (r *registry) unauthenticated() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pending
}

// refuse tells a new client that there is no place for it, and closes. It is greeted with an error, as servers do.
func (p *Proxy) refuse(nc net.Conn, why string) {
	p.metrics.refused.WithLabelValues(why).Inc()
	c := protocol.NewConn(nc, protocol.Options{ReadBuffer: 1, WriteBuffer: 1})
	// The client is being turned away: that it may not hear why changes nothing.
	defer c.Close() //nolint:errcheck // see above
	_ = nc.SetDeadline(time.Now().Add(time.Second))
	_ = c.WritePacket(protocol.AppendError(nil, protocol.NewError(erTooManyConns, "Too many connections (limits.%s)", why)))
	_ = c.Flush()
	half, ok := nc.(interface{ CloseWrite() error })
	if ok && p.origins.trusts(nc.RemoteAddr()) && half.CloseWrite() == nil {
		// Closing with the header unread would reset the connection, and the error with it.
		_, _ = io.CopyN(io.Discard, nc, proxyproto.MaxHeader)
	}
}
