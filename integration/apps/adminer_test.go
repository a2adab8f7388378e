package apps

import (
	"net"
	"net/url"
	"path/filepath"
	"testing"

	"lockstep/integration/cluster"
)

func serveAdminer(t *testing.T, dir string, s side) *web {
	t.Helper()
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	// Its address bar names no server then, so that both sides have the same pages.
	root := filepath.Join(dir, "usr", "share", "adminer")
	return serve(t, root, nil, "php", "-d", "display_errors=0", "-d", "session.save_path="+t.TempDir(), "-d", "mysqli.default_host="+host, "-d", "mysqli.default_port="+port,
		"-S", "{address}", filepath.Join(root, "adminer.php"))
}

// adminerDrawn is what differs between two servers with the same tables.
var adminerDrawn = []replacement{
	replace(`\b\d+:\d{3,}\b`, "TOKEN"),
	replace(`<tr class="odd">`, "<tr>"),
	replace(`<td>\d+<td>Using temporary`, "<td>ROWS<td>Using temporary"), // EXPLAIN is one shard's
	replace(`nonce="[^"]*"`, "nonce"),
	replace(`"((Data|Index)_length|Data_free)-(\w+)": "[^"]*"|"sum-\w+": "[^"]*"`, "SIZE"),
	replace(`"(tables|size)-[a-z_]+": "[^"]*"`, "$1"),
	replace(`\(\d+\.\d+&nbsp;s\)|\d+\.\d+ s`, "DURATION"),
	replace(`10\.\d+\.\d+-MariaDB[^<"]*`, "VERSION"),
	replace(`(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d`, "MOMENT"),
}

// adminerTables is a small shop, with all that a tool shows about tables.
const adminerTables = `CREATE TABLE customer (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL DEFAULT 'nobody' COMMENT 'as on the letter', email VARCHAR(60), born DATE, photo BLOB, vip TINYINT(1) NOT NULL DEFAULT 0, UNIQUE KEY one_email (id, email)) COMMENT='who buys';
CREATE TABLE orders (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL, total DECIMAL(10,2), state ENUM('new','paid','sent') DEFAULT 'new', placed TIMESTAMP NOT NULL DEFAULT '2024-01-01 00:00:00', KEY by_customer (customer_id, state), KEY by_total (total));
CREATE TABLE note (text TEXT, FULLTEXT KEY words (text));
CREATE VIEW paid AS SELECT id, total FROM orders WHERE state = 'paid';
INSERT INTO customer (name, email, born, vip) VALUES ('Anna', 'a@x', '1990-02-28', 1), ('Ben', 'b@x', NULL, 0), ('Cleo', 'c@x', '1971-12-01', 0), ('Dan', NULL, NULL, 1), ('Eve', 'e@x', '2001-01-01', 0), ('Fay', NULL, NULL, 0), ('Gus', 'g@x', NULL, 0);
INSERT INTO orders (customer_id, total, state) VALUES (1, 10.50, 'paid'), (1, 20, 'new'), (2, 7.25, 'sent'), (3, NULL, 'new'), (5, 99.99, 'paid'), (7, 1, 'paid');
INSERT INTO note VALUES ('first'), ('second');`

func TestAdminer(t *testing.T) {
	dir := unpacked(t, "adminer")
	plain, proxy := sides(t, "shop", "")
	a, b := serveAdminer(t, dir, plain), serveAdminer(t, dir, proxy)
	p := &pair{t: t, plain: a.browser(t), proxy: b.browser(t), drawn: adminerDrawn}
	p.visit("/", "Login")
	p.send("login", func(*browser) request {
		return request{path: "/", form: url.Values{"auth[driver]": {"server"}, "auth[server]": {""}, "auth[username]": {cluster.User}, "auth[password]": {cluster.Password}, "auth[db]": {"shop"}}}
	}, "No tables.")
	const db = "/?username=app&db=shop"
	p.submit(db+"&sql=", "query", map[string]string{"query": adminerTables}, "Query executed OK, 7 rows affected.")
	p.visit("/?username=app", "shop")
	p.visit("/?username=app&script=connect&dbs=1")
	p.visit(db, "customer", "paid")
	p.visit(db+"&script=db", "who buys")
	for _, page := range []string{
		"&table=customer", "&table=orders", "&table=note", "&table=paid", "&view=paid", "&create=customer", "&create=orders", "&create=", "&indexes=orders", "&foreign=orders", "&trigger=orders",
		"&select=orders&columns[0][fun]=sum&columns[0][col]=total&columns[1][col]=state",
		"&select=orders&order[0]=total&desc[0]=1&limit=2&page=1", "&select=orders&where[0][col]=total&where[0][op]=%3E&where[0][val]=5&order[0]=id",
		"&select=customer&columns[0][fun]=count&columns[0][col]=", "&edit=customer&where[id]=3", "&edit=orders",
		"&schema=", "&dump=", "&database=", "&procedure=", "&event=", "&sql=", "&import=", "&privileges=",
	} {
		p.visit(db + page)
	}
	p.inAnyOrder(func() {
		for _, page := range []string{"&select=customer", "&select=orders", "&select=paid", "&select=note", "&select=customer&where[0][col]=&where[0][op]=LIKE+%25%25&where[0][val]=an"} {
			p.visit(db + page)
		}
		p.submit(db+"&edit=customer&where[id]=3", "fields[name]", map[string]string{"fields[name]": "Cleopatra"}, "Item has been updated.")
		p.submit(db+"&edit=customer", "fields[name]", map[string]string{"fields[name]": "Hal", "fields[email]": "h@x", "fields[id]": ""}, "has been inserted")
	})
	p.visit(db+"&select=customer&order[0]=id", "Cleopatra", "Hal")
	p.submit(db+"&dump=", "output", map[string]string{"output": "text", "format": "sql", "tables[]": "customer", "data[]": "customer"}, "CREATE TABLE `customer`")
	p.submit(db+"&sql=", "query", map[string]string{"query": "SELECT state, COUNT(*), SUM(total) FROM orders GROUP BY state ORDER BY state; SELECT nothing"}, "Unknown column")
	p.submit(db+"&sql=", "query", map[string]string{"query": "ALTER TABLE orders ADD remark VARCHAR(20) AFTER total; DROP VIEW paid; TRUNCATE note; SHOW TABLES"}, "orders")
	p.visit(db + "&table=orders")
	for _, page := range []string{"&processlist=", "&variables=", "&status="} {
		plainPage, proxyPage := p.plain.do(request{path: "/?username=app" + page}), p.proxy.do(request{path: "/?username=app" + page})
		if proxyPage.status != plainPage.status || plainPage.status != 200 {
			t.Errorf("%s: status %d, on the plain server %d", page, proxyPage.status, plainPage.status)
		}
	}
}
