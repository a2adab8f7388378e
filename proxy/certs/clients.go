package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"

	"lockstep/config"
)

// Clients is what clients are offered.
type Clients struct{ files *watched[*tls.Config] }

// ForClients reads the files of c; nil where c has TLS off.
func ForClients(c config.TLS, log *slog.Logger) (*Clients, error) {
	if c.Mode == config.TLSOff {
		return nil, nil
	}
	files, err := watch(func() (*tls.Config, error) { return clientsConfig(c) }, log, c.Cert, c.Key, c.CA)
	if err != nil {
		return nil, err
	}
	return &Clients{files}, nil
}

// Config is the configuration of the next connection; nil: none is offered.
func (c *Clients) Config() *tls.Config {
	if c == nil {
		return nil
	}
	return c.files.get()
}

// ReadAgain reads the files whether they seem to have changed or not.
func (c *Clients) ReadAgain() {
	if c != nil && len(c.files.paths) > 0 {
		c.files.again()
	}
}

func clientsConfig(c config.TLS) (*tls.Config, error) {
	pair, err := clientsPair(c)
	if err != nil {
		return nil, err
	}
	t := &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
		// A session lasts as long as its connection; a resumed one would carry the proof of a certificate that
		// tls.ca may not vouch for any more.
		SessionTicketsDisabled: true,
	}
	if c.MinVersion == config.TLS13 {
		t.MinVersion = tls.VersionTLS13
	}
	if c.CA != "" {
		if t.ClientCAs, err = authorities(c.CA); err != nil {
			return nil, fmt.Errorf("read tls.ca: %w", err)
		}
		t.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return t, nil
}

func clientsPair(c config.TLS) (tls.Certificate, error) {
	if c.Cert == "" {
		return selfSigned()
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return pair, fmt.Errorf("read tls.cert %s and tls.key %s: %w", c.Cert, c.Key, err)
	}
	return pair, nil
}

func authorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return pool, nil
}
