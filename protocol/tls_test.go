package protocol

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/testca"
	"lockstep/localdb"
)

// serverTLS is what a server at 127.0.0.1 offers, and the authority behind it.
func serverTLS(t *testing.T) (*tls.Config, *testca.Authority) {
	t.Helper()
	ca := testca.New(t)
	pair, err := tls.LoadX509KeyPair(ca.Issue("server", "127.0.0.1", "localhost"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}, ca
}

func offering(config *tls.Config, required bool) func(*tinyServer) {
	return func(s *tinyServer) { s.greeting.TLS, s.greeting.RequireTLS = config, required }
}

// forget makes the next login of caching_sha2_password take the full way.
func (s *tinyServer) forget() {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	clear(s.auth.digests)
}

// trusting is a client's configuration.
func trusting(t *testing.T, ca *testca.Authority) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

// commandLines are the clients' programs with what makes each use TLS and check the certificate.
func commandLines(t *testing.T, ca *testca.Authority) map[string][]string {
	t.Helper()
	lines := map[string][]string{}
	if path, err := exec.LookPath("mariadb"); err == nil {
		lines["mariadb"] = []string{path, "--no-defaults", "--ssl-ca=" + ca.File, "--ssl-verify-server-cert"}
	}
	if path, err := localdb.MySQLClient(); err == nil {
		lines["mysql"] = []string{path, "--no-defaults", "--ssl-ca=" + ca.File, "--ssl-mode=VERIFY_IDENTITY"}
	}
	if len(lines) == 0 {
		t.Skip("neither mariadb's nor mysql's command line is here")
	}
	return lines
}

func TestTLSWithRealClients(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config, ca := serverTLS(t)
		config.MinVersion, config.MaxVersion = version, version
		s := startTinyServer(t, "tcp", PluginCachingSHA2Password, testAccounts(), offering(config, true))
		for _, tc := range []struct{ user, password, want string }{
			{"clear", testPassword, "1"},
			{"native", testPassword, "1"},
			{"sha2", testPassword, "1"}, // full: the password in clear, through TLS
			{"sha2", "wrong", "ERROR 1045 (28000)"},
			{"clear", "wrong", "ERROR 1045 (28000)"},
			{"nobody", "x", "ERROR 1045 (28000)"},
		} {
			s.forget()
			t.Run(tls.VersionName(version)+"/go/"+tc.user+"/"+tc.password, func(t *testing.T) {
				cfg := mysql.NewConfig()
				cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.TLS = "tcp", s.address(), tc.user, tc.password, trusting(t, ca)
				err := pingAndQuery(cfg)
				if (err == nil) != (tc.want == "1") || err != nil && !strings.Contains(err.Error(), "1045 (28000)") {
					t.Fatal(err)
				}
			})
			for name, line := range commandLines(t, ca) {
				if name == "mysql" && tc.user == "native" {
					continue // it has no such plugin since 9.0
				}
				s.forget()
				t.Run(tls.VersionName(version)+"/"+name+"/"+tc.user+"/"+tc.password, func(t *testing.T) {
					got := runClient(t, s, line, tc.user, tc.password, "SELECT 1")
					noSuchPlugin := tc.user == "nobody" && strings.HasPrefix(got, "ERROR 2059") // answered as the account "native" is
					if !strings.HasPrefix(got, tc.want) && !noSuchPlugin {
						t.Fatalf("client said %q, want %q", got, tc.want)
					}
				})
			}
		}
		s.stop()
		if s.auth.RSAKey != nil {
			t.Error("an RSA key was made, though everybody had TLS")
		}
	}
}

// runClient runs a command line against the server and returns all that it says.
func runClient(t *testing.T, s *tinyServer, line []string, user, password, query string, more ...string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(s.address())
	if err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{}, line[1:]...), "-h127.0.0.1", "-P"+port, "--protocol=tcp", "-u"+user, "-N", "-e", query)
	cmd := exec.CommandContext(t.Context(), line[0], append(args, more...)...)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
	out, err := cmd.CombinedOutput()
	if text := string(out); (err == nil) == strings.Contains(text, "ERROR") {
		t.Errorf("%v, but the client said %q", err, text)
	}
	return strings.TrimSpace(string(out))
}

// Who has no TLS is told so where it is required, with a code that clients know.
func TestTLSRequired(t *testing.T) {
	config, _ := serverTLS(t)
	s := startTinyServer(t, "tcp", PluginNativePassword, testAccounts(), offering(config, true))
	cfg := mysql.NewConfig()
	for _, user := range []string{"clear", "nobody"} {
		cfg.Net, cfg.Addr, cfg.User, cfg.Passwd = "tcp", s.address(), user, testPassword
		var e *mysql.MySQLError
		if err := pingAndQuery(cfg); !errors.As(err, &e) || e.Number != ErrSecureTransportRequired || !strings.Contains(e.Message, "tls.mode") {
			t.Errorf("%s: %v", user, err)
		}
	}
	// A Unix socket is as good.
	u := startTinyServer(t, "unix", PluginNativePassword, testAccounts(), offering(config, true))
	cfg.Net, cfg.Addr, cfg.User = "unix", u.address(), "clear"
	if err := pingAndQuery(cfg); err != nil {
		t.Error(err)
	}
}

// A client need not wait for anything between its request and the handshake; and what follows the request is
// never taken for a packet that came in clear.
func TestBehindTheTLSRequest(t *testing.T) {
	config, ca := serverTLS(t)
	request := loginPacket(ServerCapabilities|ClientSSL, "", nil, "", "", nil)[:sslRequestSize]

	t.Run("a client that does not wait", func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		near.SetDeadline(time.Now().Add(10 * time.Second))
		far.SetDeadline(time.Now().Add(10 * time.Second))
		a := NewAuthenticator(func(string) (Account, bool) { return Account{}, true })
		var login *Login
		var server *Conn
		var wg sync.WaitGroup
		wg.Go(func() {
			server = NewConn(far, Options{})
			var err error
			if login, err = a.Handshake(server, Greeting{TLS: config}); err != nil {
				t.Error(err)
			}
		})
		c := NewConn(near, Options{})
		if _, err := c.ReadPacket(); err != nil {
			t.Fatal(err)
		}
		// The request and the first message of TLS go out as one write.
		client := tls.Client(&joined{Conn: near, first: frames(1, request)}, trusting(t, ca))
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Write(frames(2, loginPacket(ServerCapabilities|ClientSSL, "u", nil, "", PluginNativePassword, nil))); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		state, ok := server.TLS()
		if !ok || !state.HandshakeComplete || login.User != "u" || login.Capabilities&^(ServerCapabilities|ClientSSL) != 0 {
			t.Errorf("%+v %v", login, ok)
		}
	})
	t.Run("a login behind it in clear", func(t *testing.T) {
		a := NewAuthenticator(func(string) (Account, bool) { return Account{}, true })
		smuggled := loginPacket(ServerCapabilities|ClientSSL, "u", nil, "", PluginNativePassword, nil)
		s := &scriptConn{in: append(frames(1, request), frames(2, smuggled)...)}
		var failed *TLSError
		if login, err := a.Handshake(NewConn(s, Options{}), Greeting{TLS: config}); !errors.As(err, &failed) {
			t.Errorf("%+v %v", login, err)
		}
	})
	t.Run("not offered", func(t *testing.T) {
		a := NewAuthenticator(func(string) (Account, bool) { return Account{}, true })
		var refused *ServerError
		if _, err := a.Handshake(NewConn(&scriptConn{in: frames(1, request)}, Options{}), Greeting{}); !errors.As(err, &refused) || refused.Code != ErrHandshake {
			t.Error(err)
		}
	})
}

// joined writes something in front of its first write, in one piece.
type joined struct {
	net.Conn
	first []byte
}

func (j *joined) Write(b []byte) (int, error) {
	n := len(j.first)
	all := append(j.first, b...)
	j.first = nil
	written, err := j.Conn.Write(all)
	return max(written-n, 0), err
}

// What Preface has read too much is read again; its error ends the login.
func TestPreface(t *testing.T) {
	a := NewAuthenticator(func(string) (Account, bool) { return Account{}, true })
	login := frames(1, loginPacket(ServerCapabilities, "u", nil, "", PluginNativePassword, map[string]string{"k": "v"}))
	for _, n := range []int{0, 1, 4, 16, len(login)} {
		s := &scriptConn{in: append([]byte("HEADER"), login...)}
		l, err := a.Handshake(NewConn(s, Options{ReadBuffer: minBuffer}), Greeting{Preface: func(nc net.Conn) ([]byte, error) {
			if s.writes != 1 {
				t.Error("called before the greeting was out")
			}
			b := make([]byte, len("HEADER")+n)
			if _, err := nc.Read(b); err != nil {
				return nil, err
			}
			return bytes.TrimPrefix(b, []byte("HEADER")), nil
		}})
		if err != nil || l.User != "u" || l.Attributes["k"] != "v" {
			t.Errorf("%d bytes back: %+v %v", n, l, err)
		}
	}
	bad := errors.New("bad header")
	if _, err := a.Handshake(NewConn(&scriptConn{}, Options{}), Greeting{Preface: func(net.Conn) ([]byte, error) { return nil, bad }}); !errors.Is(err, bad) {
		t.Error(err)
	}
}
