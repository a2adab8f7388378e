package protocol

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pingcap/tidb/pkg/parser/auth"
	tidbmysql "github.com/pingcap/tidb/pkg/parser/mysql"
)

const testPassword = "s3cret p@ss"

// tinyServer answers logins and a few commands, to let real clients judge the handshake.
type tinyServer struct {
	t        *testing.T
	auth     *Authenticator
	greeting Greeting
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	logins []Login
}

func startTinyServer(t *testing.T, network, plugin string, accounts map[string]Account, change ...func(*tinyServer)) *tinyServer {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s.sock")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s := &tinyServer{
		t: t, listener: l,
		auth: NewAuthenticator(func(user string) (Account, bool) { a, ok := accounts[user]; return a, ok }),
		greeting: Greeting{ServerVersion: "10.11.19-MariaDB-Lockstep", ConnectionID: 7, Charset: CharsetUTF8MB4GeneralCI,
			Status: StatusAutocommit, DefaultPlugin: plugin},
	}
	for _, f := range change {
		f(s)
	}
	s.wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() {
				defer nc.Close()
				nc.SetDeadline(time.Now().Add(20 * time.Second))
				s.serve(NewConn(nc, Options{MaxPacket: 1 << 20}))
			})
		}
	})
	t.Cleanup(s.stop)
	return s
}

func (s *tinyServer) stop() {
	s.listener.Close()
	s.wg.Wait()
}

func (s *tinyServer) address() string { return s.listener.Addr().String() }

func (s *tinyServer) serve(c *Conn) {
	login, err := s.auth.Handshake(c, s.greeting)
	if !s.welcome(c, login, err) {
		return
	}
	for {
		c.ResetSequence()
		p, err := c.ReadPacket()
		if err != nil || len(p) == 0 {
			return
		}
		switch Command(p[0]) {
		case ComQuit:
			return
		case ComPing:
			c.WritePacket(AppendOK(nil, OK{Status: StatusAutocommit}))
		case ComQuery:
			text := p[1:]
			if c.Capabilities().Has(ClientQueryAttributes) {
				if _, text, err = ParseQuery(nil, text); err != nil {
					return
				}
			}
			if string(text) == "select $$" { // MySQL's command line looks whether it may, and reads no rows
				c.WritePacket(AppendError(nil, NewError(ErrBadField, "Unknown column '$$'")))
				break
			}
			answer := textResult([]Column{{Name: "x", Type: TypeLongLong, Charset: CharsetBinary, Length: 20}}, 1, StatusAutocommit)
			if c.Capabilities().Has(ClientDeprecateEOF) {
				answer = withoutEOF(answer)
			}
			for _, p := range answer {
				c.WritePacket(p)
			}
		case ComChangeUser:
			login, err := s.auth.ChangeUser(c, p[1:], s.greeting)
			if !s.welcome(c, login, err) {
				return
			}
		default:
			c.WritePacket(AppendError(nil, NewError(ErrUnknownCommand, "Unknown command")))
		}
		if c.Flush() != nil {
			return
		}
	}
}

func (s *tinyServer) welcome(c *Conn, login *Login, err error) bool {
	var refused *ServerError
	if errors.As(err, &refused) {
		c.WritePacket(AppendError(nil, refused))
		c.Flush()
		return false
	}
	if err != nil {
		return false
	}
	s.mu.Lock()
	s.logins = append(s.logins, *login)
	s.mu.Unlock()
	return c.WritePacket(AppendOK(nil, OK{Status: StatusAutocommit})) == nil && c.Flush() == nil
}

// textResult is a whole answer: n rows with the row's number in the first column.
func textResult(columns []Column, n int, s Status) [][]byte {
	packets := [][]byte{appendLenencInt(nil, uint64(len(columns)))}
	for i := range columns {
		packets = append(packets, AppendColumn(nil, &columns[i]))
	}
	packets = append(packets, AppendEOF(nil, 0, s))
	for i := range n {
		row := make([]Field, len(columns))
		row[0] = Field(fmt.Sprint(i + 1))
		packets = append(packets, AppendTextRow(nil, row))
	}
	return append(packets, AppendEOF(nil, 0, s))
}

func testAccounts() map[string]Account {
	return map[string]Account{
		"clear":  {Password: testPassword},
		"empty":  {},
		"native": {Hash: auth.EncodePassword(testPassword)},
		"sha2":   {Hash: auth.NewHashPassword(testPassword, tidbmysql.AuthCachingSha2Password)},
		"broken": {Hash: "$A$00"},
	}
}

// Real drivers must log in, and be refused, with every account, default plugin and transport.
func TestHandshakeWithGoDriver(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		for _, plugin := range []string{PluginNativePassword, PluginCachingSHA2Password} {
			s := startTinyServer(t, network, plugin, testAccounts())
			for _, tc := range []struct {
				user, password string
				ok             bool
			}{
				{"clear", testPassword, true},
				{"clear", "wrong", false},
				{"clear", "", false},
				{"empty", "", true},
				{"empty", "some", false},
				{"native", testPassword, true},
				{"native", "wrong", false},
				{"native", "", false},
				{"sha2", "wrong", false},
				{"sha2", "", false},
				{"sha2", testPassword, true}, // full
				{"sha2", testPassword, true}, // fast
				{"sha2", "wrong", false},
				{"broken", "x", false},
				{"nobody", "x", false},
				{"nobody", "", false},
			} {
				t.Run(fmt.Sprintf("%s/%s/%s/%q", network, plugin, tc.user, tc.password), func(t *testing.T) {
					cfg := mysql.NewConfig()
					cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.DBName = network, s.address(), tc.user, tc.password, "shop"
					err := pingAndQuery(cfg)
					if tc.ok {
						if err != nil {
							t.Fatal(err)
						}
						return
					}
					var e *mysql.MySQLError
					using := "YES"
					if tc.password == "" {
						using = "NO"
					}
					if !errors.As(err, &e) || e.Number != ErrAccessDenied || string(e.SQLState[:]) != "28000" ||
						!strings.Contains(e.Message, "'"+tc.user+"'@'") || !strings.Contains(e.Message, "password: "+using) {
						t.Fatalf("got %v, want error 1045 using password %s", err, using)
					}
				})
			}
		}
	}
}

func pingAndQuery(cfg *mysql.Config) error {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		return err
	}
	var x int
	if err := db.QueryRowContext(ctx, "SELECT 1").Scan(&x); err != nil {
		return err
	}
	if x != 1 {
		return fmt.Errorf("read %d, want 1", x)
	}
	return nil
}

func TestLoginSaysWhatTheClientSaid(t *testing.T) {
	s := startTinyServer(t, "tcp", PluginNativePassword, testAccounts())
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.DBName = "tcp", s.address(), "clear", testPassword, "shop"
	cfg.ConnectionAttributes, cfg.ClientFoundRows, cfg.MultiStatements = "program_name:till", true, true
	if err := pingAndQuery(cfg); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logins[0]
	if l.User != "clear" || l.Database != "shop" || l.Attributes["program_name"] != "till" ||
		!l.Capabilities.Has(ClientFoundRows|ClientMultiStatements|ClientConnectAttrs) {
		t.Fatalf("login %+v", l)
	}
	if l.Capabilities&^ServerCapabilities != 0 {
		t.Fatalf("capabilities %#x were never offered", l.Capabilities&^ServerCapabilities)
	}
}

func TestHandshakeWithMariaDBClient(t *testing.T) {
	client, err := exec.LookPath("mariadb")
	if err != nil {
		t.Skip("no mariadb client installed")
	}
	for _, plugin := range []string{PluginNativePassword, PluginCachingSHA2Password} {
		s := startTinyServer(t, "tcp", plugin, testAccounts())
		_, port, _ := net.SplitHostPort(s.address())
		for _, tc := range []struct{ user, password, want string }{
			{"clear", testPassword, "1"},
			{"clear", "wrong", "ERROR 1045 (28000)"},
			{"empty", "", "1"},
			{"native", testPassword, "1"},
			{"native", "wrong", "ERROR 1045 (28000)"},
			{"sha2", testPassword, "1"},
			{"sha2", testPassword, "1"},
			{"sha2", "wrong", "ERROR 1045 (28000)"},
			{"nobody", "x", "ERROR 1045 (28000)"},
		} {
			t.Run(plugin+"/"+tc.user+"/"+tc.password, func(t *testing.T) {
				cmd := exec.Command(client, "--no-defaults", "-h127.0.0.1", "-P"+port, "-u"+tc.user,
					"--password="+tc.password, "--protocol=tcp", "-N", "-e", "SELECT 1")
				out, err := cmd.CombinedOutput()
				if got := strings.TrimSpace(string(out)); !strings.HasPrefix(got, tc.want) || (err == nil) != (tc.want == "1") {
					t.Fatalf("client said %q (%v), want %q", got, err, tc.want)
				}
			})
		}
	}
}

// A client that was told to use another plugin than the announced one sends an empty response first.
func TestPluginOfTheClientsChoice(t *testing.T) {
	client, err := exec.LookPath("mariadb")
	if err != nil {
		t.Skip("no mariadb client installed")
	}
	for _, announced := range []string{PluginNativePassword, PluginCachingSHA2Password} {
		s := startTinyServer(t, "tcp", announced, testAccounts())
		_, port, _ := net.SplitHostPort(s.address())
		for _, chosen := range []string{PluginNativePassword, PluginCachingSHA2Password} {
			for _, tc := range []struct{ user, password, want string }{
				{"clear", testPassword, "1"},
				{"clear", "wrong", "(using password: YES)"},
				{"empty", "", "1"},
				{"empty", "wrong", "(using password: YES)"},
				{"native", testPassword, "1"},
				{"sha2", testPassword, "1"},
			} {
				t.Run(announced+"/"+chosen+"/"+tc.user+"/"+tc.password, func(t *testing.T) {
					cmd := exec.Command(client, "--no-defaults", "-h127.0.0.1", "-P"+port, "-u"+tc.user,
						"--password="+tc.password, "--protocol=tcp", "--default-auth="+chosen, "-N", "-e", "SELECT 1")
					out, err := cmd.CombinedOutput()
					if got := strings.TrimSpace(string(out)); !strings.Contains(got, tc.want) || (err == nil) != (tc.want == "1") {
						t.Fatalf("client said %q (%v), want %q", got, err, tc.want)
					}
				})
			}
		}
	}
}
