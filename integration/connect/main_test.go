package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
	"lockstep/integration/testca"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// start runs a proxy with an empty database d behind it.
func start(t *testing.T, o cluster.Options) *cluster.Cluster {
	t.Helper()
	if o.Shards == 0 {
		o.Shards = 1
	}
	c := cluster.Start(t, o)
	c.StartProxy()
	return c
}

// login is how a client connects.
type login struct {
	user, password string
	tls            *tls.Config
	dial           func(ctx context.Context, address string) (net.Conn, error) // nil: over TCP
	attributes     string
}

func (l login) db(t *testing.T, c *cluster.Cluster) *sql.DB {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.TLS = "tcp", c.Listen, l.user, l.password, l.tls
	cfg.AllowCleartextPasswords, cfg.ConnectionAttributes, cfg.Logger = true, l.attributes, quiet{}
	if l.user == "" {
		cfg.User, cfg.Passwd = cluster.User, cluster.Password
	}
	if l.dial != nil {
		cfg.DialFunc = func(ctx context.Context, _, address string) (net.Conn, error) { return l.dial(ctx, address) }
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// quiet keeps the driver from printing what tests provoke.
type quiet struct{}

func (quiet) Print(...any) {}

// conn is one connection.
func (l login) conn(t *testing.T, c *cluster.Cluster) *sql.Conn {
	t.Helper()
	k, err := l.db(t, c).Conn(t.Context())
	if err != nil {
		t.Fatalf("log in as %q: %v", l.user, err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// refused checks the error of a login, which may be tried again while other tests' connections go away.
func (l login) refused(t *testing.T, c *cluster.Cluster, code uint16, says string) {
	t.Helper()
	k, err := l.db(t, c).Conn(t.Context())
	if err == nil {
		_ = k.Close()
	}
	var me *mysql.MySQLError
	if !errors.As(err, &me) || me.Number != code || !strings.Contains(me.Message, says) {
		t.Errorf("login as %q: %v, want %d %s", l.user, err, code, says)
	}
}

func exec1(t *testing.T, k *sql.Conn, query string) {
	t.Helper()
	if _, err := k.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%.100s: %v", query, err)
	}
}

func one(t *testing.T, k *sql.Conn, query string, args ...any) string {
	t.Helper()
	var v sql.NullString
	if err := k.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%.100s: %v", query, err)
	}
	return v.String
}

// shown is the session's line of SHOW LOCKSTEP CONNECTIONS.
func shown(t *testing.T, k *sql.Conn) map[string]string {
	t.Helper()
	id := one(t, k, "SELECT CONNECTION_ID()")
	rows, err := k.QueryContext(t.Context(), "SHOW LOCKSTEP CONNECTIONS")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := map[string]string{}
		for i, n := range names {
			line[n] = values[i].String
		}
		if line["id"] == id {
			return line
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	t.Fatalf("connection %s is not shown", id)
	return nil
}

// trust is a client's configuration that checks the proxy's certificate.
func trust(t *testing.T, ca *testca.Authority) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

// metric is a line of the proxy's metrics.
func metric(t *testing.T, c *cluster.Cluster, name string) float64 {
	t.Helper()
	status, text, err := c.Text("/metrics")
	if err != nil || status != http.StatusOK {
		t.Fatalf("metrics: %d %v", status, err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func refusals(t *testing.T, c *cluster.Cluster, reason string) float64 {
	t.Helper()
	return metric(t, c, fmt.Sprintf("lockstep_connections_refused_total{reason=%q}", reason))
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

// commandLine runs a client's program and returns what it says.
func commandLine(t *testing.T, name, password string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, append([]string{"--no-defaults"}, args...)...)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
	out, _ := cmd.CombinedOutput() // an error is in what it says
	return strings.TrimSpace(string(out))
}

// programs are the command lines of both families, where they are here.
func programs(t *testing.T) map[string]string {
	t.Helper()
	p := map[string]string{}
	if path, err := exec.LookPath("mariadb"); err == nil {
		p["mariadb"] = path
	}
	if path, err := localdb.MySQLClient(); err == nil {
		p["mysql"] = path
	}
	if len(p) == 0 {
		t.Fatal("neither mariadb's nor mysql's command line is here")
	}
	return p
}

func port(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	_, p, err := net.SplitHostPort(c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
