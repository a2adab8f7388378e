package inserts

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// plainServer starts the oracle.
func plainServer(t *testing.T) string {
	return cluster.PlainServer(t, cluster.Engine(t)).Address()
}

// connect opens a session whose packets can be looked at.
func connect(t *testing.T, address, database string) *wireclient.Conn {
	t.Helper()
	c, err := wireclient.Connect(address, wireclient.Options{User: cluster.User, Password: cluster.Password, Database: database, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// pair is one session on each side.
type pair struct {
	t            *testing.T
	plain, proxy *wireclient.Conn
	mysql        bool // warnings are not compared: MySQL gives others for rows of a query than for constants
}

const placement = `schemas:
  - name: d
    tables:
      - {name: g, kind: global}
      - {name: g_id, kind: global}
      - {name: one, kind: single, shard: s2}
      - {name: one_id, kind: single, shard: s3}
      - {name: two, shard_key: [a, b]}
`

// start makes both sides with an empty database d.
func start(t *testing.T) *pair {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: placement})
	c.StartProxy()
	plain := plainServer(t)
	for _, address := range []string{plain, c.Listen} {
		ask(t, connect(t, address, ""), "CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	}
	return &pair{t: t, mysql: cluster.Engine(t) == localdb.MySQL, plain: connect(t, plain, "d"), proxy: connect(t, c.Listen, "d")}
}

func ask(t *testing.T, c *wireclient.Conn, sql string) *wireclient.Answer {
	t.Helper()
	a, err := c.Do(wireclient.Query(sql))
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return a
}

const (
	refusal   = 1235
	duplicate = 1062
)

func code(a *wireclient.Answer) uint16 {
	for i := range a.Results {
		if e := a.Results[i].Err; e != nil {
			return e.Code
		}
		if e := a.Results[i].RowErr; e != nil {
			return e.Code
		}
	}
	return 0
}

// same runs a statement on both sides and compares what is told, with the warnings behind it.
func (p *pair) same(sql string) bool {
	p.t.Helper()
	got := ask(p.t, p.proxy, sql)
	if code(got) == refusal {
		if !p.mysql || !strings.Contains(got.Detail(), "MySQL cannot open a temporary table twice") {
			p.t.Errorf("%s\n refused: %s", shortened(sql), got.Detail())
		}
		return false
	}
	want := ask(p.t, p.plain, sql)
	ok := p.compare(sql, want, got)
	if code(want) != 0 || p.mysql {
		return ok // a server tells more of what led to an error than Lockstep keeps
	}
	return p.sameRows(warnings, sql) && ok
}

func (p *pair) compare(sql string, want, got *wireclient.Answer) bool {
	p.t.Helper()
	w, g := told(want), told(got)
	if p.mysql {
		w, g = withoutWarnings(w), withoutWarnings(g)
	}
	if code(want) == duplicate && code(got) == duplicate {
		return true // which of several duplicates is told depends on which shard meets its own first
	}
	if slices.Equal(w, g) {
		return true
	}
	p.t.Errorf("%s\n plain %s\n proxy %s", shortened(sql), strings.Join(w, "\n       "), strings.Join(g, "\n       "))
	return false
}

var counts = regexp.MustCompile(`(?i)warnings(=|: )\d+`)

func withoutWarnings(lines []string) (out []string) {
	for _, l := range lines {
		out = append(out, counts.ReplaceAllString(l, "warnings"))
	}
	return out
}

func shortened(sql string) string {
	if len(sql) > 2000 {
		return sql[:2000] + "…"
	}
	return sql
}

// told is an answer as it is compared: with the messages of errors, without the names of statements that only tests see.
func told(a *wireclient.Answer) []string { return append(a.Lines(), a.Detail()) }

// sameRows compares a query's rows; of is the statement that it looks behind.
func (p *pair) sameRows(query, of string) bool {
	p.t.Helper()
	w, g := ask(p.t, p.plain, query), ask(p.t, p.proxy, query)
	rows := func(a *wireclient.Answer) (out []string) {
		if d := a.Detail(); d != "" {
			return []string{d}
		}
		for _, r := range a.Results[0].Rows {
			out = append(out, r.String())
		}
		return out
	}
	a, b := rows(w), rows(g)
	if query == warnings { // duplicates name no row by which they could be put in order
		slices.Sort(a)
		slices.Sort(b)
	}
	if !slices.Equal(a, b) {
		p.t.Errorf("%s behind %s\n plain %s\n proxy %s", query, shortened(of), strings.Join(a, "\n       "), strings.Join(b, "\n       "))
		return false
	}
	return true
}

const warnings = "SHOW WARNINGS"

// refused runs a statement that the proxy shall refuse, on the proxy alone, and checks the reason.
func (p *pair) refused(sql, reason string) {
	p.t.Helper()
	a := ask(p.t, p.proxy, sql)
	if code(a) != refusal || !strings.Contains(a.Detail(), reason) {
		p.t.Errorf("%s\n %v %s, want a refusal with %q", shortened(sql), a.Lines(), a.Detail(), reason)
	}
}

// both runs a statement that must succeed on both sides, without a comparison.
func (p *pair) both(sql string) {
	p.t.Helper()
	for _, c := range []*wireclient.Conn{p.plain, p.proxy} {
		if a := ask(p.t, c, sql); code(a) != 0 {
			p.t.Fatalf("%s: %s", sql, a.Detail())
		}
	}
}

func needMariaDB(t *testing.T) {
	t.Helper()
	if cluster.Engine(t) != localdb.MariaDB {
		t.Skip("only MariaDB has RETURNING")
	}
}
