package merging

import (
	"fmt"
	"strings"
	"testing"
)

// ordered are statements whose rows are put in order, cut and made distinct.
var ordered = []string{
	"SELECT *, i + 1 FROM events ORDER BY account, id",
	"SELECT *, account AS a2 FROM events ORDER BY a2 DESC, id LIMIT 5",
	"SELECT i AS u, u AS i, account, id FROM events ORDER BY u, account, id",
	"SELECT i, i, i AS x, account, id FROM events ORDER BY x, account, id",
	"SELECT kind AS account, account AS kind, id FROM events ORDER BY account, kind, id",
	"SELECT account, id FROM events ORDER BY s, account, id",
	"SELECT account, id FROM events ORDER BY s DESC, l, b DESC, account, id",
	"SELECT account, id FROM events ORDER BY e, st DESC, account, id",
	"SELECT account, id, bits + 0 FROM events ORDER BY bits, account, id",
	"SELECT account, id FROM events ORDER BY fl, f, account, id",
	"SELECT account, id FROM events ORDER BY tm DESC, ts, dt, y, account, id",
	"SELECT account, id FROM events ORDER BY d IS NULL, d, account, id",
	"SELECT account, id FROM events ORDER BY i IS NULL DESC, -i, account, id LIMIT 10 OFFSET 20",
	"SELECT account, id FROM events ORDER BY account, id LIMIT 0",
	"SELECT account, id FROM events ORDER BY account, id LIMIT 3, 0",
	"SELECT account, id FROM events ORDER BY account, id LIMIT 1000000 OFFSET 1000000",
	"SELECT account, id FROM events ORDER BY account, id LIMIT 2, 18446744073709551615",
	"SELECT account, id FROM events ORDER BY account, id LIMIT 18446744073709551615",
	"SELECT SQL_CALC_FOUND_ROWS account, id FROM events ORDER BY account, id LIMIT 2",
	"SELECT COUNT(*) FROM events LIMIT 0",
	"SELECT kind, COUNT(*) FROM events GROUP BY kind ORDER BY kind LIMIT 0",
	"SELECT kind, COUNT(*) FROM events GROUP BY kind ORDER BY kind DESC LIMIT 1, 2",
	"SELECT kind, COUNT(*) n FROM events GROUP BY kind ORDER BY n DESC, kind LIMIT 2",
	"SELECT dt, kind, COUNT(*) FROM events GROUP BY dt, kind ORDER BY kind DESC, dt LIMIT 4",
	"SELECT dt, kind, COUNT(*) FROM events GROUP BY dt, kind ORDER BY kind, dt LIMIT 4, 3",
	"SELECT kind, dt, SUM(i) FROM events GROUP BY kind, dt ORDER BY COUNT(*) DESC, kind DESC, dt LIMIT 5",
	"SELECT i, COUNT(*) FROM events GROUP BY i ORDER BY i IS NULL, i",
	"SELECT e, COUNT(*) FROM events GROUP BY e ORDER BY e",
	"SELECT st, COUNT(*) FROM events GROUP BY st ORDER BY st DESC",
	"SELECT tm, COUNT(*), MAX(ts) FROM events GROUP BY tm ORDER BY tm DESC",
	"SELECT fl, COUNT(*) FROM events GROUP BY fl ORDER BY fl",
	"SELECT bits + 0, COUNT(*) FROM events GROUP BY bits + 0 ORDER BY 1",
	"SELECT u, COUNT(*), SUM(u) FROM events GROUP BY u ORDER BY u DESC",
	"SELECT LENGTH(s), COUNT(*) FROM events GROUP BY s ORDER BY s LIMIT 3",
	"SELECT COUNT(*) FROM events GROUP BY s ORDER BY s",
	"SELECT COUNT(*), MIN(b), MAX(b) FROM events GROUP BY s, b ORDER BY s, b DESC",
	"SELECT COUNT(*) FROM events GROUP BY kind HAVING kind < 3 ORDER BY kind LIMIT 1",
	"SELECT DISTINCT kind FROM events ORDER BY kind",
	"SELECT DISTINCT kind FROM events ORDER BY kind DESC LIMIT 2",
	"SELECT DISTINCT kind, i IS NULL FROM events ORDER BY 2, 1 LIMIT 3, 2",
	"SELECT DISTINCT dt FROM events ORDER BY dt",
	"SELECT DISTINCT b FROM events ORDER BY b LIMIT 2",
	"SELECT DISTINCT e FROM events ORDER BY e",
	"SELECT DISTINCT fl FROM events ORDER BY fl",
	"SELECT DISTINCT u, big FROM events ORDER BY 1, 2",
	"SELECT DISTINCT account FROM events ORDER BY account LIMIT 4",
	"SELECT DISTINCT kind + 1 AS k1 FROM events ORDER BY k1 DESC",
	"SELECT account FROM events ORDER BY 2",
	"SELECT account FROM events ORDER BY nothing",
	"SELECT nothing FROM events ORDER BY account",
	"SELECT kind, COUNT(*) FROM events GROUP BY 5",
	"SELECT kind, SUM(nothing) / 2 FROM events GROUP BY kind",
	"SELECT MIN(e), MAX(e), MIN(st), MAX(st) FROM events",
	"SELECT kind, MIN(e), MAX(st) FROM events GROUP BY kind ORDER BY kind",
	"SELECT MIN(y), MAX(y), MIN(fl), MAX(fl), MIN(tm), MAX(dt), MIN(ts), MAX(u), MIN(big), MIN(d) FROM events",
	"SELECT e.account, e.id, a.name FROM events e JOIN account a ON a.id = e.account ORDER BY a.name, e.account, e.id LIMIT 7",
	"SELECT a.id, e.id FROM account a LEFT JOIN events e ON a.id = e.account ORDER BY e.id, a.id LIMIT 20",
	"SELECT account, id FROM events WHERE account IN (1, 2, 3, 4) AND i IS NOT NULL ORDER BY i, account, id FOR UPDATE",
}

func testOrder(t *testing.T, w *world) {
	for _, sql := range ordered {
		w.compare(t, sql)
	}
}

// testStrictly: MySQL's default mode wants every column of a grouped query grouped or aggregated, hidden ones too.
func testStrictly(t *testing.T, w *world) {
	w.both(t, "SET @@sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO'")
	testOrder(t, w)
	testGroups(t, w)
	w.both(t, "SET @@sql_mode = DEFAULT")
}

// testFoundRows: FOUND_ROWS() counts groups that HAVING leaves.
func testFoundRows(t *testing.T, w *world) {
	for _, sql := range []string{
		"SELECT SQL_CALC_FOUND_ROWS kind FROM events GROUP BY kind ORDER BY kind LIMIT 1",
		"SELECT SQL_CALC_FOUND_ROWS kind FROM events GROUP BY kind HAVING COUNT(*) > 10 ORDER BY kind LIMIT 1",
		"SELECT SQL_CALC_FOUND_ROWS DISTINCT dt FROM events ORDER BY dt LIMIT 1",
		"SELECT SQL_CALC_FOUND_ROWS account FROM events ORDER BY account LIMIT 4, 2",
		"SELECT kind FROM events GROUP BY kind ORDER BY kind LIMIT 2",
	} {
		w.compare(t, sql)
		w.both(t, sql)
		want, got := ask(t, w.plain, "SELECT FOUND_ROWS()", true), ask(t, w.proxy, "SELECT FOUND_ROWS()", true)
		if want.rows[0] != got.rows[0] {
			t.Errorf("%s: found %s, proxy %s", sql, want.rows[0], got.rows[0])
		}
	}
}

// testLimits: a client's sql_select_limit cuts the answer, not the shards' parts, and what a LIMIT leaves unread harms nobody.
func testLimits(t *testing.T, w *world) {
	w.both(t, "SET sql_select_limit = 3")
	for _, sql := range []string{
		"SELECT COUNT(*) FROM (SELECT 1) x", "SELECT account, id FROM events ORDER BY account, id", "SELECT kind, COUNT(*) FROM events GROUP BY kind ORDER BY kind",
		"SELECT account, id FROM events ORDER BY account, id LIMIT 5", "SELECT account, id FROM events ORDER BY account, id LIMIT 5, 18446744073709551615",
		"SELECT DISTINCT dt FROM events ORDER BY dt", "SELECT kind, SUM(i) / 2 FROM events GROUP BY kind ORDER BY kind",
	} {
		w.compare(t, sql)
	}
	if got := ask(t, w.proxy, "SELECT account FROM events", false); len(got.rows) != 3 {
		t.Errorf("%d rows with sql_select_limit = 3", len(got.rows))
	}
	w.both(t, "SET sql_select_limit = DEFAULT")

	exec(t, w.proxy, "CREATE TABLE large (id INT PRIMARY KEY, pad VARCHAR(1000))")
	for n := range 12 {
		var rows []string
		for i := range 500 {
			rows = append(rows, fmt.Sprintf("(%d, REPEAT('x', 1000))", n*500+i))
		}
		exec(t, w.proxy, "INSERT INTO large VALUES "+strings.Join(rows, ","))
	}
	for _, begin := range []bool{false, true} {
		if begin {
			exec(t, w.proxy, "BEGIN")
			exec(t, w.proxy, "INSERT INTO account VALUES (1001, 'x', 0), (1002, 'x', 0), (1003, 'x', 0), (1004, 'x', 0)")
		}
		for range 5 {
			if got := ask(t, w.proxy, "SELECT * FROM large LIMIT 2500", false); len(got.rows) != 2500 {
				t.Fatalf("%d rows: %d %s", len(got.rows), got.code, got.message)
			}
			if got := ask(t, w.proxy, "SELECT COUNT(*) FROM large", false); got.rows[0] != "6000" {
				t.Fatalf("counted %v", got)
			}
		}
	}
	exec(t, w.proxy, "COMMIT")
	if got := ask(t, w.proxy, "SELECT COUNT(*) FROM account WHERE id > 1000", false); got.rows[0] != "4" {
		t.Errorf("the transaction wrote %v rows", got.rows)
	}
	exec(t, w.proxy, "DELETE FROM account WHERE id > 1000")
}
