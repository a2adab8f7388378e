package merging

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// schemas places the tables: events is sharded by its account, so that groups by anything else lie on several shards.
const schemas = `schemas:
  - name: d
    tables:
      - {name: events, shard_key: account}
      - {name: account, shard_key: id}
      - {name: kind, kind: global}
`

// world is the two servers that are asked.
type world struct {
	plain, proxy *gomysql.Conn
	mysql        bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: schemas})
	c.StartProxy()
	plain := cluster.PlainServer(t, cluster.Engine(t))
	for _, address := range []string{plain.Address(), c.Listen} {
		exec(t, dial(t, address, ""), "CREATE DATABASE d")
	}
	w := &world{plain: dial(t, plain.Address(), "d"), proxy: dial(t, c.Listen, "d"), mysql: cluster.Engine(t) == localdb.MySQL}
	for _, sql := range definitions() {
		w.both(t, sql)
	}
	return w
}

// both runs a statement on both.
func (w *world) both(t *testing.T, sql string) {
	t.Helper()
	exec(t, w.plain, sql)
	exec(t, w.proxy, sql)
}

// TestMerging shares one pair of servers, which cost more to start than to ask.
func TestMerging(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]func(*testing.T, *world){
		"groups": testGroups, "order": testOrder, "strict GROUP BY": testStrictly, "found rows": testFoundRows, "composed": testComposed, "bound": testBound, "inside": testInside, "random": testRandom, "limits": testLimits,
	} {
		t.Run(name, func(t *testing.T) { test(t, w) })
	}
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

func exec(t *testing.T, c *gomysql.Conn, sql string) {
	t.Helper()
	if _, err := c.Execute(sql); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
}

// answer is all that a client sees.
type answer struct {
	code     uint16
	message  string
	columns  []string
	rows     []string
	warnings []string // their codes
	said     []string // their messages, for the report only
}

const refused = 1235

// ask runs a statement. Unordered answers are put in an order of their own.
func ask(t *testing.T, c *gomysql.Conn, sql string, ordered bool, args ...any) answer {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r, err := c.Execute(sql, args...)
	var me *mysql.MyError
	if errors.As(err, &me) {
		return answer{code: me.Code, message: me.Message}
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	var a answer
	for _, f := range r.Fields {
		kind, length, decimals := f.Type, f.ColumnLength, f.Decimal
		if kind == mysql.MYSQL_TYPE_STRING || kind == mysql.MYSQL_TYPE_VAR_STRING {
			// These depend on whether the server made a temporary table.
			kind, decimals = mysql.MYSQL_TYPE_VAR_STRING, 0
		}
		if len(f.OrgTable) == 0 { // so do these, on MySQL
			f.OrgName = nil
			if kind == mysql.MYSQL_TYPE_LONG || kind == mysql.MYSQL_TYPE_YEAR {
				kind = mysql.MYSQL_TYPE_LONGLONG
			}
			if name := string(f.Name); name == "YEAR(dt)" || name == "MONTH(dt)" || kind == mysql.MYSQL_TYPE_DOUBLE {
				length = 0 // and these, on MariaDB
			}
		}
		a.columns = append(a.columns, fmt.Sprintf("%s.%s.%s type %d length %d flags %x charset %d decimals %d", f.OrgTable, f.Name, f.OrgName, kind, length,
			f.Flag&(mysql.NOT_NULL_FLAG|mysql.UNSIGNED_FLAG), f.Charset, decimals))
	}
	for i := range r.Values {
		var row []string
		for j := range r.Fields {
			text := "NULL"
			if r.Values[i][j].Value() != nil {
				if text, err = r.GetString(i, j); err != nil {
					t.Fatal(err)
				}
			}
			row = append(row, text)
		}
		a.rows = append(a.rows, strings.Join(row, "|"))
	}
	if !ordered {
		slices.Sort(a.rows)
	}
	w, err := c.Execute("SHOW WARNINGS")
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.Values {
		code, _ := w.GetInt(i, 1)
		message, _ := w.GetString(i, 2)
		a.warnings, a.said = append(a.warnings, fmt.Sprint(code)), append(a.said, message)
	}
	slices.Sort(a.warnings)
	return a
}

// compare asks both servers.
func (w *world) compare(t *testing.T, sql string, args ...any) {
	t.Helper()
	ordered := strings.Contains(sql, "ORDER BY") && !strings.Contains(sql, "OVER ") || strings.HasSuffix(sql, "/* ordered */")
	got := ask(t, w.proxy, sql, ordered, args...)
	want := ask(t, w.plain, sql, ordered, args...)
	if w.mysql {
		if got.code == refused && strings.Contains(sql, "AVG(") {
			return // which has more digits than a quotient there
		}
		noZeroDates := func(code string) bool { return code == "1292" } // of temporary tables that MySQL fills with '0000-00-00' at first
		want.warnings, got.warnings = slices.DeleteFunc(want.warnings, noZeroDates), slices.DeleteFunc(got.warnings, noZeroDates)
	}
	if got.code == refused && want.code != refused {
		t.Errorf("%s\nrefused: %s", sql, got.message)
		return
	}
	if got.code != want.code {
		t.Errorf("%s\nerror: plain %d %s, proxy %d %s", sql, want.code, want.message, got.code, got.message)
	}
	if !slices.Equal(want.columns, got.columns) {
		t.Errorf("%s\ncolumns:\n  %s\nproxy\n  %s", sql, strings.Join(want.columns, "\n  "), strings.Join(got.columns, "\n  "))
	}
	if !slices.Equal(want.rows, got.rows) {
		t.Errorf("%s\nrows (%d, %d):\n plain %q\n proxy %q", sql, len(want.rows), len(got.rows), want.rows, got.rows)
	}
	if !slices.Equal(want.warnings, got.warnings) {
		t.Errorf("%s\nwarnings: plain %v, proxy %v: %q and %q", sql, want.warnings, got.warnings, want.said, got.said)
	}
}
