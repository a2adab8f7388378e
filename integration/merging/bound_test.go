package merging

import (
	"fmt"
	"strings"
	"testing"
)

// testBound asks prepared statements, whose values are written into the shards' texts and into what a server computes of groups.
func testBound(t *testing.T, w *world) {
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{"SELECT kind, COUNT(*) AS n FROM events GROUP BY kind HAVING COUNT(*) > ? ORDER BY n DESC, kind LIMIT ?", []any{20, 2}},
		{"SELECT kind, SUM(i) / COUNT(*) AS x FROM events WHERE account > ? GROUP BY kind HAVING x > ? OR kind = ? ORDER BY kind", []any{5, 0.5, 4}},
		{"SELECT s, COUNT(*) * 2 AS n FROM events GROUP BY s HAVING s = ? ORDER BY s", []any{"SS"}},
		{"SELECT dt, COUNT(*) + 1 AS n FROM events GROUP BY dt HAVING dt >= ? ORDER BY dt", []any{"2020-01-01"}},
		{"SELECT COUNT(DISTINCT i) AS n, MAX(ts) AS m FROM events WHERE kind <> ?", []any{9}},
		{"SELECT kind, MAX(tm) AS t, MIN(f) AS f, MAX(d) - MIN(d) AS d, AVG(i) AS a FROM events GROUP BY kind HAVING MAX(d) > ? ORDER BY kind LIMIT ?, ?", []any{"1.5", 1, 2}},
		{"SELECT account FROM events UNION ALL SELECT id FROM account WHERE id < ? ORDER BY account LIMIT ?", []any{5, 9}},
		{"SELECT account, id, ROW_NUMBER() OVER (PARTITION BY account ORDER BY id) AS n FROM events WHERE kind = ? ORDER BY account, id LIMIT ? /* ordered */", []any{2, 7}},
	} {
		w.compare(t, q.sql, q.args...)
	}
}

// testInside: groups are computed of what the transaction has written, on the branch's own connection, and in several batches.
func testInside(t *testing.T, w *world) {
	var rows []string
	for i := range 700 {
		rows = append(rows, fmt.Sprintf("(%d, 'x%d', %d.5)", 2000+i, i, i))
	}
	insert := "INSERT INTO account VALUES " + strings.Join(rows, ",")
	w.both(t, "BEGIN")
	w.both(t, insert)
	for _, sql := range []string{
		"SELECT name, SUM(balance) / COUNT(*) FROM account GROUP BY name HAVING COUNT(*) < 2 ORDER BY name",
		"SELECT balance, COUNT(*) FROM account GROUP BY balance ORDER BY balance LIMIT 10",
		"SELECT MAX(balance) * 2, COUNT(DISTINCT name) FROM account",
		"SELECT name, MAX(balance) - 18446744073709551615 FROM account GROUP BY name ORDER BY name LIMIT 2",
		"SELECT name, CAST(MAX(id) AS UNSIGNED) - 1000000 FROM account GROUP BY name ORDER BY name",
		"SELECT COUNT(*) FROM account",
	} {
		w.compare(t, sql)
	}
	w.both(t, "ROLLBACK")
	w.compare(t, "SELECT COUNT(*), SUM(balance) + 0 FROM account")
}
