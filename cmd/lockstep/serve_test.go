package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockstep/localdb"
)

// serveFile writes a configuration with one private shard.
func serveFile(t *testing.T, listen string) string {
	t.Helper()
	s, err := localdb.Start(t.Context(), localdb.Options{Name: "s1", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	if err := s.AddUser(t.Context(), "lockstep", "lockstep"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "lockstep.yaml")
	text := fmt.Sprintf(`
listen: %s
admin: {listen: "127.0.0.1:0"}
users: [{name: app, password: app}]
shards: [{name: s1, address: "%s", user: lockstep, password: lockstep}]
default_rule: {}
timeouts: {drain: 20s}
`, listen, s.Address())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestServe(t *testing.T) {
	file := serveFile(t, "127.0.0.1:0")
	p := startLockstep(t, "serve", "--log-format", "json", "--config", file)
	address := servingOn(p)

	// Another one on the same port says what is wrong.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	taken := filepath.Join(t.TempDir(), "taken.yaml")
	if err := os.WriteFile(taken, []byte(strings.Replace(string(text), "127.0.0.1:0", address, 1)+"coordinator: p2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := startLockstep(t, "serve", "--config", taken)
	second.await("another program (or another lockstep) listens on one of " + address)
	if code := second.end(); code != exitFailed {
		t.Errorf("port in use: exit code %d", code)
	}

	p.signal(syscall.SIGTERM)
	p.await(`"msg":"ended"`)
	if code := p.end(); code != exitOK {
		t.Errorf("SIGTERM: exit code %d", code)
	}
}

// While the first signal's drain waits for a transaction, a second one ends the process at once.
func TestSecondSignal(t *testing.T) {
	p := startLockstep(t, "serve", "--log-format", "json", "--config", serveFile(t, "127.0.0.1:0"))
	db, err := sql.Open("mysql", "app:app@tcp("+servingOn(p)+")/")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() // its connection is gone by then
	p.signal(syscall.SIGINT)
	p.await("draining")
	begin := time.Now()
	p.signal(syscall.SIGINT)
	p.await("stopped at once by a second signal")
	if code := p.end(); code != exitFailed || time.Since(begin) > 5*time.Second {
		t.Errorf("exit code %d after %s", code, time.Since(begin))
	}
}

// servingOn takes the clients' address from the log in JSON.
func servingOn(p *lockstepProcess) string {
	_, address, _ := strings.Cut(p.await(`"msg":"serving"`), `"clients":"`)
	address, _, _ = strings.Cut(address, `"`)
	return address
}
