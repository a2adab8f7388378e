package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lockstep/localdb"
)

func TestInit(t *testing.T) {
	if err := localdb.Installed(); err != nil {
		t.Skip(err)
	}
	s, err := localdb.Start(t.Context(), localdb.Options{Dir: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	sql := func(statements ...string) {
		t.Helper()
		if err := s.Exec(context.WithoutCancel(t.Context()), statements...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddUser(t.Context(), "admin", "secret"); err != nil {
		t.Fatal(err)
	}
	sql("CREATE USER lockstep IDENTIFIED BY 'lockstep'")
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := configFile(t, s.Address(), s.Socket)
	admin := " --user admin --password-file " + password
	expect(t, words("init"), exitUsage, "", "--config is missing")
	expect(t, words("init --config "+config+" --password-file x"), exitUsage, "", "without --user")
	expect(t, words("init --config "+config+" --user admin --password-file nowhere"), exitFailed, "", "read the password")
	expect(t, words("init --config "+config), exitFailed, "could not be made as lockstep", "2 of 2 shards are not ready")
	out := expect(t, words("init --config "+config+admin), exitFailed, "table lockstep.branch made", "2 of 2 shards are not ready")
	// What it says is missing is what has to be typed.
	grants := regexp.MustCompile(`(?m)^ +(GRANT .*;)`).FindAllStringSubmatch(out, -1)
	if len(grants) != 2*6 {
		t.Fatalf("%d grants in\n%s", len(grants), out)
	}
	for _, g := range grants {
		sql(strings.TrimSuffix(g[1], ";"))
	}
	out = expect(t, words("init --config "+config), exitOK, "user 'lockstep'@'%' has all grants", "")
	if strings.Count(out, "table lockstep.branch is there") != 2 || strings.Count(out, "table lockstep.waiter is there") != 2 || strings.Count(out, "table lockstep.ddl is there") != 2 {
		t.Errorf("the second time:\n%s", out)
	}
	expect(t, words("init --config "+configFile(t, s.Address(), "127.0.0.1:1")), exitFailed, "cannot be reached", "1 of 2 shards are not ready")
	expect(t, words("init --config "+config+" --user admin"), exitFailed, "Access denied for user 'admin'", "2 of 2")
}
