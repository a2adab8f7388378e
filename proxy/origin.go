package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"lockstep/config"
	"lockstep/protocol"
	"lockstep/proxy/certs"
	"lockstep/proxy/proxyproto"
)

// origins says whose PROXY protocol headers are believed.
type origins struct {
	from     []netip.Prefix
	required bool
	timeout  time.Duration
}

func newOrigins(c config.ProxyProtocol) (origins, error) {
	o := origins{required: c.Mode != config.HeaderOptional, timeout: c.Timeout}
	for _, text := range c.From {
		p, err := config.ParseNetwork(text)
		if err != nil {
			return o, fmt.Errorf("read proxy_protocol.from: %w", err)
		}
		o.from = append(o.from, p)
	}
	return o, nil
}

func (o *origins) trusts(peer net.Addr) bool {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok || len(o.from) == 0 {
		return false
	}
	a := tcp.AddrPort().Addr().Unmap().WithZone("")
	for _, p := range o.from {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// takeOrigin finds out where the client is, where a proxy in front passes it on: before the greeting where a header is
// required, otherwise behind it, since a client that comes by itself waits for the greeting.
func (s *session) takeOrigin(g *protocol.Greeting) error {
	o := &s.p.origins
	if !o.trusts(s.nc.RemoteAddr()) {
		return nil
	}
	if !o.required {
		g.Preface = func(nc net.Conn) ([]byte, error) {
			h, found, rest, err := proxyproto.Read(nc)
			if err == nil && found {
				s.cameFrom(h)
			}
			return rest, s.headerFailed(err)
		}
		return nil
	}
	whole := time.Now().Add(s.p.cfg.Timeouts.Handshake)
	if err := s.nc.SetReadDeadline(time.Now().Add(min(o.timeout, s.p.cfg.Timeouts.Handshake))); err != nil {
		return err
	}
	h, found, _, err := proxyproto.Read(s.nc)
	switch {
	case err != nil:
		return s.headerFailed(err)
	case !found:
		return s.headerFailed(&proxyproto.Error{Why: "there is none (proxy_protocol.mode is required)"})
	}
	s.cameFrom(h)
	return s.nc.SetReadDeadline(whole)
}

// headerFailed tells the operator of a proxy that does not do what the configuration says of it. One that only looks
// whether the port answers is none.
func (s *session) headerFailed(err error) error {
	var bad *proxyproto.Error
	if errors.As(err, &bad) {
		s.p.log.Warn("connection from a proxy is closed", "from", s.nc.RemoteAddr().String(), "err", err)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the connection ended: %w", err)
	}
	return err
}

// cameFrom takes the address from a header.
func (s *session) cameFrom(h proxyproto.Header) {
	if !h.Source.IsValid() {
		return // the proxy itself
	}
	s.via, s.peer, s.host = s.peer, h.Source.String(), h.Source.Addr().String()
	s.client.SetPeerHost(s.host)
}

// peerOf is the client's address as process lists show it, and its host as accounts are named.
func peerOf(nc net.Conn) (peer, host string) {
	a := nc.RemoteAddr()
	if a == nil || strings.HasPrefix(a.Network(), "unix") {
		return localhost, localhost
	}
	peer = a.String()
	if host, _, err := net.SplitHostPort(peer); err == nil {
		return peer, host
	}
	return peer, peer
}

const localhost = "localhost"

// prepareLogins reads what logging in needs of files, so that what cannot work is known before anything starts.
func (p *Proxy) prepareLogins() (err error) {
	if p.tls, err = certs.ForClients(p.cfg.TLS, p.log); err != nil {
		return fmt.Errorf("prepare TLS: %w", err)
	}
	if p.origins, err = newOrigins(p.cfg.ProxyProtocol); err != nil {
		return err
	}
	p.auth = protocol.NewAuthenticator(p.account)
	p.auth.MaxLoginPacket = p.cfg.Limits.MaxLoginPacket
	if p.cfg.RSAKey != "" {
		if p.auth.RSAKey, err = certs.RSAKey(p.cfg.RSAKey); err != nil {
			return err
		}
	}
	return nil
}

// ReadCertificates reads the files of TLS again, without waiting for the next client. What cannot be used is logged, and
// what was read before stays in use.
func (p *Proxy) ReadCertificates() { p.tls.ReadAgain() }
