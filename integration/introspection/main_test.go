package introspection

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

// schemas: tables of every kind, one of them away from the first shard.
const schemas = `
schemas:
  - name: shop
    tables:
      - {name: country, kind: global}
      - {name: setting, kind: single, shard: s2}
      - {name: customer, shard_key: id}
      - {name: orders, shard_key: customer_id}
`

var definitions = []string{
	"CREATE TABLE country (code CHAR(2) PRIMARY KEY, name VARCHAR(40) NOT NULL COMMENT 'in English') COMMENT='where they live'",
	"CREATE TABLE customer (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL DEFAULT 'nobody', country_code CHAR(2), balance DECIMAL(12,2) UNSIGNED, photo BLOB, born DATE, vip TINYINT(1) NOT NULL DEFAULT 0, " +
		"seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, note TEXT CHARACTER SET latin1, kind ENUM('a','b') DEFAULT 'a', tags SET('x','y'), initial CHAR(1) AS (LEFT(name, 1)) STORED, " +
		"KEY by_country (country_code, name(10)), CONSTRAINT in_country FOREIGN KEY (country_code) REFERENCES country (code) ON DELETE SET NULL ON UPDATE CASCADE, CONSTRAINT rich CHECK (balance >= 0))",
	"CREATE TABLE orders (customer_id INT NOT NULL, number BIGINT UNSIGNED NOT NULL, total DOUBLE, placed DATETIME(3), PRIMARY KEY (customer_id, number), UNIQUE KEY one_a_day (customer_id, placed), KEY by_total (total), " +
		"CONSTRAINT of_customer FOREIGN KEY (customer_id) REFERENCES customer (id))",
	"CREATE TABLE setting (name VARCHAR(20) PRIMARY KEY, value VARCHAR(50))",
	"INSERT INTO country VALUES ('DE', 'Germany'), ('FR', 'France'), ('JP', 'Japan')",
	"INSERT INTO customer (name, country_code, balance, seen) VALUES ('Anna', 'DE', 1, '2024-01-01'), ('Ben', 'FR', 2, '2024-01-01'), ('Cleo', 'JP', 3, '2024-01-01'), ('Dan', NULL, 4, '2024-01-01'), ('Eve', 'DE', 5, '2024-01-01')",
	"INSERT INTO orders VALUES (1, 1, 1.5, '2024-01-01'), (1, 2, 2.5, '2024-01-02'), (2, 1, 3.5, NULL), (3, 1, 4.5, NULL), (5, 1, 5.5, NULL)",
	"INSERT INTO setting VALUES ('color', 'red')",
}

// pair is a connection to each of the two.
type pair struct {
	t            *testing.T
	plain, proxy *gomysql.Conn
	engine       localdb.Engine
	differed     map[string]bool // columns that were let differ, and did
	asked        int
}

func start(t *testing.T, more ...string) (*pair, *cluster.Cluster) {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: schemas + strings.Join(more, "")})
	c.StartProxy()
	s := cluster.PlainServer(t, c.Shards[0].Engine)
	p := &pair{t: t, engine: s.Engine, differed: map[string]bool{}}
	for _, side := range []struct {
		conn    **gomysql.Conn
		address string
	}{{&p.plain, s.Address()}, {&p.proxy, c.Listen}} {
		conn, err := gomysql.Connect(side.address, cluster.User, cluster.Password, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		*side.conn = conn
		if p.engine == localdb.MySQL { // numbers as they are, not as they were a day ago
			execute(t, conn, "SET SESSION information_schema_stats_expiry = 0")
		}
		for _, d := range slices.Concat([]string{"CREATE DATABASE shop CHARACTER SET utf8mb4", "USE shop"}, definitions, []string{"ANALYZE TABLE country, customer, orders, setting"}) {
			if _, err := conn.Execute(d); err != nil {
				t.Fatalf("%s: %s: %v", side.address, d, err)
			}
		}
	}
	return p, c
}

// answer is what a client sees of one statement.
type answer struct {
	code    uint16 // of an error
	message string
	names   []string
	columns []string
	rows    [][]string
}

func ask(t *testing.T, conn *gomysql.Conn, sql string, prepared bool) answer {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var r *mysql.Result
	var err error
	if prepared {
		var st *gomysql.Stmt
		if st, err = conn.Prepare(sql); err == nil {
			r, err = st.Execute()
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
		t.Fatalf("%s (prepared: %t): %s: %v", conn.RemoteAddr(), prepared, sql, err)
	}
	var a answer
	for _, f := range r.Fields {
		a.names = append(a.names, string(f.Name))
		flags := f.Flag & (mysql.NOT_NULL_FLAG | mysql.UNSIGNED_FLAG)
		a.columns = append(a.columns, fmt.Sprintf("%s: %s.%s of %s type %d flags %x charset %d", f.Name, f.Schema, f.Table, f.OrgTable, f.Type, flags, f.Charset))
	}
	for i := range r.Values {
		row := make([]string, len(r.Fields))
		for j := range r.Fields {
			row[j] = "NULL"
			if r.Values[i][j].Value() != nil {
				if row[j], err = r.GetString(i, j); err != nil {
					t.Fatalf("%s (prepared: %t): %s: %v", conn.RemoteAddr(), prepared, sql, err)
				}
			}
		}
		a.rows = append(a.rows, row)
	}
	return a
}

// question is something that a tool asks.
type question struct {
	sql     string
	differ  string // columns whose values may differ, with blanks between
	any     bool   // the rows have no order that matters
	columns bool   // the columns' own definitions may differ
}

// same asks both sides.
func (p *pair) same(q question) {
	p.t.Helper()
	for _, prepared := range []bool{false, true} {
		p.asked++
		want, got := ask(p.t, p.plain, q.sql, prepared), ask(p.t, p.proxy, q.sql, prepared)
		how := "text"
		if prepared {
			how = "prepared"
		}
		if want.code == 1295 && prepared {
			continue // what cannot be prepared
		}
		if want.code != got.code {
			p.t.Errorf("%s: %s\n  plain %d %s\n  proxy %d %s", how, q.sql, want.code, want.message, got.code, got.message)
			return
		}
		if !slices.Equal(want.names, got.names) {
			p.t.Errorf("%s: %s\n  plain %q\n  proxy %q", how, q.sql, want.names, got.names)
			return
		}
		// MySQL's information_schema is made of views: where their columns come from, and so on, is from query to query another.
		if !q.columns && p.engine == localdb.MariaDB && !slices.Equal(want.columns, got.columns) {
			for i := range want.columns {
				if want.columns[i] != got.columns[i] {
					p.t.Errorf("%s: %s\n  plain %s\n  proxy %s", how, q.sql, want.columns[i], got.columns[i])
					break
				}
			}
		}
		a, b := p.rows(want, q), p.rows(got, q)
		if !slices.Equal(a, b) {
			p.t.Errorf("%s: %s\n  plain %d rows:\n    %s\n  proxy %d rows:\n    %s", how, q.sql, len(a), strings.Join(only(a, b), "\n    "), len(b), strings.Join(only(b, a), "\n    "))
		}
	}
}

// rows writes rows as lines, without what may differ.
func (p *pair) rows(a answer, q question) []string {
	hide := strings.Fields(q.differ)
	var lines []string
	for _, r := range a.rows {
		var line []string
		for i, v := range r {
			if !slices.ContainsFunc(hide, func(h string) bool { return strings.EqualFold(h, a.names[i]) }) {
				line = append(line, v)
			}
		}
		lines = append(lines, strings.Join(line, "|"))
	}
	// MySQL's plans for its views change with what it knows of its own tables, and rows without ORDER BY with them.
	if q.any || p.engine == localdb.MySQL && !strings.Contains(q.sql, "ORDER BY") && !strings.HasPrefix(q.sql, "SHOW") {
		slices.Sort(lines)
	}
	return lines
}

// only are the first lines that the other side has not, or that stand elsewhere there.
func only(a, b []string) []string {
	var list []string
	for i, l := range a {
		if (i >= len(b) || b[i] != l) && len(list) < 6 {
			list = append(list, l[:min(len(l), 600)])
		}
	}
	return list
}
