package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

type sqlConn = sql.Conn

func TestMain(m *testing.M) { cluster.Main(m) }

// client is one connection with short ways to ask and check.
type client struct {
	t    *testing.T
	conn *sql.Conn
}

func start(t *testing.T, o cluster.Options) *cluster.Cluster {
	t.Helper()
	if o.Shards == 0 {
		o.Shards = 3
	}
	c := cluster.Start(t, o)
	c.StartProxy()
	return c
}

func connect(t *testing.T, c *cluster.Cluster, database string, params ...string) *client {
	t.Helper()
	conn, err := c.DB(database, params...).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{t, conn}
}

func (c *client) exec(query string, args ...any) sql.Result {
	c.t.Helper()
	r, err := c.conn.ExecContext(context.Background(), query, args...)
	if err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return r
}

// affected runs a change and checks the number of affected rows.
func (c *client) affected(want int64, query string, args ...any) {
	c.t.Helper()
	if n, err := c.exec(query, args...).RowsAffected(); err != nil || n != want {
		c.t.Errorf("%s: %d rows affected (%v), want %d", query, n, err, want)
	}
}

// rows returns the answer as text, columns joined by commas.
func (c *client) rows(query string, args ...any) []string {
	c.t.Helper()
	out, err := c.try(query, args...)
	if err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return out
}

// try is rows for a statement that may fail.
func (c *client) try(query string, args ...any) ([]string, error) {
	c.t.Helper()
	rows, err := c.conn.QueryContext(context.Background(), query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		c.t.Fatal(err)
	}
	out := []string{}
	for rows.Next() {
		values, ptrs := make([]any, len(cols)), make([]any, len(cols))
		for i := range values {
			ptrs[i] = &values[i]
		}
		if err := rows.Scan(ptrs...); err != nil {
			c.t.Fatal(err)
		}
		text := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case nil:
				text[i] = "NULL"
			case []byte:
				text[i] = string(v)
			default:
				text[i] = fmt.Sprint(v)
			}
		}
		out = append(out, strings.Join(text, ","))
	}
	return out, rows.Err()
}

func (c *client) want(query string, want ...string) {
	c.t.Helper()
	if want == nil {
		want = []string{}
	}
	if got := c.rows(query); !reflect.DeepEqual(got, want) {
		c.t.Errorf("%s\n got %q\nwant %q", query, got, want)
	}
}

// fails checks the error number that a statement gets.
func (c *client) fails(code uint16, query string, args ...any) *mysql.MySQLError {
	c.t.Helper()
	_, err := c.conn.ExecContext(context.Background(), query, args...)
	var me *mysql.MySQLError
	if !errors.As(err, &me) {
		c.t.Errorf("%s: error is %v, want number %d", query, err, code)
		return nil
	}
	if me.Number != code {
		c.t.Errorf("%s: error is %v, want number %d", query, err, code)
	}
	return me
}

// refused checks that the proxy says that it cannot answer.
func (c *client) refused(query string) {
	c.t.Helper()
	c.fails(1235, query)
}

// plain starts a server without a proxy: what it answers is right.
func plain(t *testing.T) *client {
	t.Helper()
	s := cluster.PlainServer(t, cluster.Engine(t))
	db, err := sql.Open("mysql", cluster.User+":"+cluster.Password+"@tcp("+s.Address()+")/")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close() // its server may be gone
		_ = db.Close()
	})
	return &client{t, conn}
}
