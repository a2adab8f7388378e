package merging

import "testing"

// composed are window functions, unions and derived tables whose rows belong to one shard each.
var composed = []string{
	"SELECT account, id, ROW_NUMBER() OVER (PARTITION BY account ORDER BY id) AS n FROM events ORDER BY n DESC, account LIMIT 10 /* ordered */",
	"SELECT account, id, SUM(i) OVER (PARTITION BY account ORDER BY id) AS running FROM events ORDER BY account, id /* ordered */",
	"SELECT account, id, RANK() OVER w, LAG(dt) OVER w, COUNT(*) OVER (PARTITION BY account, kind) FROM events WINDOW w AS (PARTITION BY account ORDER BY id) ORDER BY account, id /* ordered */",
	"SELECT account, LEAD(s) OVER (PARTITION BY account ORDER BY id) AS l FROM events ORDER BY l, account LIMIT 5, 5 /* ordered */",
	"SELECT DISTINCT COUNT(*) OVER (PARTITION BY account) FROM events",
	"SELECT x.account, x.id, x.n FROM (SELECT account, id, ROW_NUMBER() OVER (PARTITION BY account ORDER BY id DESC) AS n FROM events) AS x WHERE x.n = 1 ORDER BY x.account /* ordered */",
	"SELECT n, COUNT(*), SUM(n) / COUNT(*) FROM (SELECT account, ROW_NUMBER() OVER (PARTITION BY account ORDER BY id) AS n FROM events) AS x GROUP BY n ORDER BY n /* ordered */",
	"SELECT n, COUNT(*) FROM (SELECT account, COUNT(*) AS n FROM events GROUP BY account) AS x GROUP BY n HAVING COUNT(*) > 2 ORDER BY n",
	"WITH x AS (SELECT account, COUNT(*) AS n, SUM(d) AS total FROM events GROUP BY account) SELECT MAX(n), MIN(total), AVG(total) * 2 FROM x",
	"WITH x AS (SELECT account, COUNT(*) AS n FROM events GROUP BY account) SELECT n, COUNT(*) / 2 FROM x GROUP BY n ORDER BY n",
	"WITH x AS (SELECT account, id, dt FROM events) SELECT dt, COUNT(*) FROM x GROUP BY dt ORDER BY COUNT(*) DESC, dt LIMIT 3",

	"SELECT account, id FROM events UNION ALL SELECT id, 0 FROM account",
	"SELECT account, i FROM events UNION SELECT id, 7 FROM account",
	"SELECT account FROM events UNION ALL SELECT id FROM account ORDER BY account LIMIT 7, 9",
	"SELECT account FROM events UNION SELECT id FROM account ORDER BY 1 DESC LIMIT 5",
	"SELECT account AS a, s FROM events WHERE kind = 1 UNION ALL SELECT account, s FROM events WHERE kind = 2 ORDER BY a LIMIT 0",
	"SELECT id FROM account EXCEPT SELECT account FROM events ORDER BY id",
	"SELECT id FROM account INTERSECT SELECT account FROM events ORDER BY id LIMIT 3",
	"SELECT id FROM account WHERE id IN (1, 2) UNION ALL SELECT account FROM events WHERE account = 3",
	"SELECT d, id FROM events UNION ALL SELECT balance, id FROM account",
	"SELECT s, i FROM events UNION ALL SELECT name, balance FROM account",
	"SELECT account FROM events UNION ALL SELECT nothing FROM account",
}

func testComposed(t *testing.T, w *world) {
	for _, sql := range composed {
		w.compare(t, sql)
	}
}
