package main

import (
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lockstep/config"
	"lockstep/localdb"
)

// devArgs are arguments of a dev on free ports; what it leaves behind is killed
// with the test.
func devArgs(t *testing.T, dir string, more ...string) []string {
	t.Cleanup(func() {
		folders, err := filepath.Glob(filepath.Join(dir, "shard[0-9]*"))
		if err != nil {
			t.Error(err)
		}
		for _, f := range folders {
			if s, err := localdb.Find(f); err != nil {
				t.Error(err)
			} else if s != nil {
				_ = s.Kill()
			}
		}
	})
	return append([]string{"dev", "--dir", dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, more...)
}

// connect takes the address from the welcome.
func connect(t *testing.T, p *lockstepProcess) *sql.DB {
	t.Helper()
	_, dsn, _ := strings.Cut(p.await("Go DSN: "), "Go DSN: ")
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func accounts(t *testing.T, db *sql.DB) (n, sum int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*), SUM(balance) FROM account").Scan(&n, &sum); err != nil {
		t.Fatal(err)
	}
	return n, sum
}

func shardPids(t *testing.T, dir string) string {
	t.Helper()
	var pids []int
	for i := 1; i <= 2; i++ {
		s, err := localdb.Find(filepath.Join(dir, fmt.Sprintf("shard%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		if s != nil {
			pids = append(pids, s.Pid)
		}
	}
	return fmt.Sprint(pids)
}

func TestLifeOfDev(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "play")
	args := devArgs(t, dir)
	p := startLockstep(t, args...)
	db := connect(t, p)
	if n, sum := accounts(t, db); n != bankAccounts || sum != bankAccounts*bankBalance {
		t.Errorf("%d accounts with %d", n, sum)
	}
	if _, err := db.ExecContext(t.Context(), "DELETE FROM account WHERE id > 10"); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(filepath.Join(dir, "lockstep.yaml")); err != nil {
		t.Errorf("the configuration that dev wrote: %v", err)
	}

	// A second one on the same folder is refused; so is stopping the shards under it.
	second := startLockstep(t, args...)
	second.await(fmt.Sprintf("another lockstep dev (process %d) uses %s", p.cmd.Process.Pid, dir))
	if code := second.end(); code != exitFailed {
		t.Errorf("second dev: exit code %d", code)
	}
	stop := startLockstep(t, "dev", "stop", "--dir", dir)
	stop.await("another lockstep dev")
	stop.end()

	// After kill -9 the shards live on, and the next one takes them over, with the data.
	pids := shardPids(t, dir)
	p.signal(syscall.SIGKILL)
	p.end()
	if now := shardPids(t, dir); now != pids {
		t.Fatalf("shards %s before kill -9, %s after", pids, now)
	}
	p = startLockstep(t, args...)
	p.await("was still running")
	db = connect(t, p)
	if n, _ := accounts(t, db); n != 10 {
		t.Errorf("%d accounts after kill -9", n)
	}
	if now := shardPids(t, dir); now != pids {
		t.Errorf("shards %s before, %s after taking over", pids, now)
	}

	// Ctrl-C stops all.
	p.signal(syscall.SIGINT)
	if code := p.end(); code != exitOK {
		t.Errorf("Ctrl-C: exit code %d; it said\n%s", code, p.output())
	}
	if now := shardPids(t, dir); now != "[]" {
		t.Errorf("shards %s after Ctrl-C", now)
	}

	more := startLockstep(t, append(args, "--shards", "3")...)
	more.await("was made with 2 shards and cannot be started with 3")
	if code := more.end(); code != exitFailed {
		t.Errorf("another number of shards: exit code %d", code)
	}
}

// --demo shows transfers over both shards, moves money, and neither makes nor loses any.
func TestDevDemo(t *testing.T) {
	p := startLockstep(t, devArgs(t, filepath.Join(t.TempDir(), "play"), "--demo")...)
	for range demoTransfers {
		p.await("Transfer of 10 from account")
		p.await("branch on shard")
		p.await("branch on shard")
		p.await("committed: prepared on 2 shards")
	}
	p.await(fmt.Sprintf("All balances together: %[1]d before, %[1]d after", bankAccounts*bankBalance))
	_, admin, _ := strings.Cut(p.await("for operators on "), "for operators on ")
	db := connect(t, p)
	if n, sum := accounts(t, db); n != bankAccounts || sum != bankAccounts*bankBalance {
		t.Errorf("%d accounts with %d", n, sum)
	}
	var moved int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM account WHERE balance <> ?", bankBalance).Scan(&moved); err != nil || moved != 2*demoTransfers {
		t.Errorf("%d accounts with another balance than before (%v), want %d", moved, err, 2*demoTransfers)
	}
	// Nothing stays in doubt: what the welcome says to type finds nothing.
	if code, out, errs := call(t, "txn", "list", "--json", "--admin", strings.TrimSuffix(admin, ".")); code != exitOK || out != "[]\n" {
		t.Errorf("txn list: exit code %d, out %q, err %q", code, out, errs)
	}
}

func TestDevStop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "play")
	p := startLockstep(t, devArgs(t, dir)...)
	p.await("Go DSN")
	p.signal(syscall.SIGKILL)
	p.end()
	stop := startLockstep(t, "dev", "stop", "--dir", dir)
	stop.await("Stopped 2 shards")
	if code := stop.end(); code != exitOK || shardPids(t, dir) != "[]" {
		t.Errorf("exit code %d, left %s", code, shardPids(t, dir))
	}
	again := startLockstep(t, "dev", "stop", "--dir", dir)
	again.await("No shard is running")
	if code := again.end(); code != exitOK {
		t.Errorf("second stop: exit code %d", code)
	}
}

// A shard that is killed comes back by itself, on its port.
func TestDevRestartsShard(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "play")
	p := startLockstep(t, devArgs(t, dir)...)
	p.await("Go DSN")
	s, err := localdb.Find(filepath.Join(dir, "shard2"))
	if err != nil || s == nil {
		t.Fatalf("find shard 2: %v, %v", s, err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	p.await("Shard s2")
	p.await("runs again")
	if now, err := localdb.Find(s.Dir); err != nil || now == nil || now.Port != s.Port {
		t.Errorf("came back as %+v, %v; it was %+v", now, err, s)
	}
}

// Ctrl-C is heard while shards start.
func TestDevInterruptedEarly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "play")
	p := startLockstep(t, devArgs(t, dir)...)
	p.await("Starting 2 shards")
	p.signal(syscall.SIGINT)
	if code := p.end(); code != exitOK {
		t.Errorf("exit code %d; it said\n%s", code, p.output())
	}
	if now := shardPids(t, dir); now != "[]" {
		t.Errorf("left behind: %s", now)
	}
}

func TestDevRefusals(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"client port", []string{"--listen", l.Addr().String(), "--admin", "127.0.0.1:0"}, exitFailed, "choose another address with --listen"},
		{"admin port", []string{"--listen", "127.0.0.1:0", "--admin", l.Addr().String()}, exitFailed, "choose another address with --admin"},
		{"open admin port", []string{"--admin", "0.0.0.0:0"}, exitUsage, "on loopback only"},
		{"address", []string{"--listen", "nowhere"}, exitUsage, "missing port"},
		{"shards", []string{"--shards", "0"}, exitUsage, "choose 1 to 16"},
		{"engine", []string{"--engine", "oracle"}, exitUsage, `choose "mariadb" or "mysql"`},
		{"no number", []string{"--shards", "many"}, exitUsage, "invalid value"},
		{"argument", []string{"now"}, exitUsage, `unexpected argument "now"`},
		{"folder", []string{"--dir", file}, exitFailed, "make the folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := call(t, append([]string{"dev", "--dir", t.TempDir()}, c.args...)...)
			if code != c.code || !strings.Contains(errs, c.says) {
				t.Errorf("exit code %d, out %q, err %q", code, out, errs)
			}
		})
	}
}
