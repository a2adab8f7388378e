package scratch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gomysql "github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// rules place the tables so that their rows seldom meet.
const rules = `schemas:
  - name: d
    tables:
      - {name: customer, shard_key: id}
      - {name: orders, shard_key: id}
      - {name: item, shard_key: order_id}
      - {name: region, kind: global}
      - {name: note, kind: single, shard: s2}
      - {name: job, kind: single, shard: s3}
default_rule: {kind: sharded, shard_key: primary_key}
`

var tables = []string{
	`CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(20) COLLATE utf8mb4_general_ci, region INT, parent INT, KEY (region))`,
	`CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer_id INT NOT NULL, total DECIMAL(10,2), day DATE, KEY c (customer_id))`,
	`CREATE TABLE item (order_id INT, line INT, product VARCHAR(10), amount INT UNSIGNED, price DOUBLE, PRIMARY KEY (order_id, line))`,
	`CREATE TABLE region (id INT PRIMARY KEY, title VARCHAR(20))`,
	`CREATE TABLE note (k INT, body TEXT)`,
	`CREATE TABLE job (id INT PRIMARY KEY, note_k INT)`,
}

func rows() []string {
	var list []string
	values := func(table string, n int, row func(i int) string) {
		var r []string
		for i := 1; i <= n; i++ {
			r = append(r, "("+row(i)+")")
		}
		list = append(list, "INSERT INTO "+table+" VALUES "+strings.Join(r, ","))
	}
	null := func(is bool, text string) string {
		if is {
			return "NULL"
		}
		return text
	}
	values("customer", 20, func(i int) string {
		return fmt.Sprintf("%d, %s, %s, %s", i, null(i%7 == 0, fmt.Sprintf("'Name %c'", 'a'+i%5)), null(i%6 == 0, fmt.Sprint(i%4)), null(i < 4, fmt.Sprint(i/3)))
	})
	values("orders", 40, func(i int) string {
		return fmt.Sprintf("%d, %d, %s, '2024-01-%02d'", i, i*7%23+1, null(i%9 == 0, fmt.Sprintf("%d.%02d", i*13%100, i*7%100)), i%28+1)
	})
	values("item", 90, func(i int) string {
		return fmt.Sprintf("%d, %d, 'p%d', %d, %d.5", i/2+1, i%2, i%11, i%13, i%17)
	})
	values("region", 4, func(i int) string { return fmt.Sprintf("%d, 'region %d'", i-1, i-1) })
	values("note", 6, func(i int) string { return fmt.Sprintf("%d, 'text %d'", i, i%3) })
	values("job", 5, func(i int) string { return fmt.Sprintf("%d, %d", i, i%4) })
	return list
}

// pair asks a plain server and the proxy the same.
type pair struct {
	t            *testing.T
	c            *cluster.Cluster
	plainAddress string
	plain, proxy *gomysql.Conn
}

// start starts both, with the database d.
func start(t *testing.T, config string) *pair {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: config})
	c.StartProxy()
	s := cluster.PlainServer(t, cluster.Engine(t))
	p := &pair{t: t, c: c, plainAddress: s.Address()}
	for _, address := range []string{p.plainAddress, c.Listen} {
		must(t, dial(t, address, ""), "CREATE DATABASE d")
	}
	p.connect()
	return p
}

// connect gives the pair fresh connections.
func (p *pair) connect() {
	p.plain, p.proxy = dial(p.t, p.plainAddress, "d"), dial(p.t, p.c.Listen, "d")
}

// TestScratch runs what needs no settings of its own.
func TestScratch(t *testing.T) {
	p := filled(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *pair)
	}{
		{"queries", testQueries}, {"transactions", testTransactions}, {"state", testState}, {"off", testOff}, {"kill", testKill},
		{"cursor", testCursor}, {"types", testTypes}, {"more than a packet", testMoreThanAPacket},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, p.of(t)) })
	}
}

// of is the pair for a subtest, with connections of its own.
func (p *pair) of(t *testing.T) *pair {
	own := *p
	own.t = t
	own.connect()
	return &own
}

// filled is start with the tables and their rows.
func filled(t *testing.T) *pair {
	t.Helper()
	p := start(t, rules)
	for _, sql := range append(slices.Clone(tables), rows()...) {
		p.both(sql)
	}
	return p
}

func dial(t *testing.T, address, database string) *gomysql.Conn {
	t.Helper()
	conn, err := gomysql.Connect(address, cluster.User, cluster.Password, database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func must(t *testing.T, conn *gomysql.Conn, sql string) *mysql.Result {
	t.Helper()
	r, err := conn.Execute(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return r
}

// both runs a statement on both servers; it must succeed.
func (p *pair) both(sql string) {
	p.t.Helper()
	must(p.t, p.plain, sql)
	must(p.t, p.proxy, sql)
}

// answer is everything that a client sees of a statement.
type answer struct {
	code     uint16
	message  string
	columns  []string
	rows     []string
	warnings []string
	status   uint16
}

// planFlags (of keys, of AUTO_INCREMENT, of numbers) come and go where a server sorts or groups by way of a temporary table of its
// own, which it chooses by the statistics that it happens to have.
const planFlags = mysql.PRI_KEY_FLAG | mysql.UNIQUE_KEY_FLAG | mysql.AUTO_INCREMENT_FLAG | mysql.PART_KEY_FLAG | 0x9008

func ask(t *testing.T, conn *gomysql.Conn, sql string, ordered, prepared bool, args ...any) answer {
	t.Helper()
	var r *mysql.Result
	var err error
	if prepared {
		var st *gomysql.Stmt
		if st, err = conn.Prepare(sql); err == nil {
			r, err = st.Execute(args...)
			err = errors.Join(err, st.Close())
		}
	} else {
		r, err = conn.Execute(sql)
	}
	var me *mysql.MyError
	if errors.As(err, &me) {
		return answer{code: me.Code, message: me.Message}
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	a := answer{status: r.Status & mysql.SERVER_STATUS_IN_TRANS}
	if r.Resultset == nil {
		return a
	}
	for _, f := range r.Fields {
		if len(f.OrgTable) == 0 {
			f.OrgName = nil // of an expression it is named where the server's plan has a temporary table
		}
		a.columns = append(a.columns, fmt.Sprintf("%s.%s.%s.%s.%s type %d flags %x charset %d decimals %d length %d",
			f.Schema, f.Table, f.OrgTable, f.Name, f.OrgName, f.Type, f.Flag&^planFlags, f.Charset, f.Decimal, f.ColumnLength))
	}
	for i := range r.Values {
		var row []string
		for j := range r.Fields {
			v := r.Values[i][j].Value()
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			row = append(row, fmt.Sprintf("%#v", v))
		}
		a.rows = append(a.rows, strings.Join(row, "|"))
	}
	if !ordered {
		slices.Sort(a.rows)
	}
	if r.Warnings > 0 {
		w := must(t, conn, "SHOW WARNINGS")
		for i := range w.Values {
			a.warnings = append(a.warnings, fmt.Sprintf("%s %s %s", w.Values[i][0].AsString(), fmt.Sprint(w.Values[i][1].Value()), w.Values[i][2].AsString()))
		}
	}
	return a
}

// same asks both, as text and prepared, and compares everything.
func (p *pair) same(sql string, args ...any) {
	p.t.Helper()
	ordered := strings.HasPrefix(sql, "/*o*/ ")
	sql = strings.TrimPrefix(sql, "/*o*/ ")
	for _, prepared := range []bool{false, true} {
		if !prepared && len(args) > 0 {
			continue
		}
		want := ask(p.t, p.plain, sql, ordered, prepared, args...)
		got := ask(p.t, p.proxy, sql, ordered, prepared, args...)
		if cluster.Engine(p.t) == localdb.MySQL && got.code == 1235 && strings.Contains(got.message, "MySQL cannot open a temporary table twice") {
			continue
		}
		if d := want.differs(got); d != "" {
			p.t.Errorf("%s %v (prepared: %v)\n%s", sql, args, prepared, d)
		}
	}
}

// firstDifference shows where two lists of rows part.
func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		var a, b string
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			at := 0
			for at < min(len(a), len(b)) && a[at] == b[at] {
				at++
			}
			from := max(0, at-40)
			return fmt.Sprintf("%d and %d, row %d\n plain …%q\n proxy …%q", len(want), len(got), i, a[from:min(len(a), at+80)], b[from:min(len(b), at+80)])
		}
	}
	return ""
}

func (want answer) differs(got answer) string {
	var d []string
	if want.code != got.code {
		d = append(d, fmt.Sprintf("error: plain %d %s, proxy %d %s", want.code, want.message, got.code, got.message))
	}
	if !slices.Equal(want.columns, got.columns) {
		d = append(d, fmt.Sprintf("columns:\n plain %s\n proxy %s", strings.Join(want.columns, "\n       "), strings.Join(got.columns, "\n       ")))
	}
	if !slices.Equal(want.rows, got.rows) {
		d = append(d, "rows: "+firstDifference(want.rows, got.rows))
	}
	if !slices.Equal(want.warnings, got.warnings) {
		d = append(d, fmt.Sprintf("warnings:\n plain %q\n proxy %q", want.warnings, got.warnings))
	}
	if want.status != got.status {
		d = append(d, fmt.Sprintf("status: plain %x, proxy %x", want.status, got.status))
	}
	return strings.Join(d, "\n")
}
