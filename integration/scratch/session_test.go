package scratch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"
	driver "github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

const crossed = "SELECT COUNT(*), SUM(o.total) FROM customer c JOIN orders o ON o.customer_id = c.id"

// testTransactions: a transaction sees its own changes, and nobody else's; its locks are taken where the rows are.
func testTransactions(t *testing.T, p *pair) {
	for _, change := range []string{"BEGIN", "UPDATE orders SET total = total + 1000 WHERE id < 9", "DELETE FROM customer WHERE id = 4", "INSERT INTO region VALUES (9, 'new')"} {
		p.both(change)
	}
	p.same(crossed)
	p.same("SELECT r.id, COUNT(c.id) FROM region r LEFT JOIN customer c ON c.region = r.id GROUP BY r.id")
	p.same("SELECT n.body, j.id FROM note n JOIN job j ON j.note_k = n.k")
	other := dial(t, p.c.Listen, "d")
	before := must(t, other, crossed)
	p.both("ROLLBACK")
	p.same(crossed)
	if after := must(t, p.proxy, crossed); fmt.Sprint(text(before)) != fmt.Sprint(text(after)) {
		t.Errorf("another session saw %v in the transaction, %v without", text(before), text(after))
	}
	p.both("SET autocommit = 0")
	p.same(crossed)
	p.both("INSERT INTO job VALUES (77, 1)")
	p.same("SELECT n.body, j.id FROM note n JOIN job j ON j.note_k = n.k")
	p.both("ROLLBACK")
	p.both("SET autocommit = 1")

	// Locks: the rows that the conditions on the tables leave, and no others.
	must(t, p.proxy, "BEGIN")
	must(t, p.proxy, "SELECT o.id FROM customer c JOIN orders o ON o.customer_id = c.id WHERE o.id = 3 FOR UPDATE")
	must(t, other, "SET innodb_lock_wait_timeout = 1")
	if _, err := other.Execute("UPDATE orders SET total = 0 WHERE id = 3"); !isError(err, 1205) {
		t.Errorf("a row that FOR UPDATE locked was changed by another session: %v", err)
	}
	must(t, other, "UPDATE orders SET total = total WHERE id = 5")
	must(t, p.proxy, "COMMIT")
	must(t, other, "UPDATE orders SET total = total WHERE id = 3")
}

func text(r *mysql.Result) (rows []string) {
	for i := range r.Values {
		for j := range r.Values[i] {
			v, err := r.GetString(i, j)
			rows = append(rows, fmt.Sprint(v, err))
		}
	}
	return rows
}

func isError(err error, code uint16) bool {
	var me *mysql.MyError
	return errors.As(err, &me) && me.Code == code
}

// testState: what sessions keep is what it would be on one server, before and after.
func testState(t *testing.T, p *pair) {
	p.both("SET @x = 30, @y = 7")
	p.same("SELECT o.id FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.total > @x AND c.id < @y")
	p.both("SELECT COUNT(*), MAX(c.name) FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.total > 50 INTO @x, @y")
	p.same("SELECT @x, @y")
	p.both("SET @n = 0")
	p.same("SELECT @n := @n + 1 AS n FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.id > 7")
	p.same("SELECT @n")
	p.both("SET @top = (SELECT MAX(o.total) FROM orders o JOIN customer c ON c.id = o.customer_id)")
	p.same("SELECT @top")
	p.both("SELECT SQL_CALC_FOUND_ROWS o.id FROM orders o JOIN customer c ON c.id = o.customer_id LIMIT 3")
	p.same("SELECT FOUND_ROWS(), ROW_COUNT()")
	p.both("SELECT o.id FROM orders o JOIN customer c ON c.id = o.customer_id LIMIT 3")
	p.same("SELECT FOUND_ROWS(), ROW_COUNT()")
	p.both("SET sql_select_limit = 2")
	p.same("/*o*/ SELECT o.id FROM orders o JOIN customer c ON c.id = o.customer_id ORDER BY o.id")
	p.both("SET sql_select_limit = DEFAULT")
	p.both("INSERT INTO orders (customer_id, total) VALUES (3, 7)")
	p.same("SELECT c.id, LAST_INSERT_ID() = o.id FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.total = 7")
	p.both("SET timestamp = 1700000000, time_zone = '+03:00', lc_time_names = 'de_DE'")
	p.same("SELECT o.id, NOW(), MONTHNAME(o.day) FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.day < NOW()")
	p.both("SET timestamp = DEFAULT, sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'")
	p.same(`SELECT o."id", c."name" || '!' FROM "orders" o JOIN customer c ON c.id = o.customer_id WHERE c.name = 'Name a' AND o.total > 5 || 0`)
	p.both("SET group_concat_max_len = 20")
	p.same("SELECT LENGTH(GROUP_CONCAT(o.id)) FROM orders o JOIN customer c ON c.id = o.customer_id")
	p.both("USE d")
	p.same("SELECT o.id FROM d.orders o JOIN d.customer c ON c.id = o.customer_id WHERE d.o.id = 3")
	p.same("SELECT d.orders.id FROM d.orders, d.customer WHERE d.customer.id = d.orders.customer_id")
	p.both("DO (SELECT COUNT(*) FROM orders o JOIN customer c ON c.id = o.customer_id)")
}

// testOff: the session says no, and hears what needs it.
func testOff(t *testing.T, p *pair) {
	must(t, p.proxy, "SET lockstep_scratch = OFF")
	_, err := p.proxy.Execute(crossed)
	if !isError(err, 1235) || !strings.Contains(err.Error(), "lockstep_scratch is OFF") || !strings.Contains(err.Error(), "customer and orders are not joined by their shard keys") {
		t.Errorf("switched off, the query gets %v", err)
	}
	must(t, p.proxy, "SELECT c.id FROM customer c JOIN region r ON r.id = c.region")
	must(t, p.proxy, "SET lockstep_scratch = DEFAULT")
	must(t, p.proxy, "CREATE FUNCTION f (n INT) RETURNS INT DETERMINISTIC NO SQL RETURN n")
	if _, err := p.proxy.Execute(crossed + " WHERE f(c.id) = 1"); !isError(err, 1235) || !strings.Contains(err.Error(), "stored function") {
		t.Errorf("a stored function gets %v", err)
	}
	p.same(crossed)
	explain := strings.Join(text(must(t, p.proxy, "EXPLAIN LOCKSTEP "+crossed+" WHERE c.id = 5 AND o.total > 20")), "\n")
	for _, want := range []string{"load", "scratch", "`customer_id`", "`total` > 20", "not joined by their shard keys"} {
		if !strings.Contains(explain, want) {
			t.Errorf("EXPLAIN LOCKSTEP says nothing of %s:\n%s", want, explain)
		}
	}
}

// TestLimits: limits of the rows of one statement, and of statements.
func TestLimits(t *testing.T) {
	p := start(t, rules+"limits: {max_scratch_rows: 110, max_scratch_bytes: 1048576, max_scratch_statements: 2}\n")
	for _, sql := range append(tables[:len(tables):len(tables)], rows()...) {
		p.both(sql)
	}
	t.Run("concurrent", func(t *testing.T) { testConcurrent(t, p.of(t)) })
	t.Run("size", func(t *testing.T) { testSize(t, p.of(t)) })
}

// testSize: a statement that needs too much ends with an error that names the setting, and its session goes on.
func testSize(t *testing.T, p *pair) {
	for _, in := range []string{"", "BEGIN", "COMMIT"} {
		if in != "" {
			p.both(in)
		}
		_, err := p.proxy.Execute("SELECT COUNT(*) FROM item i, orders o WHERE o.customer_id + 0 = i.line")
		if !isError(err, 1104) || !strings.Contains(err.Error(), "limits.max_scratch_rows") {
			t.Errorf("too many rows get %v", err)
		}
		p.same("SELECT c.name, o.total FROM customer c JOIN orders o ON o.customer_id = c.id WHERE o.id < 20")
	}
	p.both("CREATE TABLE big (id INT PRIMARY KEY, b LONGTEXT)")
	for i := range 4 {
		p.both(fmt.Sprintf("INSERT INTO big VALUES (%d, REPEAT('x', 400000))", i))
	}
	_, err := p.proxy.Execute("SELECT a.id FROM big a JOIN orders o ON o.customer_id = a.id WHERE a.b LIKE 'x%'")
	if !isError(err, 1104) || !strings.Contains(err.Error(), "limits.max_scratch_bytes") {
		t.Errorf("too many bytes get %v", err)
	}
	p.same("SELECT a.id FROM big a JOIN orders o ON o.customer_id = a.id WHERE a.id < 3 AND o.id < 9")
}

// endless takes longer than any test waits.
const endless = "SELECT COUNT(*) FROM item a, orders b, customer c, note d, job e, region f WHERE BENCHMARK(1000, SHA2(a.line, 256)) + a.line + b.total + c.id + d.k + e.id + f.id < 0"

// testKill: a KILL QUERY ends the query wherever it is, and leaves session and transaction alone.
func testKill(t *testing.T, p *pair) {
	must(t, p.proxy, "BEGIN")
	must(t, p.proxy, "UPDATE orders SET total = 5 WHERE id = 1")
	killer := dial(t, p.c.Listen, "d")
	for _, slow := range []string{
		"SELECT COUNT(*) FROM customer a JOIN orders o ON o.customer_id = a.id WHERE SLEEP(0.5) = 0",
		endless,
	} {
		timer := time.AfterFunc(700*time.Millisecond, func() {
			if _, err := killer.Execute(fmt.Sprintf("KILL QUERY %d", p.proxy.GetConnectionID())); err != nil {
				t.Errorf("KILL QUERY: %v", err)
			}
		})
		began := time.Now()
		_, err := p.proxy.Execute(slow)
		timer.Stop()
		if !isError(err, 1317) || time.Since(began) > 10*time.Second {
			t.Errorf("%s: %v after %v", slow, err, time.Since(began))
		}
	}
	// What was killed is over: the next command is not.
	if st, err := p.proxy.Prepare("SELECT n.body, j.id FROM note n JOIN job j ON j.note_k = n.k"); err != nil {
		t.Errorf("prepare after a KILL QUERY: %v", err)
	} else if err := st.Close(); err != nil {
		t.Error(err)
	}
	limit, none, code := "SET max_statement_time = 0.5", "SET max_statement_time = 0", uint16(1969)
	if cluster.Engine(t) == localdb.MySQL {
		limit, none, code = "SET max_execution_time = 500", "SET max_execution_time = 0", 3024
	}
	must(t, p.proxy, limit)
	if _, err := p.proxy.Execute(endless); !isError(err, code) {
		t.Errorf("the time limit gives %v", err)
	}
	must(t, p.proxy, none)
	if got := text(must(t, p.proxy, "SELECT total FROM orders WHERE id = 1")); got[0] != "5.00<nil>" {
		t.Errorf("the transaction lost its change: %v", got)
	}
	must(t, p.proxy, "COMMIT")
}

// testConcurrent: many sessions at once, more than may use the scratch server, each with its own answer; nothing is left behind.
func testConcurrent(t *testing.T, p *pair) {
	want := make([]string, 8)
	query := func(i int) string {
		return fmt.Sprintf("SELECT COUNT(*), SUM(o.total) FROM customer c JOIN orders o ON o.customer_id = c.id WHERE o.id > %d", i*4)
	}
	for i := range want {
		want[i] = fmt.Sprint(text(must(t, p.plain, query(i))))
	}
	var wait sync.WaitGroup
	for i := range want {
		conn := dial(t, p.c.Listen, "d")
		wait.Go(func() {
			for range 10 {
				r, err := conn.Execute(query(i))
				if err != nil {
					t.Errorf("%s: %v", query(i), err)
					return
				}
				if got := fmt.Sprint(text(r)); got != want[i] {
					t.Errorf("%s: %s, want %s", query(i), got, want[i])
				}
			}
		})
	}
	wait.Wait()
	// A temporary table that were left on a connection would be in the way of the next, or stand for the table.
	p.both("INSERT INTO region VALUES (50, 'late')")
	for range 6 {
		for _, in := range []string{"BEGIN", "COMMIT"} {
			p.both(in)
			p.same("SELECT r.id, COUNT(c.id) FROM region r LEFT JOIN customer c ON c.region = r.id GROUP BY r.id")
		}
		p.both("UPDATE region SET id = id + 1 WHERE id >= 50")
	}
}

// testCursor: rows are fetched piece by piece.
func testCursor(t *testing.T, p *pair) {
	db, err := sql.Open("mysql", p.c.DSN("d"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st, err := db.PrepareContext(context.Background(), "SELECT o.id FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.id > ?")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, from := range []int{0, 20, 99} {
		rows, err := st.Query(from)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		want := text(must(t, p.plain, fmt.Sprintf("SELECT COUNT(*) FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.id > %d", from)))
		if fmt.Sprintf("%d<nil>", n) != want[0] {
			t.Errorf("from %d: %d rows, want %v", from, n, want)
		}
	}
	var me *driver.MySQLError
	if _, err := st.Query("x"); errors.As(err, &me) && me.Number != 1292 {
		t.Errorf("a parameter of another type gets %v", err)
	}
}
