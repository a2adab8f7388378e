package backend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/integration/testca"
	"lockstep/localdb"
)

// onTLSServers runs a test on a server of each family that has a certificate of ca.
func onTLSServers(t *testing.T, test func(t *testing.T, s *localdb.Server, ca *testca.Authority)) {
	for _, e := range []localdb.Engine{localdb.MariaDB, localdb.MySQL} {
		t.Run(string(e), func(t *testing.T) {
			if err := e.Installed(); err != nil {
				t.Skip(err)
			}
			ca := testca.New(t)
			cert, key := ca.Issue("server", "127.0.0.1")
			dir, err := os.MkdirTemp("", "backend-tls-")
			if err != nil {
				t.Fatal(err)
			}
			s, err := localdb.Start(t.Context(), localdb.Options{Dir: filepath.Join(dir, "s1"), Engine: e,
				ExtraArgs: []string{"--ssl-ca=" + ca.File, "--ssl-cert=" + cert, "--ssl-key=" + key}})
			t.Cleanup(func() {
				if s != nil {
					if err := s.Kill(); err != nil {
						t.Error(err)
					}
				}
				if err := os.RemoveAll(dir); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			must(t, s.AddUser(t.Context(), "lockstep", "pw"))
			test(t, s, ca)
		})
	}
}

func shardTLS(t *testing.T, ca *testca.Authority, client bool) func() (*tls.Config, error) {
	t.Helper()
	text, err := os.ReadFile(ca.File)
	must(t, err)
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1"}
	c.RootCAs.AppendCertsFromPEM(text)
	if client {
		pair, err := tls.LoadX509KeyPair(ca.Issue("client"))
		must(t, err)
		c.Certificates = []tls.Certificate{pair}
	}
	return func() (*tls.Config, error) { return c, nil }
}

// A connection with TLS does all that one without does: it is used again, carries large answers both ways, can be
// interrupted, and is seen to be dead when it is.
func TestTLSToServers(t *testing.T) {
	onTLSServers(t, func(t *testing.T, s *localdb.Server, ca *testca.Authority) {
		o := Options{Name: "s1", Address: s.Address(), User: "lockstep", Password: "pw", ProbeInterval: 50 * time.Millisecond, MaxConns: 1,
			TLS: shardTLS(t, ca, false), Attributes: map[string]string{"lockstep_coordinator": "c.p1"}}
		sh := openWith(t, o, nil)
		c := acquire(t, sh, nil, true)
		state, ok := c.TLS()
		if !ok || state.Version != tls.VersionTLS13 || len(state.VerifiedChains) == 0 {
			t.Fatalf("TLS %v: %+v", ok, state)
		}
		if got := rows(t, c, "SHOW STATUS LIKE 'Ssl_version'"); !strings.Contains(got, "TLSv1.3") {
			t.Errorf("the server says %q", got)
		}
		id := c.ID()
		for range 5 {
			c.Release()
			if c = acquire(t, sh, nil, true); c.ID() != id {
				t.Fatal("an idle connection with TLS is not used again")
			}
		}
		run(t, c, "CREATE DATABASE IF NOT EXISTS d", "CREATE TABLE IF NOT EXISTS d.t (id INT PRIMARY KEY, v LONGTEXT)")
		big := strings.Repeat("x", 20<<20) // more than a frame
		run(t, c, "REPLACE INTO d.t VALUES (1, '"+big+"')")
		res, err := c.Query(t.Context(), "SELECT v FROM d.t WHERE id = 1", 1)
		must(t, err)
		if string(res.Rows[0][0]) != big {
			t.Error("a large value is not what it was")
		}
		if s.Engine == localdb.MySQL {
			if got := rows(t, c, "SELECT attr_value FROM performance_schema.session_connect_attrs WHERE processlist_id = CONNECTION_ID() AND attr_name IN ('program_name', 'lockstep_coordinator') ORDER BY attr_name"); got != "c.p1\nlockstep" {
				t.Errorf("attributes %q", got)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, err := c.Query(ctx, "SELECT SLEEP(20)", 1); err == nil || time.Since(begin) > 5*time.Second || !c.Broken() {
			t.Errorf("an interrupted statement: %v after %v", err, time.Since(begin))
		}
		c.Discard()
		c = acquire(t, sh, nil, true)
		id = c.ID()
		c.Release()
		must(t, s.Exec(t.Context(), "KILL CONNECTION "+strconv.FormatUint(uint64(id), 10)))
		time.Sleep(50 * time.Millisecond)
		if c = acquire(t, sh, nil, true); c.ID() == id {
			t.Error("a dead connection is handed out")
		}
		c.Release()
	})
}

// Each plugin of the servers' accounts, with and without TLS, with nothing in the server's cache.
func TestLoginToServers(t *testing.T) {
	onTLSServers(t, func(t *testing.T, s *localdb.Server, ca *testca.Authority) {
		plain := Options{Name: "s1", Address: s.Address(), User: "u", Password: "s3cret", DialTimeout: 5 * time.Second}
		withTLS, withCert := plain, plain
		withTLS.TLS, withCert.TLS = shardTLS(t, ca, false), shardTLS(t, ca, true)
		for _, tc := range []struct {
			account, engines string
			o                Options
			refused          bool
		}{
			{"IDENTIFIED WITH caching_sha2_password BY 's3cret'", "mysql", plain, false},   // by the server's RSA key
			{"IDENTIFIED WITH caching_sha2_password BY 's3cret'", "mysql", withTLS, false}, // in clear, through TLS
			{"IDENTIFIED WITH sha256_password BY 's3cret'", "mysql", plain, false},
			{"IDENTIFIED WITH sha256_password BY 's3cret'", "mysql", withTLS, false},
			{"IDENTIFIED BY 's3cret'", "mariadb", plain, false},
			{"IDENTIFIED BY 's3cret'", "mariadb", withTLS, false},
			{"IDENTIFIED BY 's3cret' REQUIRE SSL", "both", plain, true},
			{"IDENTIFIED BY 's3cret' REQUIRE SSL", "both", withTLS, false},
			{"IDENTIFIED BY 's3cret' REQUIRE X509", "both", withTLS, true},
			{"IDENTIFIED BY 's3cret' REQUIRE X509", "both", withCert, false},
			{"IDENTIFIED BY 'other'", "both", withTLS, true},
		} {
			if tc.engines != "both" && tc.engines != string(s.Engine) {
				continue
			}
			must(t, s.Exec(t.Context(), "DROP USER IF EXISTS u", "CREATE USER u "+tc.account, "GRANT ALL ON *.* TO u", "FLUSH PRIVILEGES"))
			sh := NewShard(tc.o)
			c, err := sh.Acquire(t.Context(), nil, true)
			if (err != nil) != tc.refused {
				t.Errorf("%s, TLS %v: %v", tc.account, tc.o.TLS != nil, err)
			}
			if c != nil {
				if _, secure := c.TLS(); secure != (tc.o.TLS != nil) {
					t.Errorf("%s: TLS %v", tc.account, secure)
				}
				c.Release()
			}
			must(t, sh.Close())
		}
	})
}

// MariaDB's ed25519 is a plugin that not every package of the server brings.
func TestEd25519ToMariaDB(t *testing.T) {
	const plugin = "auth_ed25519.so"
	folder := ""
	for _, f := range []string{os.Getenv("LOCKSTEP_MARIADB_PLUGINS"), "/usr/lib/mysql/plugin", "/usr/lib64/mariadb/plugin", "/usr/lib/mariadb/plugin"} {
		if _, err := os.Stat(filepath.Join(f, plugin)); f != "" && err == nil {
			folder = f
			break
		}
	}
	if folder == "" {
		t.Skip("the server's " + plugin + " is not installed")
	}
	dir, err := os.MkdirTemp("", "backend-ed25519-")
	must(t, err)
	defer os.RemoveAll(dir)
	s, err := localdb.Start(t.Context(), localdb.Options{Dir: filepath.Join(dir, "s1"), Engine: localdb.MariaDB,
		ExtraArgs: []string{"--plugin-dir=" + folder, "--plugin-load-add=" + plugin}})
	must(t, err)
	defer func() { must(t, s.Kill()) }()
	must(t, s.Exec(t.Context(), "CREATE USER u IDENTIFIED VIA ed25519 USING PASSWORD('s3cret')", "GRANT ALL ON *.* TO u"))
	o := Options{Name: "s1", Address: s.Address(), User: "u", Password: "s3cret"}
	c := acquire(t, openWith(t, o, nil), nil, true)
	if got := rows(t, c, "SELECT CURRENT_USER()"); got != "u@%" {
		t.Errorf("logged in as %q", got)
	}
	c.Release()
	o.Password = "wrong"
	if _, err := openWith(t, o, nil).Acquire(t.Context(), nil, true); err == nil || !strings.Contains(err.Error(), "1045") {
		t.Errorf("with a wrong password: %v", err)
	}
}

// A server without TLS is spoken to in clear only where that was asked for.
func TestServerWithoutTLS(t *testing.T) {
	s := needMariaDB(t) // has no certificate
	c := &tls.Config{InsecureSkipVerify: true}
	get := func() (*tls.Config, error) { return c, nil }
	sh := openWith(t, s.options(), []func(*Options){func(o *Options) { o.TLS, o.TLSOptional = get, true }})
	conn := acquire(t, sh, nil, true)
	if _, secure := conn.TLS(); secure {
		t.Error("TLS with a server that has none")
	}
	if got := rows(t, conn, "SELECT 1"); got != "1" {
		t.Errorf("got %q", got)
	}
	conn.Release()
	_, err := openWith(t, s.options(), []func(*Options){func(o *Options) { o.TLS = get }}).Acquire(t.Context(), nil, true)
	var down *DownError
	if !errors.As(err, &down) || !errors.Is(err, errNoTLS) {
		t.Errorf("required: %v", err)
	}
	broken := errors.New("no such file")
	_, err = openWith(t, s.options(), []func(*Options){func(o *Options) {
		o.TLS = func() (*tls.Config, error) { return nil, broken }
	}}).Acquire(t.Context(), nil, true)
	if !errors.As(err, &down) || !errors.Is(err, broken) {
		t.Errorf("files that cannot be read: %v", err)
	}
}

func TestOffersTLS(t *testing.T) {
	greeting := append([]byte("\x0a10.11\x00"), make([]byte, 4+8+1)...)
	with, without := append(append([]byte{}, greeting...), 0xff, 0xff), append(append([]byte{}, greeting...), 0xff, 0xf7)
	for _, tc := range []struct {
		p    []byte
		want bool
	}{{with, true}, {without, false}, {nil, false}, {[]byte{10}, false}, {[]byte("\xff\x10\x04Too many"), false}, {with[:len(with)-1], false}} {
		if got := offersTLS(tc.p); got != tc.want {
			t.Errorf("%q: %v", tc.p, got)
		}
	}
}
