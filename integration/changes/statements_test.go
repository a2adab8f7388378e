package changes

// statement is a change to compare. prepared is its form with parameters, where it has one.
type statement struct {
	sql      string
	prepared string
	args     []string
	mode     string // sql_mode
	refused  bool   // 1235, and nothing has changed
	twice    bool   // a table is read twice off its shards: refused on MySQL
	ordered  bool   // the rows of RETURNING are in one order
	loose    bool   // the texts of warnings may differ: rows are counted otherwise
}

var statements = []statement{
	// ORDER BY and LIMIT.
	{sql: "UPDATE customer SET n = 0 ORDER BY id LIMIT 3", prepared: "UPDATE customer SET n = ? ORDER BY id LIMIT ?", args: []string{"0", "3"}},
	{sql: "UPDATE customer SET balance = balance + 1, n = n + 1 WHERE region < 3 ORDER BY balance DESC, id LIMIT 4"},
	{sql: "UPDATE customer AS c SET c.name = UPPER(c.name) WHERE c.region = 1 ORDER BY c.id DESC LIMIT 2"},
	{sql: "UPDATE customer SET n = 5 ORDER BY id LIMIT 5"}, // some have it
	{sql: "UPDATE customer SET n = 5 WHERE id > 100 ORDER BY id LIMIT 5"},
	{sql: "UPDATE customer SET n = 5 ORDER BY id LIMIT 0"},
	{sql: "UPDATE customer SET n = 70000 ORDER BY id LIMIT 2"}, // out of range
	{sql: "UPDATE customer SET n = 70000 ORDER BY id LIMIT 2", mode: "NO_ENGINE_SUBSTITUTION", loose: true},
	{sql: "UPDATE customer SET n = 40000 * (id = 4) ORDER BY id LIMIT 6"}, // one in the midst
	{sql: "UPDATE IGNORE customer SET n = 70000 ORDER BY id LIMIT 2", loose: true},
	{sql: "UPDATE customer SET touched = NOW(6) ORDER BY id LIMIT 3"},
	{sql: "UPDATE customer SET nothing = 1 ORDER BY id LIMIT 3"},
	{sql: "UPDATE customer SET n = 1 ORDER BY nothing LIMIT 3"},
	{sql: "DELETE FROM customer ORDER BY balance LIMIT 3", prepared: "DELETE FROM customer ORDER BY balance LIMIT ?", args: []string{"3"}},
	{sql: "DELETE FROM customer WHERE region = 2 ORDER BY id DESC LIMIT 2"},
	{sql: "DELETE FROM item ORDER BY n DESC LIMIT 4"},
	{sql: "DELETE FROM named ORDER BY v LIMIT 4"},
	{sql: "UPDATE named SET v = v + 10 ORDER BY name LIMIT 4"},
	{sql: "UPDATE visit SET hits = hits * 2 ORDER BY hits LIMIT 3"},
	{sql: "DELETE FROM visit ORDER BY day, site LIMIT 2"},
	{sql: "DELETE FROM loose ORDER BY a LIMIT 2", refused: true}, // no primary key
	{sql: "DELETE FROM customer LIMIT 100"},
	{sql: "UPDATE customer SET n = @nothing ORDER BY id LIMIT 2"},
	{sql: "UPDATE customer SET n = LAST_INSERT_ID(9) ORDER BY id LIMIT 2"},

	// Copies on all shards.
	{sql: "UPDATE stock SET n = 1 ORDER BY price DESC LIMIT 2"},
	{sql: "DELETE FROM stock ORDER BY price LIMIT 1"},
	{sql: "UPDATE stock SET n = n + 1 WHERE n > 100"},
	{sql: "UPDATE kind SET title = CONCAT(title, '!') WHERE id > 1"},
	{sql: "UPDATE kind SET title = 'first' ORDER BY region, title LIMIT 2"},

	// Rows that move.
	{sql: "UPDATE customer SET id = 50 WHERE id = 3", prepared: "UPDATE customer SET id = ? WHERE id = ?", args: []string{"50", "3"}},
	{sql: "UPDATE customer SET id = 51, name = CONCAT(name, id), n = NULL WHERE id = 4"},
	{sql: "UPDATE customer SET id = 5 WHERE id = 3"},    // 1062
	{sql: "UPDATE customer SET id = 3 WHERE id = 3"},    // nothing changes
	{sql: "UPDATE customer SET id = 60 WHERE id = 999"}, // nothing is met
	{sql: "UPDATE customer SET id = id + 100"},          // all of them
	{sql: "UPDATE customer SET id = id + 100 WHERE n = 5"},
	{sql: "UPDATE customer SET id = id + 100 ORDER BY id DESC LIMIT 3"},
	{sql: "UPDATE customer SET id = id + 1"}, // 1062
	{sql: "UPDATE customer SET id = 11 - id WHERE id < 11"},
	{sql: "UPDATE customer SET id = 70 WHERE id IN (3, 4)"}, // 1062
	{sql: "UPDATE customer SET id = 'x' WHERE id = 3"},      // 1366
	{sql: "UPDATE customer SET id = NULL WHERE id = 3"},     // 1048
	{sql: "UPDATE customer SET id = 99999999999 WHERE id = 3"},
	{sql: "UPDATE orders SET customer_id = 2 WHERE id = 101"},
	{sql: "UPDATE orders SET customer_id = customer_id + 1, total = customer_id"},
	{sql: "UPDATE orders SET customer_id = 7 WHERE state = 'new'"},
	{sql: "UPDATE item SET order_id = order_id + 50 WHERE order_id = 101"},
	{sql: "UPDATE item SET order_id = 103 WHERE order_id = 101"}, // 1062
	{sql: "UPDATE item SET order_id = 107 WHERE order_id = 106 AND line = 2"},
	{sql: "UPDATE visit SET site = 'q' WHERE site = 'x'"},
	{sql: "UPDATE visit SET day = day + INTERVAL 1 YEAR"},
	{sql: "UPDATE visit SET day = '2024-01-05', n = n + 5 WHERE site = 'y' AND day = '2024-01-01'"},
	{sql: "UPDATE named SET name = 'Übung' WHERE name = 'nuss'"},
	{sql: "UPDATE named SET name = UPPER(name) WHERE v = 2"},
	{sql: "UPDATE named SET name = CONCAT(name, '\\'x') WHERE v > 3"},
	{sql: "UPDATE named SET name = 'BIRNE' WHERE name = 'nuss'"}, // 1062
	{sql: "UPDATE wide SET id = id + 1000, up = up"},
	{sql: "UPDATE wide SET id = 77 WHERE id = 1"},
	{sql: "UPDATE wide SET id = id + 7, i = 3 ORDER BY id DESC"},
	{sql: "UPDATE watched SET id = id + 77", refused: true},
	{sql: "UPDATE team SET id = 99 WHERE id = 1"},
	{sql: "UPDATE player SET team_id = 2 WHERE id = 11", refused: true},
	{sql: "UPDATE IGNORE customer SET id = id + 77", refused: true},
	{sql: "UPDATE player SET v = v + 1 ORDER BY v LIMIT 2"},
	{sql: "DELETE FROM team ORDER BY id LIMIT 2"},
}

// foreign need rows of several shards at once to know their rows or values.
var foreign = []statement{
	// Queries that read other shards' rows.
	{sql: "UPDATE customer SET n = 1 WHERE id IN (SELECT customer_id FROM orders WHERE state = 'paid')"},
	{sql: "UPDATE customer SET n = 1 WHERE id NOT IN (SELECT customer_id + 1 FROM orders)"},
	{sql: "UPDATE customer SET balance = (SELECT MAX(total) FROM orders)"},
	{sql: "UPDATE customer SET balance = (SELECT MAX(price) FROM stock) WHERE region = (SELECT MIN(region) FROM customer c2 WHERE c2.id = 5)", refused: false},
	{sql: "UPDATE orders SET total = (SELECT SUM(i.n * s.price) FROM item i JOIN stock s ON s.sku = i.sku WHERE i.order_id = orders.id)"},
	{sql: "UPDATE orders SET total = (SELECT SUM(i.n) FROM item i WHERE i.order_id = orders.id), state = 'sent' WHERE id < 104"},
	{sql: "UPDATE orders SET total = total + 1, sku = (SELECT MAX(i.sku) FROM item i WHERE i.order_id = orders.id)"},
	{sql: "UPDATE orders SET total = (SELECT n FROM item)"}, // 1242
	{sql: "UPDATE customer SET name = (SELECT GROUP_CONCAT(sku ORDER BY sku) FROM orders WHERE customer_id = customer.id + 1)"},
	{sql: "UPDATE customer SET name = (SELECT 'längerer Text' FROM orders WHERE id = 101) ORDER BY id LIMIT 2"},
	{sql: "UPDATE customer SET name = (SELECT CONCAT(state, ' etwas zu lang für die Spalte') FROM orders WHERE id = 101) ORDER BY id LIMIT 2"}, // 1406
	{sql: "UPDATE customer SET touched = (SELECT MAX(ts) FROM wide WHERE id < 3)"},
	{sql: "UPDATE customer SET n = (SELECT COUNT(*) FROM item) WHERE EXISTS (SELECT 1 FROM item WHERE item.order_id = customer.id + 100)", twice: true},
	{sql: "DELETE FROM customer WHERE id IN (SELECT order_id - 100 FROM item)"},
	{sql: "DELETE FROM orders WHERE id NOT IN (SELECT order_id FROM item)"},
	{sql: "DELETE FROM orders WHERE total < (SELECT AVG(balance) FROM customer)"},
	{sql: "DELETE FROM item WHERE sku IN (SELECT sku FROM stock WHERE price > 2)"},
	{sql: "DELETE FROM setting WHERE v IN (SELECT v DIV 10 FROM job)"},
	{sql: "UPDATE setting SET v = (SELECT MAX(v) FROM job) WHERE k = 'b'"},
	{sql: "UPDATE setting SET v = (SELECT COUNT(*) FROM customer)"},
	{sql: "UPDATE job SET v = v + 1 WHERE id IN (SELECT region FROM customer)"},
	// Several tables.
	{sql: "UPDATE customer c JOIN orders o ON o.customer_id = c.id SET c.n = 77, o.sku = 'new' WHERE o.state = 'paid'"},
	{sql: "UPDATE orders o JOIN item i ON i.order_id = o.id SET o.total = 0 WHERE i.sku = 'a1'"},
	{sql: "UPDATE orders o JOIN item i ON i.order_id = o.id SET i.n = i.n + 10 WHERE o.state = 'new'"},
	{sql: "UPDATE orders o JOIN item i ON i.order_id = o.id SET i.n = o.customer_id WHERE o.state = 'new'"},
	{sql: "UPDATE orders o JOIN item i ON i.order_id = o.id SET o.total = 1, i.n = i.n + 1 WHERE i.line = 1"},
	{sql: "UPDATE orders o LEFT JOIN item i ON i.order_id = o.id SET o.total = 9 WHERE i.order_id IS NULL"},
	{sql: "UPDATE orders, customer SET orders.sku = customer.name WHERE customer.id = orders.id - 100"},
	{sql: "UPDATE orders o JOIN (SELECT order_id, SUM(n) AS s FROM item GROUP BY order_id) x ON x.order_id = o.id SET o.total = x.s"},
	{sql: "UPDATE orders o JOIN item i ON i.order_id = o.id SET o.total = i.n", refused: true}, // several rows, several values
	{sql: "UPDATE orders o JOIN item i ON i.order_id = o.id SET i.n = 1, i.sku = i.n", refused: true},
	{sql: "DELETE o FROM orders o JOIN item i ON i.order_id = o.id WHERE i.n > 5"},
	{sql: "DELETE o, i FROM orders o JOIN item i ON i.order_id = o.id WHERE i.n > 5"},
	{sql: "DELETE FROM o, i USING orders o JOIN item i ON i.order_id = o.id WHERE o.state = 'paid'"},
	{sql: "DELETE i FROM item i LEFT JOIN orders o ON o.id = i.order_id WHERE o.customer_id = 1"},
	{sql: "DELETE customer, job FROM customer JOIN job ON job.id = customer.region WHERE job.v > 10"},
	{sql: "DELETE setting, job FROM setting, job WHERE setting.v = job.id AND job.id = 2"},
	{sql: "UPDATE setting, job SET setting.v = job.v, job.v = 1 WHERE setting.v = job.id"},
	{sql: "UPDATE setting, job SET setting.v = 9, job.v = 1 WHERE setting.v = job.id"},
	{sql: "UPDATE stock SET n = (SELECT COUNT(*) FROM orders WHERE orders.sku = stock.sku)"},
	{sql: "UPDATE stock s JOIN item i ON i.sku = s.sku SET s.n = 0 WHERE i.n > 4"},
	{sql: "UPDATE stock SET price = price * 2, at = NOW(6) WHERE sku IN (SELECT sku FROM item WHERE n > 4)"},
	{sql: "UPDATE kind k JOIN customer c ON c.region = k.region SET k.title = 'used', c.n = 3 WHERE c.id < 4"},
	{sql: "DELETE FROM stock WHERE sku NOT IN (SELECT sku FROM orders)"},
	{sql: "DELETE k FROM kind k LEFT JOIN customer c ON c.region = k.region WHERE c.id IS NULL"},
	{sql: "UPDATE customer SET id = (SELECT MAX(id) + 1 FROM orders) WHERE id = 3"},
	{sql: "UPDATE orders o JOIN customer c ON c.id = o.customer_id SET o.customer_id = 7 WHERE c.region = 2"},
	{sql: "DELETE FROM team WHERE id IN (SELECT region FROM customer WHERE id < 3)"},
}

var mariadbStatements = []statement{
	{sql: "DELETE FROM customer WHERE region = 1 RETURNING id, name, CONCAT(name, '?') AS q"},
	{sql: "DELETE FROM customer WHERE region = 100 RETURNING id, name"},
	{sql: "DELETE FROM customer RETURNING *"},
	{sql: "DELETE FROM customer WHERE region < 3 ORDER BY balance DESC LIMIT 4 RETURNING id, balance", ordered: true},
	{sql: "DELETE FROM customer LIMIT 100 RETURNING id, name", prepared: "DELETE FROM customer LIMIT ? RETURNING id, name", args: []string{"100"}},
	{sql: "DELETE FROM customer WHERE id IN (SELECT region FROM customer) RETURNING id"},
	{sql: "DELETE FROM stock WHERE n > 0 RETURNING sku", refused: true},
}
