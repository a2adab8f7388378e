package catalog

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockstep/backend"
	"lockstep/localdb"
	"lockstep/sharding"
)

// server is a private MariaDB that all tests share; each uses databases of its own.
var server *localdb.Server

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
	dir, err := os.MkdirTemp("", "catalog-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if server, err = localdb.Start(ctx, localdb.Options{Dir: dir, ExtraArgs: []string{"--innodb-flush-log-at-trx-commit=0", "--debug-no-sync"}}); err != nil {
		return 1, err
	}
	code := m.Run()
	if err := server.Kill(); err != nil {
		return 1, err
	}
	if code == 0 {
		return code, goleak.Find()
	}
	return code, nil
}

// newShards makes shards that all stand on the one server.
func newShards(t *testing.T, names ...string) []*backend.Shard {
	t.Helper()
	if server == nil {
		t.Skip("MariaDB is not installed")
	}
	var shards []*backend.Shard
	for _, name := range names {
		s := backend.NewShard(backend.Options{Name: name, Address: server.Socket, User: "root"})
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("close shard: %v", err)
			}
		})
		shards = append(shards, s)
	}
	return shards
}

func exec(t *testing.T, statements ...string) {
	t.Helper()
	if err := server.Exec(t.Context(), statements...); err != nil {
		t.Fatalf("%s: %v", strings.Join(statements, "; "), err)
	}
}

// physical is how the tests name a shard's part of a database.
func physical(shard, logical string) string { return logical + "_" + shard }

// countingTable is a table (database, name) as the planner knows it, with one AUTO_INCREMENT column.
func countingTable(database, name, dataType, columnType string) *sharding.Table {
	return &sharding.Table{
		TableInfo: sharding.TableInfo{Database: database, Name: name, Columns: []sharding.ColumnInfo{
			{Name: "x", DataType: "int", ColumnType: "int(11)"},
			{Name: "id", DataType: dataType, ColumnType: columnType, AutoIncrement: true},
		}},
		AutoIncrement: "id",
	}
}

// createCounting makes the table on each shard, anew.
func createCounting(t *testing.T, shards []*backend.Shard, database, name, columnType string, options ...string) {
	t.Helper()
	for _, s := range shards {
		exec(t,
			"CREATE DATABASE IF NOT EXISTS `"+physical(s.Name(), database)+"`",
			"CREATE OR REPLACE TABLE `"+physical(s.Name(), database)+"`.`"+name+"` (x INT, id "+columnType+" AUTO_INCREMENT PRIMARY KEY) "+strings.Join(options, " "))
	}
	s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Physical: physical})
	if err := s.Forget(t.Context(), database, strings.ReplaceAll(name, "``", "`")); err != nil {
		t.Fatal(err)
	}
}
