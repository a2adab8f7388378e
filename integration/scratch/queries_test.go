package scratch

import "testing"

// queries are those that have no answer on one shard and none by merging. Those with /*o*/ say the order of their rows.
var queries = []string{
	// Joins.
	"SELECT c.name, o.total FROM customer c JOIN orders o ON o.customer_id = c.id",
	"SELECT * FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.id = 5",
	"SELECT * FROM customer c LEFT JOIN orders o ON o.customer_id = c.id AND o.total > 50",
	"SELECT c.id FROM customer c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.id IS NULL",
	"SELECT c.id, o.id FROM customer c RIGHT JOIN orders o ON o.customer_id = c.id WHERE o.total < 40",
	"SELECT c.id, o.id FROM customer c RIGHT JOIN orders o ON o.customer_id = c.id AND c.region = 1",
	"SELECT c.id, o.id, i.line FROM customer c LEFT JOIN (orders o JOIN item i ON i.order_id = o.id AND i.amount > 3) ON o.customer_id = c.id",
	"SELECT c.id, o.id, i.line FROM (customer c LEFT JOIN orders o ON o.customer_id = c.id) LEFT JOIN item i ON i.order_id = o.id WHERE i.amount > 3 OR o.id IS NULL",
	"SELECT a.id, b.name FROM customer a, customer b WHERE a.parent = b.id AND a.region = 2",
	"SELECT a.id, b.id, c.id FROM customer a JOIN customer b ON a.parent = b.id JOIN customer c ON b.parent = c.id",
	"SELECT id FROM customer NATURAL JOIN orders",
	"SELECT * FROM customer JOIN orders USING (id) WHERE orders.total > 10",
	"SELECT r.title, c.name FROM region r LEFT JOIN customer c ON c.region = r.id AND c.id < 5",
	"SELECT n.body, j.id FROM note n JOIN job j ON j.note_k = n.k",
	"SELECT n.body, c.name FROM note n JOIN customer c ON c.id = n.k",
	"SELECT COUNT(*) FROM customer STRAIGHT_JOIN item",
	// Subqueries.
	"SELECT name FROM customer WHERE id IN (SELECT customer_id FROM orders WHERE total > 60)",
	"SELECT id FROM customer WHERE id NOT IN (SELECT parent FROM customer)",
	"SELECT id FROM customer WHERE id NOT IN (SELECT parent FROM customer WHERE parent IS NOT NULL)",
	"SELECT id FROM customer c WHERE EXISTS (SELECT * FROM orders o WHERE o.customer_id = c.id AND o.total > 70)",
	"SELECT id FROM customer c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)",
	"SELECT id, (SELECT MAX(total) FROM orders o WHERE o.customer_id = c.id) AS m FROM customer c",
	"SELECT id, total FROM orders o WHERE total > (SELECT AVG(total) FROM orders p WHERE p.customer_id = o.customer_id)",
	"SELECT id FROM orders WHERE total >= ALL (SELECT total FROM orders WHERE total IS NOT NULL)",
	"SELECT id FROM customer WHERE (region, parent) IN (SELECT region, id FROM customer)",
	"SELECT (SELECT COUNT(*) FROM orders), (SELECT COUNT(*) FROM item)",
	"SELECT id FROM customer WHERE id = (SELECT customer_id FROM orders)", // 1242
	"SELECT SUM(i.price) FROM item i, customer c WHERE c.id = i.amount AND c.region = 1 AND i.price < (SELECT AVG(price) FROM item j WHERE j.amount = c.id AND j.line = 1)",
	"SELECT c.id, (SELECT COUNT(*) FROM orders o WHERE o.customer_id = c.id AND o.id IN (SELECT order_id FROM item i WHERE i.amount = c.region)) n FROM customer c WHERE c.region = 3",
	"SELECT a.id, b.id FROM orders a LEFT JOIN customer c ON c.id = a.customer_id LEFT JOIN orders b ON b.id = c.parent WHERE a.id = 9",
	"SELECT a.id, c.id FROM orders a JOIN customer c ON c.id = a.customer_id WHERE a.id = 999",
	"SELECT a.id, c.id FROM orders a LEFT JOIN customer c ON c.id = a.total WHERE a.total IS NULL",
	// Derived tables and CTEs.
	"SELECT d.customer_id, d.n, c.name FROM (SELECT customer_id, COUNT(*) n FROM orders GROUP BY customer_id) d JOIN customer c ON c.id = d.customer_id WHERE d.n > 1",
	"WITH big AS (SELECT * FROM orders WHERE total > 30) SELECT a.id, b.id FROM big a JOIN big b ON a.customer_id = b.customer_id AND a.id < b.id",
	"WITH RECURSIVE up (id, parent, depth) AS (SELECT id, parent, 0 FROM customer WHERE id = 20 UNION ALL SELECT c.id, c.parent, up.depth + 1 FROM customer c JOIN up ON c.id = up.parent) SELECT * FROM up",
	"WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT n.i, COUNT(c.id) FROM n LEFT JOIN customer c ON c.region = n.i GROUP BY n.i",
	// Windows.
	"SELECT id, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY id) FROM orders",
	"/*o*/ SELECT id, SUM(total) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) s FROM orders WHERE id < 20 ORDER BY id DESC LIMIT 7",
	"SELECT customer_id, RANK() OVER (ORDER BY COUNT(*) DESC) FROM orders GROUP BY customer_id",
	// UNION and its kin.
	"/*o*/ SELECT id FROM customer UNION SELECT customer_id FROM orders ORDER BY 1 LIMIT 3, 9",
	"SELECT id FROM customer UNION ALL SELECT customer_id FROM orders",
	"SELECT id FROM customer INTERSECT SELECT customer_id FROM orders",
	"SELECT customer_id FROM orders EXCEPT SELECT id FROM customer WHERE id < 10",
	"/*o*/ (SELECT id FROM customer ORDER BY id DESC LIMIT 3) UNION ALL (SELECT id FROM orders ORDER BY id LIMIT 2) ORDER BY id",
	// Aggregates.
	"SELECT region, COUNT(*), SUM(id) FROM customer GROUP BY region WITH ROLLUP",
	"SELECT region, COUNT(*) FROM customer GROUP BY region HAVING COUNT(*) > 3",
	"SELECT COUNT(*) + 1, MAX(id) - MIN(id), AVG(total) / 2 FROM orders",
	"SELECT COUNT(DISTINCT customer_id), COUNT(DISTINCT day) FROM orders",
	"/*o*/ SELECT GROUP_CONCAT(id ORDER BY id DESC SEPARATOR '-') FROM orders WHERE total > 20",
	"SELECT STDDEV(total), VAR_POP(total) FROM orders",
	"SELECT c.region, SUM(i.amount * i.price) s FROM customer c JOIN orders o ON o.customer_id = c.id JOIN item i ON i.order_id = o.id GROUP BY c.region ORDER BY s",
	"/*o*/ SELECT DISTINCT c.name FROM customer c JOIN orders o ON o.customer_id = c.id ORDER BY c.name",
	// Conditions that warn or fail in rows that other conditions leave out.
	"SELECT c.id FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.name = 0 AND o.id < 4",
	"SELECT a.id FROM item i JOIN customer a ON a.id = i.line WHERE i.amount - 5 > 2 AND i.amount > 5",
	"SELECT o.id FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.day > '2024-01-20' AND o.day < 'x'",
	"SELECT o.id FROM orders o JOIN customer c ON c.id = o.customer_id WHERE NOT (o.total > 10 AND o.id BETWEEN 3 AND 30)",
	"SELECT o.id FROM customer c LEFT JOIN orders o ON o.customer_id = c.id WHERE NOT (o.total <=> 10)",
	"SELECT c.id FROM customer c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.total IS NOT NULL AND (o.id IN (1, 5, 9) OR o.total LIKE '1%')",
	"SELECT c.id FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.id IN (3, 4) AND c.name = 'NAME D'",
	"SELECT o.id, c.id FROM orders o, customer c WHERE c.id = o.customer_id AND (c.region = 1 AND o.total > 20 OR c.region = 2 AND o.total < 60 AND c.parent > 1)",
	"SELECT o.id, c.id FROM customer c LEFT JOIN orders o ON c.id = o.customer_id WHERE (c.region = 1 AND o.total IS NULL OR c.region = 2 AND o.total < 60)",
	"SELECT o.id, c.id FROM customer c LEFT JOIN orders o ON c.id = o.customer_id AND (o.total > 20 OR o.id < 9 AND c.region = 2) WHERE c.id < 9 OR o.id > 30",
	"SELECT o.id FROM orders o, customer c WHERE c.id = o.customer_id AND o.day BETWEEN DATE '2024-01-03' AND DATE '2024-01-03' + INTERVAL 9 DAY AND o.day <> '2024-01-09' - INTERVAL 1 DAY",
	// Errors.
	"SELECT nothing FROM customer c JOIN orders o ON o.customer_id = c.id",
	"SELECT id FROM customer c JOIN orders o ON o.customer_id = c.id", // ambiguous
	"SELECT c.id FROM customer c JOIN nowhere o ON o.customer_id = c.id",
	"SELECT c.region, o.id FROM customer c JOIN orders o ON o.customer_id = c.id GROUP BY c.region HAVING nothing > 1",
}

func testQueries(_ *testing.T, p *pair) {
	for _, q := range queries {
		p.same(q)
	}
	p.same("SELECT c.name, o.total FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.id = ? AND o.total > ?", 5, 3.5)
	p.same("/*o*/ SELECT id FROM customer UNION ALL SELECT id FROM orders ORDER BY 1 LIMIT ?", 4)
	p.same("SELECT o.id FROM orders o JOIN customer c ON c.id = o.customer_id WHERE c.name = ? AND o.day > ?", "Name b", "2024-01-10")
}
