package merging

import (
	"testing"
)

// grouped are statements that are merged by the proxy, not loaded elsewhere: its answers are those of a server.
var grouped = []string{
	// Expressions over aggregates.
	"SELECT kind, SUM(i)/COUNT(*), COUNT(*)+1, ROUND(AVG(d),2) FROM events GROUP BY kind ORDER BY kind",
	"SELECT SUM(d)/COUNT(*) FROM events",
	"SELECT SUM(i)/SUM(d) AS ratio, 100*SUM(CASE WHEN kind = 1 THEN d ELSE 0 END)/SUM(d) FROM events",
	"SELECT kind, AVG(i)*3, AVG(d)*7, AVG(f)/3, AVG(u) + 1 FROM events GROUP BY kind ORDER BY 1",
	"SELECT kind, AVG(i) + AVG(d), AVG(big)*0.001, AVG(y)+0, AVG(DISTINCT i)*3 FROM events GROUP BY kind ORDER BY kind",
	"SELECT kind, IFNULL(SUM(f), 0), COALESCE(MAX(i), 0), IF(COUNT(i) > 10, 'many', 'few'), NULLIF(MIN(i), -3) FROM events GROUP BY kind ORDER BY kind",
	"SELECT kind, MAX(dt) + INTERVAL 1 DAY, DATEDIFF(MAX(dt), MIN(dt)), YEAR(MAX(ts)), TIME_TO_SEC(MAX(tm)), MAX(ts) + INTERVAL 1 SECOND FROM events GROUP BY kind ORDER BY kind",
	"SELECT kind, CONCAT(MAX(s), '-', MIN(s)), LENGTH(MAX(s)), LENGTH(MIN(l)), MAX(b) = 'c', MAX(s) = 'SS' FROM events GROUP BY kind ORDER BY kind",
	"SELECT kind, MAX(u) - 1, MIN(big) + 1, MAX(i) - MIN(i), -MAX(i), MAX(i) % 3, MAX(i) DIV 2, MAX(d) * MIN(d) FROM events WHERE big < 100 OR big IS NULL GROUP BY kind ORDER BY kind",
	"SELECT BIT_OR(i) | 64, BIT_AND(u) & 3, BIT_XOR(kind) + 1 FROM events",
	"SELECT kind + 10, kind * COUNT(*), CONCAT(kind, ':', COUNT(*)) FROM events GROUP BY kind ORDER BY kind",
	"SELECT s, CONCAT(s, COUNT(*)) FROM events WHERE s <> 'b ' AND s NOT LIKE 'a%' AND s <> 'á' GROUP BY s ORDER BY s",
	"SELECT YEAR(dt), YEAR(dt) * 100 + COUNT(*), COUNT(*) FROM events GROUP BY YEAR(dt) ORDER BY YEAR(dt)",
	"SELECT dt, COUNT(*) / 2, dt + INTERVAL COUNT(*) DAY FROM events GROUP BY dt ORDER BY dt",
	"SELECT SUM(i)/0, SUM(i)/(COUNT(*) - COUNT(*)) FROM events",
	"SELECT kind, SUM(i)/SUM(i IS NULL) FROM events GROUP BY kind ORDER BY kind",
	"SELECT SUM(i) / COUNT(i) FROM events WHERE account = -1 OR account = -2",
	"SELECT COUNT(*) + 1, SUM(i) + 1 FROM events WHERE i > 1000000",
	"SELECT SUM(u) + MAX(u) FROM events",
	"SELECT MAX(u) + 1 FROM events",
	"SELECT (SUM(i)), ((COUNT(*))), (MAX(s)) FROM events",
	"SELECT COUNT(*) > 5 AND SUM(i) > 3, COUNT(*) BETWEEN 1 AND 1000, SUM(i) IN (1,2,3), MAX(s) LIKE 's%', NOT COUNT(*) FROM events",
	"SELECT CAST(SUM(d) AS SIGNED), CAST(MAX(i) AS CHAR), CAST(AVG(d) AS DECIMAL(10,1)) FROM events",
	"SELECT GREATEST(MAX(i), 3), LEAST(MIN(d), 0), FLOOR(AVG(i)), CEILING(AVG(d)), ABS(MIN(i)), SQRT(SUM(kind)), POW(COUNT(*), 2) FROM events",

	"SELECT kind, CONCAT(AVG(i), '/', SUM(d), '/', MAX(f), '/', MIN(big), '/', MAX(ts), '/', MIN(tm)) FROM events GROUP BY kind ORDER BY kind",

	// HAVING.
	"SELECT kind, COUNT(*) FROM events GROUP BY kind HAVING COUNT(*) > 20 ORDER BY kind",
	"SELECT kind, COUNT(*) AS n FROM events GROUP BY kind HAVING n > 20 ORDER BY n DESC, kind",
	"SELECT kind FROM events GROUP BY kind HAVING SUM(i) > 5 AND kind < 4 ORDER BY kind",
	"SELECT kind, SUM(d) AS total FROM events GROUP BY kind HAVING total / COUNT(*) > 1 ORDER BY kind",
	"SELECT kind FROM events GROUP BY kind HAVING kind = 2",
	"SELECT COUNT(*) FROM events HAVING COUNT(*) > 100000",
	"SELECT SUM(i) AS x FROM events HAVING x IS NOT NULL",
	"SELECT s, COUNT(*) FROM events GROUP BY s HAVING s = 'SS'",
	"SELECT b, COUNT(*) FROM events GROUP BY b HAVING b > 'a' ORDER BY b",
	"SELECT dt, COUNT(*) FROM events GROUP BY dt HAVING dt >= '2020-01-01' ORDER BY dt",
	"SELECT dt, COUNT(*) FROM events GROUP BY dt HAVING MAX(ts) IS NULL OR dt IS NULL ORDER BY dt",
	"SELECT kind, AVG(d) AS a FROM events GROUP BY kind HAVING a > 1.0000001 ORDER BY a",
	"SELECT kind, COUNT(DISTINCT i) FROM events GROUP BY kind HAVING COUNT(DISTINCT i) > 5 ORDER BY kind",
	"SELECT MAX(i) FROM events HAVING MIN(i) > 0",
	"SELECT kind, MAX(tm) m FROM events GROUP BY kind HAVING m > '10:00:00' ORDER BY kind",
	"SELECT account, id FROM events HAVING account > 35 ORDER BY account, id",
	"SELECT account + 1 AS a1, id FROM events HAVING a1 > 35 ORDER BY a1, id LIMIT 3",

	// ORDER BY what is computed, DISTINCT of groups, LIMIT.
	"SELECT kind FROM events GROUP BY kind ORDER BY SUM(i)/COUNT(*), kind",
	"SELECT kind, SUM(i)/COUNT(*) AS avgi FROM events GROUP BY kind ORDER BY avgi DESC, kind LIMIT 2",
	"SELECT kind, CONCAT(MAX(s), kind) FROM events GROUP BY kind ORDER BY 2 DESC",
	"SELECT kind, COUNT(*) FROM events GROUP BY kind ORDER BY CONCAT(MAX(s), kind)",
	"SELECT kind, COUNT(*) FROM events GROUP BY kind ORDER BY -kind LIMIT 1, 2",
	"SELECT DISTINCT COUNT(*) > 3 FROM events GROUP BY dt",
	"SELECT DISTINCT COUNT(i) FROM events GROUP BY kind, dt ORDER BY COUNT(i)",
	"SELECT DISTINCT MAX(b) FROM events GROUP BY kind, dt ORDER BY 1",
	"SELECT DISTINCT kind, SUM(i) - SUM(i) FROM events GROUP BY kind, i ORDER BY 1, 2",
	"SELECT SQL_CALC_FOUND_ROWS kind, COUNT(*) + 0 FROM events GROUP BY kind HAVING COUNT(*) > 1 ORDER BY kind LIMIT 1",

	// DISTINCT in aggregates.
	"SELECT COUNT(DISTINCT i) FROM events",
	"SELECT kind, COUNT(DISTINCT i), COUNT(*), SUM(i), AVG(d) FROM events GROUP BY kind ORDER BY kind",
	"SELECT COUNT(DISTINCT s), COUNT(DISTINCT b), COUNT(DISTINCT c) FROM events",
	"SELECT kind, SUM(DISTINCT i), AVG(DISTINCT d), COUNT(DISTINCT dt) FROM events GROUP BY kind ORDER BY kind",
	"SELECT COUNT(DISTINCT i, s) FROM events",
	"SELECT COUNT(DISTINCT kind, YEAR(dt)) FROM events",
	"SELECT COUNT(DISTINCT account), COUNT(DISTINCT i) FROM events",
	"SELECT COUNT(DISTINCT i), SUM(DISTINCT d), AVG(DISTINCT i) FROM events WHERE i > 1000000",
	"SELECT COUNT(DISTINCT i) / COUNT(*) FROM events",
	"SELECT kind, COUNT(DISTINCT i) AS n FROM events GROUP BY kind ORDER BY n DESC, kind",
	"SELECT kind FROM events GROUP BY kind ORDER BY COUNT(DISTINCT i) DESC, kind",
	"SELECT MIN(DISTINCT i), MAX(DISTINCT s), COUNT(DISTINCT kind) FROM events",
	"SELECT COUNT(DISTINCT fl), SUM(DISTINCT f), COUNT(DISTINCT ts), COUNT(DISTINCT e), COUNT(DISTINCT u), COUNT(DISTINCT UPPER(s)) FROM events",

	// Joins inside a shard.
	"SELECT a.name, SUM(e.d) / COUNT(*) AS x FROM account a JOIN events e ON e.account = a.id GROUP BY a.name HAVING x IS NOT NULL ORDER BY a.name",
	"SELECT k.title, COUNT(DISTINCT e.account), AVG(a.balance) FROM events e JOIN kind k ON k.id = e.kind JOIN account a ON a.id = e.account GROUP BY k.title ORDER BY k.title",
	"SELECT k.title, SUM(e.i) * 1.0 / COUNT(*) FROM events e, kind k WHERE k.id = e.kind GROUP BY k.title ORDER BY SUM(e.i) * 1.0 / COUNT(*) DESC, 1 LIMIT 2",
}

func testGroups(t *testing.T, w *world) {
	for _, sql := range grouped {
		w.compare(t, sql)
	}
}
