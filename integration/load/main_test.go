package load

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }

// eachEngine runs a test over three shards of each server family that is installed.
func eachEngine(t *testing.T, config string, test func(t *testing.T, c *cluster.Cluster)) {
	for _, e := range cluster.Engines {
		t.Run(e.String(), func(t *testing.T) {
			test(t, start(t, e, config))
		})
	}
}

// start runs a proxy over three shards with an empty database d behind it.
func start(t *testing.T, e localdb.Engine, config string) *cluster.Cluster {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 3, Engine: e, ShardArgs: []string{"--local-infile=1"}, Config: config})
	c.StartProxy()
	exec(t, c.DB(""), "CREATE DATABASE d")
	return c
}

// asker is a *sql.DB or a *sql.Conn.
type asker interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

func exec(t *testing.T, db asker, query string) int64 {
	t.Helper()
	r, err := db.ExecContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%.200s: %v", query, err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// rows is an answer as text, one line a row.
func rows(t *testing.T, db asker, query string) string {
	t.Helper()
	r, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%.200s: %v", query, err)
	}
	defer r.Close()
	columns, err := r.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for r.Next() {
		values, at := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			at[i] = &values[i]
		}
		if err := r.Scan(at...); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if i > 0 {
				out.WriteByte('|')
			}
			if !v.Valid {
				v.String = "NULL"
			}
			out.WriteString(v.String)
		}
		out.WriteByte('\n')
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func connect(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var files atomic.Int64

// load runs LOAD DATA LOCAL with a file that the driver reads from r. rest is the statement from INTO on.
func load(ctx context.Context, db asker, r io.Reader, rest string) (int64, error) {
	name := fmt.Sprintf("file%d", files.Add(1))
	mysql.RegisterReaderHandler(name, func() io.Reader { return r })
	defer mysql.DeregisterReaderHandler(name)
	verb := "LOAD DATA LOCAL INFILE 'Reader::" + name + "' "
	res, err := db.ExecContext(ctx, verb+rest)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// loaded is load of a text that must succeed.
func loaded(t *testing.T, db asker, text, rest string) int64 {
	t.Helper()
	n, err := load(context.Background(), db, bytes.NewReader([]byte(text)), rest)
	if err != nil {
		t.Fatalf("%s: %v", rest, err)
	}
	return n
}

// code is a server's error number; 0 without an error, -1 for one that is not a server's.
func code(err error) int {
	var me *mysql.MySQLError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &me):
		return int(me.Number)
	}
	return -1
}

func wantCode(t *testing.T, err error, want int) {
	t.Helper()
	if code(err) != want {
		t.Errorf("error is %v, want number %d", err, want)
	}
}
