package localdb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A server copied from the template gets an identity of its own, also when its Server comes from nowhere else.
func TestMySQLIdentity(t *testing.T) {
	dir := t.TempDir()
	servers, err := StartAll(t.Context(), []Options{{Dir: filepath.Join(dir, "s1"), Engine: MySQL}, {Dir: filepath.Join(dir, "s2"), Engine: MySQL}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for _, s := range servers {
		defer s.Kill()
		ids[query(t, s, "SELECT @@server_uuid")] = true
	}
	if len(ids) != 2 {
		t.Errorf("identities %v", ids)
	}
}

// What a killed MySQL prepared is there after its restart, though its socket's lock names a process that runs.
func TestMySQLAfterKill(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir, Engine: MySQL})
	if err := s.Exec(t.Context(), "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)",
		"XA START 'g'", "INSERT INTO d.t VALUES (1)", "XA END 'g'", "XA PREPARE 'g'"); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	lock := s.Socket + ".lock"
	if _, err := os.Stat(lock); err != nil {
		t.Fatalf("the lock is not where it is expected: %v", err)
	}
	if err := os.WriteFile(lock, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{Dir: dir}) // the folder tells the engine
	if s.Engine != MySQL {
		t.Errorf("started as %s", s.Engine)
	}
	if err := s.Exec(t.Context(), "XA COMMIT 'g'"); err != nil {
		t.Error(err)
	}
	if got := query(t, s, "SELECT COUNT(*) FROM d.t"); got != "1" {
		t.Errorf("%s rows", got)
	}
}

func TestOtherEngine(t *testing.T) {
	for has, want := range map[Engine]Engine{MariaDB: MySQL, MySQL: MariaDB} {
		dir := t.TempDir()
		s := start(t, Options{Dir: dir, Engine: has})
		for range 2 { // while it runs, and after
			var other *EngineError
			if _, err := Start(t.Context(), Options{Name: "s1", Dir: dir, Engine: want}); !errors.As(err, &other) || other.Has != has || other.Want != want {
				t.Errorf("%s in a folder of %s: %v", want, has, err)
			}
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestParseEngine(t *testing.T) {
	for name, want := range map[string]Engine{"mysql": MySQL, "mariadb": MariaDB} {
		if got, err := ParseEngine(name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParseEngine("MySQL8"); err == nil || !strings.Contains(err.Error(), `choose "mariadb" or "mysql"`) {
		t.Errorf("got %v", err)
	}
}

func TestFindMySQL(t *testing.T) {
	real, err := findMySQL(programFolders)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	t.Chdir(t.TempDir())
	var missing *NotInstalledError
	if p, err := findMySQL([]string{t.TempDir()}); !errors.As(err, &missing) || missing.Engine != MySQL || !strings.Contains(err.Error(), "make mysql") {
		t.Errorf("where there is none: %+v, %v", p, err)
	}
	// A program with the right name that is MariaDB's.
	fake := t.TempDir()
	script(t, filepath.Join(fake, "mysqld"), "echo 'mysqld  Ver 10.11.19-MariaDB for debian-linux-gnu'")
	if p, err := findMySQL([]string{fake}); !errors.As(err, &missing) {
		t.Errorf("MariaDB's: %+v, %v", p, err)
	}
	script(t, filepath.Join(fake, "mysqld"), "echo 'mysqld  Ver 8.4.2 for Linux'")
	if p, err := findMySQL([]string{fake}); err != nil || p.server != filepath.Join(fake, "mysqld") {
		t.Errorf("installed: %+v, %v", p, err)
	}
	// In the cache of a folder above.
	source := t.TempDir()
	cached := filepath.Join(source, mysqlCache)
	if err := os.MkdirAll(filepath.Dir(cached), 0o700); err != nil {
		t.Fatal(err)
	}
	script(t, cached, "exit 1")
	below := filepath.Join(source, "a/b")
	if err := os.MkdirAll(below, 0o700); err != nil {
		t.Fatal(err)
	}
	if path, err := cachedMySQL(below); err != nil || path != cached {
		t.Errorf("cached: %q, %v", path, err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(cached, 65534, -1); err != nil {
			t.Fatal(err)
		}
		if path, err := cachedMySQL(below); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
			t.Errorf("another user's: %q, %v", path, err)
		}
	}
	t.Setenv(mysqlVariable, filepath.Join(source, "nowhere"))
	if p, err := findMySQL(nil); err == nil || !strings.Contains(err.Error(), mysqlVariable) {
		t.Errorf("named, not there: %+v, %v", p, err)
	}
	t.Setenv(mysqlVariable, real.server)
	if p, err := findMySQL(nil); err != nil || p.server != real.server {
		t.Errorf("named: %+v, %v", p, err)
	}
}

func script(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}
