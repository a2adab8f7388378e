package commit

import (
	"context"
	"database/sql"
	"net"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// client is one connection to the proxy.
type client struct {
	t    *testing.T
	db   *sql.DB
	conn *sql.Conn
	id   int64    // of the session at the proxy
	net  net.Conn // beneath
}

// client connects; params are the driver's.
func (w *world) client(t *testing.T, params ...string) *client {
	t.Helper()
	c, err := w.tryClient(t, params...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) tryClient(t *testing.T, params ...string) (*client, error) {
	t.Helper()
	c := &client{t: t}
	config, err := mysql.ParseDSN(w.DSN(database, params...))
	if err != nil {
		return nil, err
	}
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		nc, err := d.DialContext(ctx, network, address)
		c.net = nc
		return nc, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	c.db = sql.OpenDB(connector)
	t.Cleanup(func() { c.db.Close() })
	if c.conn, err = c.db.Conn(context.Background()); err != nil {
		return nil, err
	}
	if err := c.QueryRow("SELECT CONNECTION_ID()").Scan(&c.id); err != nil {
		return nil, err
	}
	return c, nil
}

// cut ends the connection under a statement that runs.
func (c *client) cut(t *testing.T) {
	t.Helper()
	if err := c.net.Close(); err != nil {
		t.Errorf("cut a client off: %v", err)
	}
}

// Exec runs a statement on the connection.
func (c *client) Exec(query string, args ...any) (sql.Result, error) {
	return c.conn.ExecContext(context.Background(), query, args...)
}

func (c *client) QueryRow(query string, args ...any) *sql.Row {
	return c.conn.QueryRowContext(context.Background(), query, args...)
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

// warnings of the last statement.
func (c *client) warnings() []string {
	c.t.Helper()
	rows, err := c.conn.QueryContext(context.Background(), "SHOW WARNINGS")
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var level, message string
		var code int
		if err := rows.Scan(&level, &code, &message); err != nil {
			c.t.Fatal(err)
		}
		list = append(list, message)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return list
}
