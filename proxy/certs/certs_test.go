package certs

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/config"
	"lockstep/integration/testca"
)

// meet makes a TLS connection between two configurations and returns each side's error.
func meet(t *testing.T, server, client *tls.Config) (state tls.ConnectionState, atServer, atClient error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	_ = near.SetDeadline(deadline)
	_ = far.SetDeadline(deadline)
	done := make(chan error, 1)
	s := tls.Server(far, server)
	go func() {
		err := s.HandshakeContext(t.Context())
		if err == nil {
			_, err = s.Write([]byte("x")) // in TLS 1.3 a client hears of its refusal with what it reads next
		}
		_ = far.Close()
		done <- err
	}()
	c := tls.Client(near, client)
	atClient = c.HandshakeContext(t.Context())
	if atClient == nil {
		_, atClient = io.ReadFull(c, make([]byte, 1))
	}
	_ = near.Close()
	atServer = <-done
	return s.ConnectionState(), atServer, atClient
}

func pool(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	p, err := authorities(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestClients(t *testing.T) {
	ours, theirs, foreign := testca.New(t), testca.New(t), testca.New(t)
	cert, key := ours.Issue("server", "proxy.test")
	cfg := config.TLS{Mode: config.TLSOptional, Cert: cert, Key: key, CA: theirs.File, MinVersion: config.TLS12}
	c, err := ForClients(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	trust := &tls.Config{RootCAs: pool(t, ours.File), ServerName: "proxy.test"}
	if state, s, cl := meet(t, c.Config(), trust); s != nil || cl != nil || len(state.VerifiedChains) != 0 {
		t.Errorf("without a certificate: %v, %v, %d chains", s, cl, len(state.VerifiedChains))
	}
	with := func(a *testca.Authority, name string, hosts ...string) *tls.Config {
		pair, err := tls.LoadX509KeyPair(a.Issue(name, hosts...))
		if err != nil {
			t.Fatal(err)
		}
		n := trust.Clone()
		// GetClientCertificate sends it whoever the server says that it trusts.
		n.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		return n
	}
	if state, s, cl := meet(t, c.Config(), with(theirs, "client")); s != nil || cl != nil || len(state.VerifiedChains) == 0 {
		t.Errorf("with a certificate: %v, %v", s, cl)
	}
	if _, s, cl := meet(t, c.Config(), with(foreign, "client")); s == nil || cl == nil {
		t.Errorf("a foreign certificate: %v, %v", s, cl)
	}
	if _, s, _ := meet(t, c.Config(), with(theirs, "other", "other.test")); s == nil {
		t.Error("a server's certificate is taken for a client's")
	}
	old := trust.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	if _, s, _ := meet(t, c.Config(), old); s == nil {
		t.Error("TLS 1.1 is spoken")
	}
	cfg.MinVersion = config.TLS13
	newer, err := ForClients(cfg, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if _, s, _ := meet(t, newer.Config(), old); s == nil {
		t.Error("TLS 1.2 is spoken where 1.3 is the least")
	}
	if c, err := ForClients(config.TLS{Mode: config.TLSOff}, slog.Default()); err != nil || c.Config() != nil {
		t.Errorf("off: %v %v", c, err)
	}
}

// Without files there is a certificate all the same, which stays the same while the process lives.
func TestSelfSigned(t *testing.T) {
	c, err := ForClients(config.TLS{Mode: config.TLSRequired}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	if _, s, cl := meet(t, c.Config(), &tls.Config{InsecureSkipVerify: true}); s != nil || cl != nil {
		t.Errorf("%v, %v", s, cl)
	}
	if _, _, cl := meet(t, c.Config(), &tls.Config{ServerName: "x"}); cl == nil {
		t.Error("somebody vouches for it")
	}
	first := c.Config()
	c.files.looked = time.Time{}
	c.ReadAgain()
	if c.Config() != first {
		t.Error("another one is made")
	}
}

func TestClientsFilesMustBeThere(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue("server", "x")
	_, other := ca.Issue("other", "x")
	for name, c := range map[string]config.TLS{
		"no certificate": {Cert: ca.Dir + "/none", Key: key},
		"no key":         {Cert: cert, Key: ca.Dir + "/none"},
		"another's key":  {Cert: cert, Key: other},
		"no authority":   {Cert: cert, Key: key, CA: ca.Dir + "/none"},
		"a key as one":   {Cert: cert, Key: key, CA: key},
	} {
		c.Mode = config.TLSRequired
		if _, err := ForClients(c, slog.Default()); err == nil || !strings.Contains(err.Error(), "tls.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A certificate that is replaced is used without a restart, one that cannot be used is not.
func TestChangedFiles(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue("server", "old.test")
	var said bytes.Buffer
	c, err := ForClients(config.TLS{Mode: config.TLSOptional, Cert: cert, Key: key}, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	// passed is the time until the files are looked at again.
	passed := func() { c.files.looked = time.Time{} }
	name := func() string {
		t.Helper()
		leaf, err := x509.ParseCertificate(c.Config().Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.DNSNames[0]
	}
	first := c.Config()
	passed()
	if c.Config() != first || said.Len() > 0 {
		t.Errorf("read again though nothing has changed: %s", &said)
	}
	ca.Issue("server", "new.test")
	if name() != "old.test" {
		t.Error("looked at within the interval")
	}
	passed()
	if name() != "new.test" || !strings.Contains(said.String(), "level=INFO") {
		t.Errorf("changed files are not used: %s", &said)
	}
	said.Reset()
	if err := os.WriteFile(key, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	passed()
	if name() != "new.test" || said.Len() > 0 {
		t.Errorf("the first look at a bad key: %s", &said)
	}
	for range 3 {
		passed()
		if name() != "new.test" {
			t.Error("a bad key is used")
		}
	}
	if strings.Count(said.String(), "level=ERROR") != 1 {
		t.Errorf("said: %s", &said)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	passed()
	if name() != "new.test" {
		t.Error("a missing key")
	}
	ca.Issue("server", "newest.test")
	passed()
	if name() != "newest.test" {
		t.Error("good files after bad ones are not used")
	}
}

func TestForShard(t *testing.T) {
	ca, foreign := testca.New(t), testca.New(t)
	server := func(hosts ...string) *tls.Config {
		pair, err := tls.LoadX509KeyPair(ca.Issue("server", hosts...))
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	right, other := server("127.0.0.1"), server("elsewhere.test")
	for _, tc := range []struct {
		c      config.ShardTLS
		server *tls.Config
		ok     bool
	}{
		{config.ShardTLS{Mode: config.TLSRequired}, other, true},
		{config.ShardTLS{Mode: config.TLSPreferred}, other, true},
		{config.ShardTLS{Mode: config.TLSVerifyCA, CA: ca.File}, other, true},
		{config.ShardTLS{Mode: config.TLSVerifyCA, CA: foreign.File}, other, false},
		{config.ShardTLS{Mode: config.TLSVerifyCA}, other, false}, // the system does not know it
		{config.ShardTLS{Mode: config.TLSVerifyIdentity, CA: ca.File}, right, true},
		{config.ShardTLS{Mode: config.TLSVerifyIdentity, CA: ca.File}, other, false},
		{config.ShardTLS{Mode: config.TLSVerifyIdentity, CA: ca.File, ServerName: "elsewhere.test"}, other, true},
		{config.ShardTLS{Mode: config.TLSVerifyIdentity, CA: foreign.File}, right, false},
	} {
		get := ForShard(config.Shard{Name: "s1", Address: "127.0.0.1:3306", TLS: tc.c}, slog.Default())
		cfg, err := get()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := meet(t, tc.server, cfg); (err == nil) != tc.ok {
			t.Errorf("%+v: %v", tc.c, err)
		}
	}
	if ForShard(config.Shard{Address: "127.0.0.1:3306", TLS: config.ShardTLS{Mode: config.TLSOff}}, slog.Default()) != nil {
		t.Error("off is on")
	}
	// Files that are not there yet are an error of the connection, until they are.
	later := filepath.Join(t.TempDir(), "ca.pem")
	get := ForShard(config.Shard{Address: "127.0.0.1:3306", TLS: config.ShardTLS{Mode: config.TLSVerifyCA, CA: later}}, slog.Default())
	if _, err := get(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	text, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(later, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := get(); err != nil {
		t.Error(err)
	}
	cert, key := ca.Issue("client")
	if cfg, err := ForShard(config.Shard{Address: "/s", TLS: config.ShardTLS{Mode: config.TLSRequired, Cert: cert, Key: key}}, slog.Default())(); err != nil || len(cfg.Certificates) != 1 {
		t.Error(err)
	}
}

func TestRSAKey(t *testing.T) {
	dir := t.TempDir()
	write := func(kind string, der []byte) string {
		path := filepath.Join(dir, "key.pem")
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	eight, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(key), "PRIVATE KEY": eight} {
		got, err := RSAKey(write(kind, der))
		if err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, elliptic := testca.New(t).Issue("x", "x")
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"1024 bits": write("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short)), "elliptic": elliptic, "empty": empty, "missing": dir + "/none",
	} {
		if _, err := RSAKey(path); err == nil || !strings.Contains(err.Error(), "rsa_key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
