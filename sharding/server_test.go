package sharding

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"
	"time"

	"lockstep/localdb"
)

// oracle is a private MariaDB that judges what is equal.
var oracle *localdb.Server

func TestMain(m *testing.M) {
	code, err := runWithServer(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runWithServer(m *testing.M) (int, error) {
	if err := localdb.Installed(); err != nil {
		fmt.Fprintln(os.Stderr, "tests that need a server are skipped:", err)
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "sharding-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	oracle, err = localdb.Start(ctx, localdb.Options{Dir: dir, ExtraArgs: []string{"--innodb-flush-log-at-trx-commit=0", "--debug-no-sync"}})
	if err != nil {
		return 1, err
	}
	code := m.Run()
	return code, oracle.Kill()
}

func openServer(t *testing.T) *sql.DB {
	t.Helper()
	if oracle == nil {
		t.Skip("MariaDB is not installed")
	}
	db, err := oracle.Root()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
