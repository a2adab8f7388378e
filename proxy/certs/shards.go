package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"

	"lockstep/config"
)

// ForShard gives what backend.Options.TLS takes; nil where the shard has TLS off. The files are read with the first
// connection and when they change: an error then makes the shard one that cannot be reached.
func ForShard(s config.Shard, log *slog.Logger) func() (*tls.Config, error) {
	c := s.TLS
	if c.Mode == "" || c.Mode == config.TLSOff {
		return nil
	}
	name := c.ServerName
	if name == "" && !strings.HasPrefix(s.Address, "/") {
		if host, _, err := net.SplitHostPort(s.Address); err == nil {
			name = host
		}
	}
	var files *watched[*tls.Config]
	var mu sync.Mutex
	return func() (*tls.Config, error) {
		mu.Lock()
		defer mu.Unlock()
		if files == nil {
			w, err := watch(func() (*tls.Config, error) { return shardConfig(c, name) }, log.With("shard", s.Name), c.CA, c.Cert, c.Key)
			if err != nil {
				return nil, err
			}
			files = w
		}
		return files.get(), nil
	}
}

func shardConfig(c config.ShardTLS, name string) (*tls.Config, error) {
	t := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("read tls.cert %s and tls.key %s: %w", c.Cert, c.Key, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	if c.CA != "" {
		pool, err := authorities(c.CA)
		if err != nil {
			return nil, fmt.Errorf("read tls.ca: %w", err)
		}
		t.RootCAs = pool
	}
	if c.Mode == config.TLSVerifyIdentity {
		return t, nil
	}
	t.InsecureSkipVerify = true //nolint:gosec // what the mode asks for; verify-ca checks below all but the name
	if c.Mode == config.TLSVerifyCA {
		t.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, t.RootCAs) }
	}
	return t, nil
}

// verifyChain checks that an authority vouches for the server's certificate, whatever name is in it.
func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server has no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := state.PeerCertificates[0].Verify(o); err != nil {
		return fmt.Errorf("verify the server's certificate: %w", err)
	}
	return nil
}
