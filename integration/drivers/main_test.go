package drivers

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// start runs a proxy over three shards, with an empty database d behind it.
func start(t *testing.T, o cluster.Options) *cluster.Cluster {
	t.Helper()
	if o.Shards == 0 {
		o.Shards = 3
	}
	c := cluster.Start(t, o)
	c.StartProxy()
	exec(t, c.DB(""), "CREATE DATABASE d")
	return c
}

// asker is a *sql.DB or a *sql.Conn.
type asker interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

func exec(t *testing.T, db asker, query string, args ...any) sql.Result {
	t.Helper()
	r, err := db.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%.200s: %v", query, err)
	}
	return r
}

// one is the only value of a query's answer, as text.
func one(t *testing.T, db asker, query string, args ...any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%.200s: %v", query, err)
	}
	defer rows.Close()
	var v sql.NullString
	for n := 0; rows.Next(); n++ {
		if n > 0 {
			t.Fatalf("%.200s: several rows", query)
		}
		if err := rows.Scan(&v); err != nil {
			t.Fatalf("%.200s: %v", query, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%.200s: %v", query, err)
	}
	return v.String
}

// conn is one connection of a pool, given back with the test.
func conn(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// wantCode checks that an error has that number of a server.
func wantCode(t *testing.T, err error, code uint16) {
	t.Helper()
	var me *mysql.MySQLError
	if !errors.As(err, &me) || me.Number != code {
		t.Errorf("error is %v, want number %d", err, code)
	}
}

// eventually repeats a check until it has nothing to complain about.
func eventually(t *testing.T, limit time.Duration, check func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		complaint := check()
		if complaint == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("after %v: %s", limit, complaint)
			return
		}
		time.Sleep(120 * time.Millisecond) // MariaDB renews innodb_trx only when nobody has read it for 100 ms
	}
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
