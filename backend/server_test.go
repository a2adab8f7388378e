package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockstep/localdb"
	"lockstep/protocol"
)

// server is a private server in a temporary directory: MariaDB, or with
// LOCKSTEP_TEST_ENGINE=mysql, a MySQL, on which all tests that do not choose an engine must pass as well.
type server struct {
	dir  string
	port int
	cmd  *exec.Cmd

	mysql *localdb.Server // in place of cmd
}

func engineAsked() localdb.Engine { return localdb.Engine(os.Getenv("LOCKSTEP_TEST_ENGINE")) }

var mariadb *server

func TestMain(m *testing.M) {
	if address := os.Getenv(holdVariable); address != "" {
		holdForever(address)
	}
	code, err := runWithServer(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runWithServer(m *testing.M) (int, error) {
	if _, err := exec.LookPath("mariadbd"); err != nil {
		fmt.Fprintln(os.Stderr, "mariadbd is not installed: tests that need a server are skipped")
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "backend-mariadb-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	s, err := newServer(dir)
	if err != nil {
		return 1, err
	}
	defer s.kill()
	mariadb = s
	code := m.Run()
	if err := endMySQL(); err != nil {
		return 1, err
	}
	s.kill()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			return 1, err
		}
	}
	return code, nil
}

func newServer(dir string) (*server, error) {
	s := &server{dir: dir}
	if engineAsked() == localdb.MySQL {
		if err := s.startMySQL(); err != nil {
			return nil, err
		}
		s.port = s.mysql.Port
		return s, s.mysql.AddUser(context.Background(), "root", "")
	}
	out, err := exec.Command("mariadb-install-db", "--no-defaults", "--user=root", "--datadir="+filepath.Join(dir, "data"),
		"--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return nil, err
	}
	return s, s.start()
}

func (s *server) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *server) socket() string {
	if s.mysql != nil {
		return s.mysql.Socket
	}
	return filepath.Join(s.dir, "s.sock")
}

func (s *server) startMySQL(args ...string) (err error) {
	s.mysql, err = localdb.Start(context.Background(), localdb.Options{Dir: s.dir, Engine: localdb.MySQL, Port: s.port, ExtraArgs: append([]string{
		"--innodb-flush-log-at-trx-commit=2", "--lock-wait-timeout=20", "--innodb-lock-wait-timeout=5",
	}, args...)})
	return err
}

func (s *server) start(args ...string) error {
	if s.mysql != nil {
		return s.startMySQL(args...)
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command("mariadbd", append([]string{"--no-defaults", "--user=root", "--datadir=" + filepath.Join(s.dir, "data"),
		"--socket=" + s.socket(), fmt.Sprintf("--port=%d", s.port), "--bind-address=127.0.0.1", "--skip-name-resolve",
		"--max-connections=600", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M",
		"--innodb-flush-log-at-trx-commit=2", "--lock-wait-timeout=20", "--innodb-lock-wait-timeout=5"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		nc, err := net.Dial("tcp", s.address())
		if err == nil {
			_ = nc.Close()
			return nil
		}
		if time.Now().After(deadline) {
			s.kill()
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("mariadbd did not start: %w\n%s", err, text)
		}
	}
}

// kill ends the server as a power cut would, short of the disk cache.
func (s *server) kill() {
	if s.mysql != nil {
		_ = s.mysql.Kill()
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) options() Options {
	return Options{Name: "s1", Address: s.address(), User: "root", ProbeInterval: 50 * time.Millisecond}
}

func needServer(t *testing.T) *server {
	t.Helper()
	if mariadb == nil {
		t.Skip("mariadbd is not installed")
	}
	return mariadb
}

// needMariaDB is needServer for a test of what only MariaDB does, or that runs on MySQL by itself.
func needMariaDB(t *testing.T) *server {
	t.Helper()
	if engineAsked() == localdb.MySQL {
		t.Skip("of MariaDB")
	}
	return needServer(t)
}

// openShard makes a shard on the private server, closed at the test's end.
func openShard(t *testing.T, change ...func(*Options)) *Shard {
	t.Helper()
	return openWith(t, needServer(t).options(), change)
}

// openWith makes a shard, closed at the test's end.
func openWith(t *testing.T, o Options, change []func(*Options)) *Shard {
	t.Helper()
	for _, f := range change {
		f(&o)
	}
	s := NewShard(o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func acquire(t *testing.T, s *Shard, want *State, autocommit bool) *Conn {
	t.Helper()
	c, err := s.Acquire(t.Context(), want, autocommit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func run(t *testing.T, c *Conn, sql ...string) {
	t.Helper()
	for _, q := range sql {
		if _, err := c.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// rows gives an answer as lines of comma-separated fields.
func rows(t *testing.T, c *Conn, sql string) string {
	t.Helper()
	res, err := c.Query(t.Context(), sql, 100000)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var b strings.Builder
	for _, r := range res.Rows {
		for i, f := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			if f == nil {
				b.WriteString("NULL")
			}
			b.Write(f)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// ask runs one query on a connection of its own.
func ask(t *testing.T, s *Shard, sql string) string {
	t.Helper()
	c := acquire(t, s, nil, true)
	defer c.Release()
	return rows(t, c, sql)
}

// table makes an empty table (id, v) in a database named after the test.
func table(t *testing.T, s *Shard) *State {
	t.Helper()
	db := "t_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(t.Name()))
	c := acquire(t, s, nil, true)
	run(t, c, "DROP DATABASE IF EXISTS "+db, "CREATE DATABASE "+db, "CREATE TABLE "+db+".t (id BIGINT PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0) ENGINE=InnoDB")
	c.Release()
	return &State{Database: db}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func timeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func serverError(err error) *protocol.ServerError {
	var se *protocol.ServerError
	errors.As(err, &se)
	return se
}
