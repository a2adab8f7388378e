package pipeline

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }

// Rows of d.k: id and all that follows from it.
const (
	rows     = 1000
	bigRows  = 8 // from bigID on, of sizes in turn
	bigID    = 5000
	hugeSize = 2 << 20
)

var bigSizes = [...]int{5 << 10, 17 << 10, 100 << 10, hugeSize}

// value is v of the row id, and pad what a big row holds.
func value(id int) string { return "v" + strconv.Itoa(id*7919%100_003) }

func pad(id int) string {
	unit := "<" + strconv.Itoa(id*31) + ">"
	size := bigSizes[id%len(bigSizes)]
	return strings.Repeat(unit, size/len(unit))
}

// begin starts shards with the tables, and the proxy.
func begin(t testing.TB, o cluster.Options) *cluster.Cluster {
	t.Helper()
	c := cluster.Start(t, o)
	c.StartProxy()
	db := c.DB("")
	exec(t, db, "CREATE DATABASE d", "CREATE DATABASE e",
		"CREATE TABLE d.k (id INT PRIMARY KEY, v VARCHAR(40) NOT NULL, n INT NOT NULL DEFAULT 0, at TIMESTAMP NOT NULL DEFAULT '2020-01-02 00:00:00') CHARACTER SET utf8mb4",
		"CREATE TABLE e.k (id INT PRIMARY KEY, v VARCHAR(40) NOT NULL) CHARACTER SET utf8mb4",
		"CREATE TABLE d.big (id INT PRIMARY KEY, pad LONGTEXT NOT NULL)",
		"CREATE TABLE d.a (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40) NOT NULL)")
	var k, e strings.Builder
	for id := range rows {
		fmt.Fprintf(&k, ",(%d,'%s')", id, value(id))
		fmt.Fprintf(&e, ",(%d,'e%s')", id, value(id))
	}
	exec(t, db, "SET time_zone = '+00:00'", "INSERT INTO d.k (id, v) VALUES "+k.String()[1:], "INSERT INTO e.k VALUES "+e.String()[1:])
	for id := bigID; id < bigID+bigRows; id++ {
		exec(t, db, fmt.Sprintf("INSERT INTO d.big VALUES (%d,'%s')", id, pad(id)))
	}
	return c
}

func exec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%.80s: %v", s, err)
		}
	}
}

// further is another proxy over the same shards, with a pool and configuration of its own.
func further(t *testing.T, c *cluster.Cluster, pool, config string) *cluster.Proxy {
	t.Helper()
	p := c.AddProxy(cluster.ProxyOptions{Config: config})
	if pool != "" {
		text, err := os.ReadFile(p.ConfigPath())
		if err != nil {
			t.Fatal(err)
		}
		head, shards, _ := strings.Cut(string(text), "shards:\n")
		with := strings.ReplaceAll(shards, "    password: app\n", "    password: app\n    pool: {"+pool+"}\n")
		if with == shards {
			t.Fatal("the configuration has no shards to give a pool to")
		}
		if err := os.WriteFile(p.ConfigPath(), []byte(head+"shards:\n"+with), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.Start()
	t.Cleanup(p.Stop)
	return p
}

// metric is the sum of a metric's lines whose labels have the given text in them.
func metric(t testing.TB, p *cluster.Proxy, name, labels string) float64 {
	t.Helper()
	_, text, err := p.Text("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	sum, found := 0.0, false
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' || !strings.Contains(rest, labels) {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(strings.TrimSpace(rest), ' ')+1:]), 64)
		if err != nil {
			t.Fatal(err)
		}
		sum, found = sum+v, true
	}
	if !found {
		t.Fatalf("no metric %s", name)
	}
	return sum
}

// eventually waits until ok, for some seconds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// session is a connection of the driver's that checks what it hears.
type session struct {
	t    testing.TB
	db   *sql.DB
	conn *sql.Conn
}

func open(t testing.TB, p *cluster.Proxy, database string, params ...string) *session {
	t.Helper()
	s, err := tryOpen(t, p, database, params...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryOpen(t testing.TB, p *cluster.Proxy, database string, params ...string) (*session, error) {
	db, err := sql.Open("mysql", p.DSN(database, append([]string{"readTimeout=30s", "timeout=10s"}, params...)...))
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return &session{t, db, conn}, nil
}

func (s *session) close() {
	_ = s.conn.Close() // the connection may be broken, as the test wants
	_ = s.db.Close()
}

// row asks for one row; its columns are joined by commas, and no row is "none".
func (s *session) row(query string, args ...any) (string, error) {
	rows, err := s.conn.QueryContext(context.Background(), query, args...)
	if err != nil {
		return "", err
	}
	return oneRow(rows)
}

func oneRow(rows *sql.Rows) (string, error) {
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return "", err
	}
	out, n := "none", 0
	for ; rows.Next(); n++ {
		values, at := make([]sql.NullString, len(cols)), make([]any, len(cols))
		for i := range values {
			at[i] = &values[i]
		}
		if err := rows.Scan(at...); err != nil {
			return "", err
		}
		text := make([]string, len(cols))
		for i, v := range values {
			if text[i] = v.String; !v.Valid {
				text[i] = "NULL"
			}
		}
		out = strings.Join(text, ",")
	}
	if n > 1 {
		return "", fmt.Errorf("%d rows instead of one", n)
	}
	return out, rows.Err()
}

// want checks the one row of an answer.
func (s *session) want(want, query string, args ...any) {
	s.t.Helper()
	s.same(want, query, func() (string, error) { return s.row(query, args...) })
}

func (s *session) same(want, query string, ask func() (string, error)) {
	s.t.Helper()
	got, err := ask()
	if err != nil {
		s.t.Errorf("%s: %v", query, err)
	} else if got != want {
		s.t.Errorf("%s:\n got %.100q (%d bytes)\nwant %.100q (%d bytes)", query, got, len(got), want, len(want))
	}
}

func (s *session) exec(query string, args ...any) sql.Result {
	s.t.Helper()
	r, err := s.conn.ExecContext(context.Background(), query, args...)
	if err != nil {
		s.t.Errorf("%s: %v", query, err)
		return driver.RowsAffected(-1)
	}
	return r
}

// fails checks the number of the error that a statement gets.
func (s *session) fails(code uint16, query string, args ...any) {
	s.t.Helper()
	_, err := s.row(query, args...)
	if got := codeOf(err); got != code {
		s.t.Errorf("%s: %v, want error %d", query, err, code)
	}
}

func codeOf(err error) uint16 {
	var me *mysql.MySQLError
	if errors.As(err, &me) {
		return me.Number
	}
	return 0
}

// wire is a client that writes and reads packets as it likes.
func wire(t testing.TB, p *cluster.Proxy) *wireclient.Conn {
	t.Helper()
	return wireWith(t, p, 0)
}

func wireWith(t testing.TB, p *cluster.Proxy, capabilities uint32) *wireclient.Conn {
	t.Helper()
	c, err := wireclient.Connect(p.Listen, wireclient.Options{User: cluster.User, Password: cluster.Password, Database: "d",
		Capabilities: capabilities, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// point is a point select's text, and pointRow the only row of the answer.
func point(id int) string { return fmt.Sprintf("SELECT v FROM k WHERE id = %d", id) }

// checkPoint checks a wire client's answer to a point select.
func checkPoint(a *wireclient.Answer, err error, id int) error {
	if err != nil {
		return err
	}
	want := fmt.Sprintf("ROW %q", value(id))
	for _, line := range a.Lines() {
		if line == want {
			return nil
		}
	}
	return fmt.Errorf("answer about row %d: %q %s, want %s", id, a.Lines(), a.Detail(), want)
}

var goroutineTotal = regexp.MustCompile(`goroutine profile: total (\d+)`)

// goroutines is how many the proxy has.
func goroutines(t testing.TB, p *cluster.Proxy) int {
	t.Helper()
	_, text, err := p.Text("/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	m := goroutineTotal.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no goroutine profile: %.200s", text)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
