package introspection

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	gomysql "github.com/go-mysql-org/go-mysql/client"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// rows are an answer's rows as lines; an error fails the test.
func (p *pair) shown(sql string) []string {
	p.t.Helper()
	return linesOf(p.t, p.proxy, sql)
}

func linesOf(t *testing.T, conn *gomysql.Conn, sql string) []string {
	t.Helper()
	a := ask(t, conn, sql, false)
	if a.code != 0 {
		t.Fatalf("%s: %d %s", sql, a.code, a.message)
	}
	var lines []string
	for _, r := range a.rows {
		lines = append(lines, strings.Join(r, "|"))
	}
	return lines
}

func (p *pair) want(sql string, lines ...string) {
	p.t.Helper()
	if got := p.shown(sql); !slices.Equal(got, lines) {
		p.t.Errorf("%s:\n  %s\nwant\n  %s", sql, strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
	}
}

func TestShows(t *testing.T) {
	p, c := start(t)
	t.Run("maintenance", func(t *testing.T) {
		p.t = t
		for _, q := range []string{
			"CHECKSUM TABLE customer, orders, country, setting, nothing", "ANALYZE TABLE customer, setting, country", "CHECK TABLE orders, customer", "CHECK TABLE nothing",
			"OPTIMIZE TABLE orders", "ANALYZE NO_WRITE_TO_BINLOG TABLE shop.orders", "REPAIR TABLE customer",
		} {
			p.same(question{sql: q})
		}
	})
	t.Run("a view whose rows no shard can make", func(t *testing.T) {
		p.t = t
		execute(t, p.proxy, "CREATE VIEW joined AS SELECT c.id, o.total AS order_id FROM customer c JOIN orders o ON o.customer_id = c.id + 1")
		defer execute(t, p.proxy, "DROP VIEW joined")
		p.want("SELECT TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'joined'", "VIEW")
		p.want("SELECT IS_UPDATABLE FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'joined'", "YES")
		p.want("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'joined' ORDER BY ORDINAL_POSITION", "id", "order_id")
	})
	t.Run("variables", func(t *testing.T) {
		p.t = t
		execute(t, p.proxy, "SET autocommit = 0, wait_timeout = 77, sort_buffer_size = 300000")
		p.want("SHOW VARIABLES LIKE 'autocommit'", "autocommit|OFF")
		p.want("SHOW SESSION VARIABLES WHERE Variable_name IN ('autocommit', 'wait_timeout', 'sort_buffer_size', 'lockstep_pipelining')",
			"autocommit|OFF", "lockstep_pipelining|ON", "sort_buffer_size|300000", "wait_timeout|77")
		p.want("SHOW VARIABLES WHERE Value = 'OFF' AND Variable_name LIKE 'autoc%'", "autocommit|OFF")
		p.want("SHOW VARIABLES WHERE Value = 'ON' AND Variable_name = 'lockstep_pipelining'", "lockstep_pipelining|ON")
		p.want("SHOW GLOBAL VARIABLES LIKE 'autocommit'", "autocommit|ON")
		p.want("SHOW GLOBAL VARIABLES LIKE 'lockstep%'")
		p.want("SHOW VARIABLES LIKE 'max\\_allowed\\_packet'", "max_allowed_packet|"+p.shown("SELECT @@max_allowed_packet")[0])
		if n := len(p.shown("SHOW VARIABLES")); n < 300 {
			t.Errorf("SHOW VARIABLES has %d rows", n)
		}
		execute(t, p.proxy, "SET autocommit = 1")
	})
	t.Run("status", func(t *testing.T) {
		p.t = t
		p.want("SHOW STATUS LIKE 'Threads_connected'", "Threads_connected|1")
		p.want("SHOW GLOBAL STATUS WHERE Variable_name = 'Threads_running'", "Threads_running|1")
		p.want("SHOW STATUS WHERE Value = '1' AND Variable_name LIKE 'Threads_conn%'", "Threads_connected|1")
		before := p.shown("SHOW STATUS LIKE 'Questions'")[0]
		after := p.shown("SHOW STATUS LIKE 'Questions'")[0]
		if b, a := counter(t, before), counter(t, after); a != b+1 {
			t.Errorf("Questions went from %d to %d", b, a)
		}
		if n := len(p.shown("SHOW GLOBAL STATUS")); n < 200 {
			t.Errorf("SHOW GLOBAL STATUS has %d rows", n)
		}
	})
	t.Run("process list", func(t *testing.T) {
		p.t = t
		id := p.shown("SELECT CONNECTION_ID()")[0]
		got := p.shown("SHOW FULL PROCESSLIST")
		if len(got) != 1 || !strings.HasPrefix(got[0], id+"|"+cluster.User+"|127.0.0.1:") || !strings.HasSuffix(got[0], "|shop|Query|0||SHOW FULL PROCESSLIST") {
			t.Errorf("SHOW FULL PROCESSLIST: %q", got)
		}
		p.want("SELECT ID, USER, DB, COMMAND FROM information_schema.PROCESSLIST", id+"|"+cluster.User+"|shop|Query")
		p.want("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()", "1")
	})
	t.Run("one server", func(t *testing.T) {
		p.t = t
		for _, q := range []string{
			"SHOW MASTER STATUS", "SHOW REPLICA STATUS", "SHOW SLAVE STATUS", "SHOW BINARY LOGS", "SHOW ENGINE INNODB STATUS", "SHOW OPEN TABLES",
			"SHOW GRANTS FOR root", "SHOW CREATE USER app", "SELECT * FROM information_schema.tables, customer",
		} {
			if a := ask(t, p.proxy, q, false); a.code != 1235 {
				t.Errorf("%s: %d %s, want to be refused", q, a.code, a.message)
			}
		}
		if a := ask(t, p.proxy, "SHOW /*+ shard(s2) */ ENGINE INNODB STATUS", false); a.code != 0 || len(a.rows) != 1 {
			t.Errorf("SHOW ENGINE of a named shard: %d %s", a.code, a.message)
		}
		p.want("SHOW GRANTS FOR CURRENT_USER()", "GRANT ALL PRIVILEGES ON *.* TO 'app'@'%'")
	})
	t.Run("next ids", func(t *testing.T) {
		p.t = t
		for _, conn := range []*gomysql.Conn{p.plain, p.proxy} {
			execute(t, conn, "INSERT INTO customer (name) VALUES ('Fay'), ('Gus')")
		}
		p.same(question{sql: "SELECT AUTO_INCREMENT FROM information_schema.tables WHERE table_schema = 'shop' AND table_name = 'customer'"})
		p.same(question{sql: "SHOW CREATE TABLE customer"})
		for _, conn := range []*gomysql.Conn{p.plain, p.proxy} {
			execute(t, conn, "INSERT INTO customer (id, name) VALUES (1000, 'Hal')")
		}
		p.same(question{sql: "SHOW CREATE TABLE customer"})
	})
	t.Run("set statement", func(t *testing.T) {
		if p.engine != localdb.MariaDB {
			t.Skip("MySQL has no SET STATEMENT")
		}
		p.t = t
		for _, q := range []string{
			"SET STATEMENT max_statement_time = 10 FOR SELECT COUNT(*) FROM orders", "SET STATEMENT sql_mode = 'ANSI_QUOTES', group_concat_max_len = 5 FOR SELECT GROUP_CONCAT(name ORDER BY name) AS \"n\" FROM country",
			"SET STATEMENT sort_buffer_size = 200000 FOR SELECT @@sort_buffer_size", "SELECT @@sql_mode", "SET STATEMENT nothing = 1 FOR SELECT 1", "SET STATEMENT sort_buffer_size = 1",
		} {
			p.same(question{sql: q, columns: true})
		}
	})
	t.Run("own database", func(t *testing.T) {
		p.t = t
		for _, q := range []string{"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'lockstep'", "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'lockstep'"} {
			p.want(q, "0")
		}
		other := c.AddProxy(cluster.ProxyOptions{})
		other.Start()
		conn, err := gomysql.Connect(other.Listen, cluster.User, cluster.Password, "shop")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// Another proxy does not know which ids this one has in its memory: what it tells is never less.
		a := ask(t, conn, "SELECT AUTO_INCREMENT FROM information_schema.tables WHERE table_schema = 'shop' AND table_name = 'customer'", false)
		if len(a.rows) != 1 || counter(t, "x|"+a.rows[0][0]) < 1001 {
			t.Errorf("next id through another proxy: %v %s", a.rows, a.message)
		}
	})
}

func execute(t *testing.T, conn *gomysql.Conn, sql string) {
	t.Helper()
	if _, err := conn.Execute(sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func counter(t *testing.T, line string) int {
	t.Helper()
	_, value, _ := strings.Cut(line, "|")
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatal(fmt.Errorf("counter in %q: %w", line, err))
	}
	return n
}
