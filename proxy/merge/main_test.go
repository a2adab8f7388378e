package merge

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockstep/backend"
	"lockstep/localdb"
	"lockstep/protocol"
)

// oracle is a private MariaDB: what it says of the whole table is right.
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
	dir, err := os.MkdirTemp("", "merge-")
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
	if err := oracle.Kill(); err != nil {
		return 1, err
	}
	if code == 0 {
		return code, goleak.Find()
	}
	return code, nil
}

// connect opens a connection to one database of the oracle.
func connect(t *testing.T, database string) *backend.Conn {
	t.Helper()
	if oracle == nil {
		t.Skip("MariaDB is not installed")
	}
	s := backend.NewShard(backend.Options{Name: database, Address: oracle.Socket, User: "root"})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	c, err := s.Acquire(t.Context(), &backend.State{Database: database}, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Discard)
	return c
}

// ask sends a statement and gives its answer, not yet read.
func ask(t *testing.T, c *backend.Conn, sql string) *protocol.Rows {
	t.Helper()
	if err := c.Wire().WriteCommand(protocol.ComQuery, []byte(sql)); err != nil {
		t.Fatal(err)
	}
	if err := c.Wire().Flush(); err != nil {
		t.Fatal(err)
	}
	rows, err := protocol.ReadRows(c.Wire())
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}
