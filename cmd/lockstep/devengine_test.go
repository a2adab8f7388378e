package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"lockstep/localdb"
)

// A folder made with MySQL's servers goes on with them unless it is told otherwise, which is refused.
func TestDevOnMySQL(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "play")
	args := devArgs(t, dir)
	p := startLockstep(t, append(args, "--engine", "mysql", "--demo")...)
	p.await("Starting 2 shards (MySQL)")
	p.await("committed: prepared on 2 shards")
	p.await(fmt.Sprintf("All balances together: %[1]d before, %[1]d after", bankAccounts*bankBalance))
	db := connect(t, p)
	if _, err := db.ExecContext(t.Context(), "DELETE FROM account WHERE id > 10"); err != nil {
		t.Fatal(err)
	}
	s, err := localdb.Find(filepath.Join(dir, "shard1"))
	if err != nil || s == nil || s.Engine != localdb.MySQL {
		t.Fatalf("shard 1: %+v, %v", s, err)
	}
	p.signal(syscall.SIGKILL)
	p.end()

	other := startLockstep(t, append(args, "--engine", "mariadb")...)
	other.await("was made with MySQL servers: their data cannot be served by MariaDB")
	other.await("Start it with --engine mysql, or choose another folder")
	if code := other.end(); code != exitFailed {
		t.Errorf("another engine: exit code %d", code)
	}

	p = startLockstep(t, args...)
	p.await("was still running")
	if n, _ := accounts(t, connect(t, p)); n != 10 {
		t.Errorf("%d accounts after kill -9", n)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	p.await("runs again")
	if now, err := localdb.Find(s.Dir); err != nil || now == nil || now.Engine != localdb.MySQL {
		t.Errorf("came back as %+v, %v", now, err)
	}
	p.signal(syscall.SIGINT)
	if code := p.end(); code != exitOK || shardPids(t, dir) != "[]" {
		t.Errorf("Ctrl-C: exit code %d, left %s; it said\n%s", code, shardPids(t, dir), p.output())
	}
}

func TestEngineOfFolder(t *testing.T) {
	for _, c := range []struct{ has, asked, want string }{
		{"", "", "mariadb"},
		{"", "mysql", "mysql"},
		{"mysql\n", "", "mysql"},
		{"mysql\n", "mysql", "mysql"},
		{"mariadb\n", "mysql", ""},
		{"mysql\n", "mariadb", ""},
		{"half", "", ""},
	} {
		t.Run(fmt.Sprintf("%q %q", c.has, c.asked), func(t *testing.T) {
			d := &devDir{path: t.TempDir()}
			if c.has != "" {
				if err := os.WriteFile(d.file("engine"), []byte(c.has), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			e, err := d.fixEngine(localdb.Engine(c.asked))
			if string(e) != c.want || (err != nil) != (c.want == "") {
				t.Errorf("%q, %v", string(e), err)
			}
		})
	}
	// A folder from before there was a choice.
	d := &devDir{path: t.TempDir()}
	if err := d.fixShards(2); err != nil {
		t.Fatal(err)
	}
	if e, err := d.fixEngine(localdb.MySQL); err == nil {
		t.Errorf("an old folder is served by %s", e)
	}
}
