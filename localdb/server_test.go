package localdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start starts a server and ends it with the test.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func query(t *testing.T, s *Server, q string) string {
	t.Helper()
	db, err := s.Root()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var v string
	if err := db.QueryRowContext(t.Context(), q).Scan(&v); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return v
}

func TestLifeOfAServer(t *testing.T) {
	// The performance schema shows MySQL's lock waits; MariaDB's are elsewhere.
	t.Run("MariaDB", func(t *testing.T) { lifeOfAServer(t, MariaDB, "0") })
	t.Run("MySQL", func(t *testing.T) { lifeOfAServer(t, MySQL, "1") })
}

func lifeOfAServer(t *testing.T, engine Engine, performanceSchema string) {
	dir := filepath.Join(t.TempDir(), "s1")
	s := start(t, Options{Dir: dir, Engine: engine})
	if s.Name != "s1" || s.Engine != engine || !s.Created || s.Adopted || s.Pid == 0 {
		t.Errorf("first start: %+v", s)
	}
	for q, want := range map[string]string{
		"SELECT @@innodb_flush_log_at_trx_commit":                                   "1",
		"SELECT @@character_set_server":                                             "utf8mb4",
		"SELECT @@bind_address":                                                     "127.0.0.1",
		"SELECT @@performance_schema":                                               performanceSchema,
		"SELECT VERSION() LIKE '%MariaDB%'":                                         map[Engine]string{MariaDB: "1", MySQL: "0"}[engine],
		"SELECT @@log_bin":                                                          "0",
		"SELECT COUNT(*) FROM mysql.user WHERE Host<>'localhost'":                   "0",
		"SELECT @@server_id":                                                        "1",
		"SELECT COUNT(*) FROM mysql.user WHERE User=''":                             "0",
		"SELECT @@max_connections >= 500":                                           "1",
		"SELECT @@max_allowed_packet":                                               "67108864",
		"SELECT CONCAT(@@port)":                                                     fmt.Sprint(s.Port),
		"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name='test'": "0",
	} {
		if got := query(t, s, q); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	if err := s.Exec(t.Context(), "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)"); err != nil {
		t.Fatal(err)
	}

	// A crash right after an acknowledged commit, then a start on the same port.
	if err := s.Kill(); err != nil || s.Running() {
		t.Fatalf("kill: %v, running %v", err, s.Running())
	}
	again := start(t, Options{Dir: dir})
	if again.Port != s.Port || again.Created || again.Adopted || again.Pid == s.Pid {
		t.Errorf("after a crash: %+v, before it %+v", again, s)
	}
	if got := query(t, again, "SELECT COUNT(*) FROM d.t"); got != "1" {
		t.Errorf("%s rows after the crash", got)
	}

	// Whoever comes next finds it running, and can stop it though it is not its child.
	adopted, err := Start(t.Context(), Options{Dir: dir})
	if err != nil || !adopted.Adopted || adopted.Engine != engine || adopted.Pid != again.Pid || adopted.Port != again.Port || adopted.Socket != again.Socket {
		t.Fatalf("adoption: %+v, %v", adopted, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := adopted.Stop(ctx); err != nil || adopted.Running() {
		t.Fatalf("stop: %v, running %v", err, adopted.Running())
	}
	// The port is free the moment that Stop returns.
	if !portFree(ctx, adopted.Port) {
		t.Error("stopped, but its port is still in use")
	}
	if left, err := Find(dir); left != nil || err != nil {
		t.Errorf("found %+v, %v after the stop", left, err)
	}
	if err := adopted.Stop(ctx); err != nil {
		t.Errorf("second stop: %v", err)
	}
	text, err := os.ReadFile(again.ErrorLog())
	if err != nil || !strings.Contains(string(text), "Shutdown complete") {
		t.Errorf("not shut down in order (%v)", err)
	}
}

func TestAddUser(t *testing.T) {
	for _, engine := range []Engine{MariaDB, MySQL} {
		t.Run(engine.String(), func(t *testing.T) { addUser(t, engine) })
	}
}

func addUser(t *testing.T, engine Engine) {
	s := start(t, Options{Dir: t.TempDir(), Engine: engine})
	for _, password := range []string{"x'\\y", "second"} {
		if err := s.AddUser(t.Context(), "lock'step", password); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("mysql", fmt.Sprintf("lock'step:%s@tcp(%s)/mysql", password, s.Address()))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.PingContext(t.Context()); err != nil {
			t.Errorf("log in with %q: %v", password, err)
		}
		if _, err := db.ExecContext(t.Context(), "XA RECOVER"); err != nil { // MySQL asks for a privilege
			t.Error(err)
		}
	}
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(%s)/", s.Address()))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("root can log in over TCP without a password")
	}
}

func TestStartAllWithBinLog(t *testing.T) {
	for _, engine := range []Engine{MariaDB, MySQL} {
		t.Run(engine.String(), func(t *testing.T) { startAllWithBinLog(t, engine) })
	}
}

func startAllWithBinLog(t *testing.T, engine Engine) {
	dir := t.TempDir()
	var options []Options
	for i := range 3 {
		options = append(options, Options{
			Dir: filepath.Join(dir, fmt.Sprint("s", i+1)), Engine: engine, BinLog: i > 0, ServerID: i + 1,
			ExtraArgs: []string{"--max-connections=77"},
		})
	}
	var ready []string
	servers, err := StartAll(t.Context(), options, func(s *Server) { ready = append(ready, s.Name) })
	if err != nil {
		t.Fatal(err)
	}
	ports := make(map[int]bool)
	for i, s := range servers {
		defer s.Kill()
		ports[s.Port] = true
		want := fmt.Sprintf("%d %d 77", min(i, 1), i+1)
		if got := query(t, s, "SELECT CONCAT(@@log_bin+0,' ',@@server_id,' ',@@max_connections)"); got != want {
			t.Errorf("%s: %s, want %s", s.Name, got, want)
		}
	}
	if len(ports) != 3 || len(ready) != 3 {
		t.Errorf("ports %v, ready %v", ports, ready)
	}
}

func TestStartAllKillsTheRest(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	_, err := StartAll(t.Context(), []Options{
		{Dir: good},
		{Dir: filepath.Join(dir, "bad"), ExtraArgs: []string{"--no-such-option"}},
	}, nil)
	var failed *StartError
	if !errors.As(err, &failed) || failed.Name != "bad" || !strings.Contains(failed.Tail, "no-such-option") {
		t.Errorf("got %v", err)
	}
	if s, err := Find(good); s != nil || err != nil {
		t.Errorf("left behind: %+v, %v", s, err)
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	dir := t.TempDir()
	var taken *PortError
	if _, err := Start(t.Context(), Options{Dir: dir, Port: port}); !errors.As(err, &taken) || taken.Port != port {
		t.Errorf("asked for: %v", err)
	}
	if err := writePort(dir, port); err != nil {
		t.Fatal(err)
	}
	if s := start(t, Options{Dir: dir}); s.Port == port || s.Port == 0 {
		t.Errorf("remembered, but taken: port %d", s.Port)
	}
}

func TestTimeLimit(t *testing.T) {
	dir := t.TempDir()
	p, err := findPrograms(MariaDB, programFolders)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ensureDataDir(t.Context(), p, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err) // made before the clock starts
	}
	var failed *StartError
	_, err = Start(t.Context(), Options{Name: "slow", Dir: dir, StartTimeout: 2 * time.Second, ExtraArgs: []string{"--socket=" + filepath.Join(dir, "elsewhere.sock")}})
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "not ready after 2s") || failed.Tail == "" {
		t.Errorf("got %v", err)
	}
	if s, err := Find(dir); s != nil || err != nil {
		t.Errorf("left behind: %+v, %v", s, err)
	}
}

func TestLongFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 20))
	s := start(t, Options{Dir: dir})
	if len(s.Socket) > maxSocketPath || strings.HasPrefix(s.Socket, dir) {
		t.Errorf("socket %s", s.Socket)
	}
	if got := query(t, s, "SELECT 1"); got != "1" {
		t.Errorf("got %s", got)
	}
}

// A process that is not our server is left alone, also where the pid file names it.
func TestForeignProcess(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir}
	sleep := exec.CommandContext(t.Context(), "sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleep.Process.Kill()
		_ = sleep.Wait()
	}()
	if err := os.WriteFile(filepath.Join(dir, "mariadb.pid"), fmt.Appendf(nil, "%d\n", sleep.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Find(o.Dir); s != nil || err != nil {
		t.Fatalf("taken for a server: %+v, %v", s, err)
	}
	stale := &Server{Name: "stale", Dir: dir, Pid: sleep.Process.Pid, dataDir: filepath.Join(dir, "data")}
	if err := stale.Kill(); err != nil {
		t.Fatal(err)
	}
	// A zombie has no command line. Neither has, for an instant, a process that has only just begun.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", sleep.Process.Pid))
		if err == nil && len(line) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the stranger was killed (%v)", err)
		}
	}
}

func TestNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := findPrograms(MariaDB, []string{t.TempDir()})
	var missing *NotInstalledError
	if !errors.As(err, &missing) || len(missing.Missing) != 2 || !strings.Contains(err.Error(), "apt-get install --no-install-recommends mariadb-server-core") {
		t.Errorf("got %v", err)
	}
	if err := Installed(); err != nil {
		t.Errorf("outside PATH: %v", err)
	}
}

// A start must not take the temporary tables of a server that runs: on a shared
// tmpdir it would.
func TestTemporaryTablesSurviveAnotherStart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: filepath.Join(dir, "s1")})
	db, err := s.Root()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, q := range []string{"CREATE TEMPORARY TABLE mysql.x (id INT) ENGINE=Aria", "INSERT INTO mysql.x VALUES (1)"} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(s.Dir, "tmp", "#sql-temptable*"))
	if err != nil || len(left) == 0 {
		t.Fatalf("its temporary table is not where it is expected (%v)", err)
	}
	start(t, Options{Dir: filepath.Join(dir, "s2")})
	if _, err := conn.ExecContext(t.Context(), "DROP TEMPORARY TABLE mysql.x"); err != nil {
		t.Error(err)
	}
}

// Without a home there is no template: data directories are made one by one.
func TestWithoutCache(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	dir := t.TempDir()
	servers, err := StartAll(t.Context(), []Options{{Dir: filepath.Join(dir, "s1")}, {Dir: filepath.Join(dir, "s2")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	}
}

// What went wrong while a data directory was made is said, without the installer's general advice.
func TestInstallerFails(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	installer := filepath.Join(t.TempDir(), "mariadb-install-db")
	script := "#!/bin/sh\necho 'ERROR: disk full'\necho 'Installation of system tables failed!  Examine'\necho advice\nexit 1\n"
	if err := os.WriteFile(installer, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	_, err := ensureDataDir(t.Context(), programs{engine: MariaDB, server: "/bin/true", installer: installer}, data)
	if err == nil || !strings.Contains(err.Error(), "ERROR: disk full") || strings.Contains(err.Error(), "advice") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a broken data directory is in place")
	}
}
