package threephase

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// client is one connection to a proxy.
type client struct {
	t    *testing.T
	db   *sql.DB
	conn *sql.Conn
}

func (w *world) client(t *testing.T, p *cluster.Proxy, params ...string) *client {
	t.Helper()
	db, err := sql.Open("mysql", p.DSN("bank", params...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, db, conn}
}

// mode3 is a client that commits in three phases.
func (w *world) mode3(t *testing.T, p *cluster.Proxy, params ...string) *client {
	t.Helper()
	c := w.client(t, p, params...)
	c.must("SET lockstep_commit_mode = '3pc'")
	return c
}

// Exec runs a statement on the connection.
func (c *client) Exec(query string, args ...any) (sql.Result, error) {
	return c.conn.ExecContext(context.Background(), query, args...)
}

func (c *client) must(statements ...string) {
	c.t.Helper()
	mustExec(c.t, c, statements...)
}

// want runs a statement that must fail with an error number.
func (c *client) want(code int, statement string) error {
	c.t.Helper()
	_, err := c.Exec(statement)
	if codeOf(err) != code {
		c.t.Fatalf("%s: %v, want error %d", statement, err, code)
	}
	return err
}

// text is the single value of a query.
func (c *client) text(query string, args ...any) string {
	c.t.Helper()
	var v sql.NullString
	if err := c.conn.QueryRowContext(context.Background(), query, args...).Scan(&v); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	if !v.Valid {
		return "NULL"
	}
	return v.String
}

// rows of a query, as text.
func (c *client) rows(query string, args ...any) [][]string {
	c.t.Helper()
	rows, err := c.conn.QueryContext(context.Background(), query, args...)
	if err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		c.t.Fatal(err)
	}
	var list [][]string
	for rows.Next() {
		row := make([]string, len(names))
		fields := make([]any, len(names))
		for i := range row {
			fields[i] = &row[i]
		}
		if err := rows.Scan(fields...); err != nil {
			c.t.Fatalf("%s: %v", query, err)
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return list
}

// start runs a statement in the background.
func (c *client) start(query string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(query)
		done <- err
	}()
	return done
}

// answer waits for a statement's end.
func answer(t *testing.T, done <-chan error, limit time.Duration) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		t.Fatalf("no answer after %v", limit)
		return nil
	}
}

// close ends the connection as a client that goes away does.
func (c *client) close() {
	c.conn.Close()
	c.db.Close()
}
