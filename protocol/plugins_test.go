package protocol

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-sql-driver/mysql"
	"github.com/pingcap/tidb/pkg/parser/auth"
	tidbmysql "github.com/pingcap/tidb/pkg/parser/mysql"

	"lockstep/localdb"
)

func edHash(t *testing.T, password string) string {
	t.Helper()
	key, err := ed25519Key(password)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawStdEncoding.EncodeToString(key)
}

// pluginAccounts hold each account to one plugin.
func pluginAccounts(t *testing.T) map[string]Account {
	t.Helper()
	return map[string]Account{
		"native":      {Password: testPassword, Plugin: PluginNativePassword},
		"nativehash":  {Hash: auth.EncodePassword(testPassword), Plugin: PluginNativePassword},
		"sha2":        {Password: testPassword, Plugin: PluginCachingSHA2Password},
		"sha2hash":    {Hash: auth.NewHashPassword(testPassword, tidbmysql.AuthCachingSha2Password), Plugin: PluginCachingSHA2Password},
		"ed":          {Password: testPassword, Plugin: PluginEd25519},
		"edhash":      {Hash: edHash(t, testPassword)}, // the hash says which plugin
		"plain":       {Password: testPassword, Plugin: PluginClearPassword},
		"plainnative": {Hash: auth.EncodePassword(testPassword), Plugin: PluginClearPassword},
		"plainsha2":   {Hash: auth.NewHashPassword(testPassword, tidbmysql.AuthCachingSha2Password), Plugin: PluginClearPassword},
		"plained":     {Hash: edHash(t, testPassword), Plugin: PluginClearPassword},
		"mismatch":    {Hash: auth.EncodePassword(testPassword), Plugin: PluginCachingSHA2Password},
	}
}

// The keys are MariaDB's own: this is what its ed25519_password('secret') gives.
func TestEd25519KeyIsMariaDBs(t *testing.T) {
	if got := edHash(t, "secret"); got != "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY" {
		t.Errorf("key %s", got)
	}
	a := Account{Hash: edHash(t, "secret")}
	e := &exchange{challenge: []byte(strings.Repeat("n", ed25519NonceSize))}
	signature, err := gomysql.CalcEd25519Password(e.challenge, "secret")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := e.checkEd25519(&a, signature); !ok || err != nil {
		t.Errorf("right signature: %v %v", ok, err)
	}
	for i := range signature {
		signature[i] ^= 1
		if ok, err := e.checkEd25519(&a, signature); ok || err != nil {
			t.Fatalf("signature with byte %d changed: %v %v", i, ok, err)
		}
		signature[i] ^= 1
	}
	if ok, _ := e.checkEd25519(&a, signature[:63]); ok {
		t.Error("a short signature is taken")
	}
	for _, hash := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("!", 43)} {
		if (&Account{Hash: hash, Plugin: PluginEd25519}).kind() == kindEd25519 {
			t.Errorf("hash %q is taken", hash)
		}
	}
}

// Real clients come in with each plugin, whatever they begin with, are switched over, and are refused
// where the password is wrong. Passwords in clear are for TLS only.
func TestPluginsWithRealClients(t *testing.T) {
	config, ca := serverTLS(t)
	lines := commandLines(t, ca)
	if line := lines["mariadb"]; line != nil {
		lines["mariadb, clear"] = []string{line[0], "--no-defaults", "--skip-ssl"}
	}
	if line := lines["mysql"]; line != nil {
		lines["mysql, clear"] = []string{line[0], "--no-defaults", "--ssl-mode=DISABLED", "--get-server-public-key"}
		lines["mysql"] = append(line, "--enable-cleartext-plugin")
		lines["mysql, clear"] = append(lines["mysql, clear"], "--enable-cleartext-plugin")
	}
	for _, greets := range []string{PluginNativePassword, PluginCachingSHA2Password} {
		s := startTinyServer(t, "tcp", greets, pluginAccounts(t), offering(config, false))
		for name, line := range lines {
			for user, account := range pluginAccounts(t) {
				plain := strings.HasPrefix(user, "plain")
				switch {
				case strings.HasPrefix(name, "mysql") && strings.HasPrefix(user, "ed"): // MySQL has no such plugin
					continue
				case strings.HasPrefix(name, "mysql") && strings.HasPrefix(user, "native"): // nor this one since 9.0
					continue
				}
				passwords := []string{testPassword, "wrong", ""}
				if greets != PluginNativePassword {
					passwords = passwords[:1] // that each is checked is seen already
				}
				for _, password := range passwords {
					good := password == testPassword && user != "mismatch" && !(plain && strings.HasSuffix(name, "clear"))
					t.Run(greets+"/"+name+"/"+user+"/"+password, func(t *testing.T) {
						before := s.count()
						got := runClient(t, s, line, user, password, "SELECT 1")
						if good && (got != "1" || s.count() != before+1) {
							t.Fatalf("client said %q", got)
						}
						if good && account.Plugin != "" && s.last().Plugin != account.Plugin {
							t.Errorf("logged in by %s", s.last().Plugin)
						}
						refused := "ERROR 1045 (28000)"
						if strings.HasPrefix(name, "mysql") && strings.Contains(got, "'mysql_native_password' cannot be loaded") {
							refused = "ERROR 2059" // an account that cannot be: answered as some other one is
						}
						if !good && (!strings.Contains(got, refused) || s.count() != before) {
							t.Fatalf("client said %q", got)
						}
					})
				}
			}
		}
	}
}

func (s *tinyServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.logins)
}

func (s *tinyServer) last() Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins[len(s.logins)-1]
}

func TestPluginsWithGoDriver(t *testing.T) {
	config, ca := serverTLS(t)
	s := startTinyServer(t, "tcp", PluginNativePassword, pluginAccounts(t), offering(config, false))
	for user := range pluginAccounts(t) {
		for _, secure := range []bool{true, false} {
			for _, password := range []string{testPassword, "wrong"} {
				cfg := mysql.NewConfig()
				cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.AllowCleartextPasswords = "tcp", s.address(), user, password, true
				if secure {
					cfg.TLS = trusting(t, ca)
				}
				good := password == testPassword && user != "mismatch" && (secure || !strings.HasPrefix(user, "plain"))
				err := pingAndQuery(cfg)
				var e *mysql.MySQLError
				if good && err != nil || !good && (!errors.As(err, &e) || e.Number != ErrAccessDenied) {
					t.Errorf("%s, TLS %v, password %q: %v", user, secure, password, err)
				}
			}
		}
	}
}

// A client that pins the server's RSA key takes no other one.
func TestConfiguredRSAKey(t *testing.T) {
	mysqlClient, err := localdb.MySQLClient()
	if err != nil {
		t.Skip(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, rsaKeyBits)
	if err != nil {
		t.Fatal(err)
	}
	pinned := filepath.Join(t.TempDir(), "public.pem")
	text, err := publicKeyText(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pinned, text, 0o600); err != nil {
		t.Fatal(err)
	}
	line := []string{mysqlClient, "--no-defaults", "--ssl-mode=DISABLED", "--server-public-key-path=" + pinned}
	s := startTinyServer(t, "tcp", PluginCachingSHA2Password, pluginAccounts(t), func(s *tinyServer) { s.auth.RSAKey = key })
	if got := runClient(t, s, line, "sha2hash", testPassword, "SELECT 1"); got != "1" {
		t.Errorf("with the configured key: %q", got)
	}
	other := startTinyServer(t, "tcp", PluginCachingSHA2Password, pluginAccounts(t))
	if got := runClient(t, other, line, "sha2hash", testPassword, "SELECT 1"); !strings.Contains(got, "ERROR") {
		t.Errorf("with another key: %q", got)
	}
}

// A name that does not exist is answered as an account of some kind that does exist, of those whose plugin every
// client has.
func TestDecoyKinds(t *testing.T) {
	for k := range kindBroken {
		a := NewAuthenticator(nil)
		a.saw(k)
		want := k
		if k == kindEd25519 || k == kindCleartext {
			want = kindClear
		}
		for i := range 20 {
			if d := a.decoy(fmt.Sprint("someone", i)); d.kind() != want {
				t.Errorf("decoy for kind %d is of kind %d", k, d.kind())
			}
		}
	}
}

// COM_CHANGE_USER switches to the account's plugin, as the login does, by challenges that go on being the greeting's.
func TestChangeUserToAnotherPlugin(t *testing.T) {
	accounts := pluginAccounts(t)
	s := startTinyServer(t, "tcp", PluginNativePassword, accounts)
	nc, err := net.Dial("tcp", s.address())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	c := NewConn(nc, Options{})
	greeting, err := c.ReadPacket()
	if err != nil {
		t.Fatal(err)
	}
	response := scramble(t, PluginNativePassword, testPassword, greeting)
	login := loginPacket(ServerCapabilities, "native", response, "", PluginNativePassword, nil)
	answer := func(p []byte) []byte {
		t.Helper()
		if err := errors.Join(c.WritePacket(p), c.Flush()); err != nil {
			t.Fatal(err)
		}
		p, err := c.ReadPacket()
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte(nil), p...)
	}
	if p := answer(login); p[0] != headerOK {
		t.Fatalf("login: %q", p)
	}
	for range 2 {
		for _, user := range []string{"ed", "sha2", "native"} {
			plugin := accounts[user].Plugin
			change := append(append([]byte{byte(ComChangeUser)}, user...), 0, byte(len(response)))
			change = append(append(append(change, response...), 0, 45, 0), PluginNativePassword...)
			c.ResetSequence()
			p := answer(append(change, 0, 0))
			if plugin != PluginNativePassword {
				name, nonce, _ := strings.Cut(string(p[1:]), "\x00")
				if p[0] != headerEOF || name != plugin {
					t.Fatalf("%s: answer %q, want a switch to %s", user, p, plugin)
				}
				if plugin == PluginEd25519 {
					signature, err := gomysql.CalcEd25519Password([]byte(nonce), testPassword)
					if err != nil {
						t.Fatal(err)
					}
					p = answer(signature)
				} else {
					p = answer(scrambleNonce(plugin, testPassword, []byte(nonce)[:nonceSize]))
					if string(p) != "\x01\x03" {
						t.Fatalf("%s: answer %q", user, p)
					}
					if p, err = c.ReadPacket(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if p[0] != headerOK || s.last().User != user || s.last().Plugin != plugin {
				t.Fatalf("%s: answer %q, logged in: %+v", user, p, s.last())
			}
		}
	}
}

func TestMariaDBsOwnHashes(t *testing.T) {
	if _, err := exec.LookPath("mariadb"); err != nil {
		t.Skip(err)
	}
	s := startTinyServer(t, "tcp", PluginNativePassword, map[string]Account{"ed": {Hash: "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY"}})
	line := []string{"mariadb", "--no-defaults"}
	if got := runClient(t, s, line, "ed", "secret", "SELECT 1"); got != "1" {
		t.Error(got)
	}
}
