package changes

import "strings"

// placement for the proxy.
const placement = `
schemas:
  - name: d
    tables:
      - {name: customer, shard_key: id}
      - {name: orders, shard_key: customer_id}
      - {name: item, shard_key: order_id}
      - {name: visit, shard_key: [site, day]}
      - {name: named, shard_key: name}
      - {name: wide, shard_key: id}
      - {name: loose, shard_key: a}
      - {name: watched, shard_key: id}
      - {name: team, shard_key: id}
      - {name: player, shard_key: team_id}
      - {name: stock, kind: global}
      - {name: kind, kind: global}
      - {name: setting, kind: single, shard: s2}
      - {name: job, kind: single, shard: s3}
`

type tableDef struct{ name, key, columns, rows string }

var defs = []tableDef{
	{"customer", "id", "id INT PRIMARY KEY, name VARCHAR(20), region INT, balance DECIMAL(10,2) NOT NULL DEFAULT 0, touched DATETIME(6), shout VARCHAR(21) AS (CONCAT(name, '!')) STORED, n SMALLINT",
		"(1,'ann',1,10.50,NULL,7),(2,'bob',1,20,NULL,5),(3,'cid',2,30,NULL,NULL),(4,'dan',2,0,NULL,5),(5,'eve',3,99.99,NULL,1),(6,'fay',3,5,NULL,2),(7,'gus',NULL,7,NULL,3),(8,NULL,1,8,NULL,8),(9,'ida',2,9,NULL,9),(10,'jon',3,10,NULL,5)"},
	{"orders", "id", "id INT PRIMARY KEY, customer_id INT NOT NULL, total DECIMAL(10,2), state ENUM('new','paid','sent') NOT NULL DEFAULT 'new', sku VARCHAR(10)",
		"(101,1,5,'new','a1'),(102,1,15,'paid','b2'),(103,2,25,'new','a1'),(104,3,35,'sent','c3'),(105,4,NULL,'new','b2'),(106,5,55,'paid','a1'),(107,6,1,'new','zz'),(108,9,2,'new','b2'),(109,9,3,'paid','c3'),(110,10,4,'new','a1')"},
	{"item", "order_id, line", "order_id INT, line INT, sku VARCHAR(10) NOT NULL, n INT NOT NULL, PRIMARY KEY (order_id, line), UNIQUE (order_id, sku)",
		"(101,1,'a1',1),(101,2,'b2',2),(102,1,'c3',3),(103,1,'a1',4),(103,2,'b2',5),(104,1,'zz',6),(105,1,'a1',7),(106,1,'b2',8),(106,2,'c3',9)"},
	{"visit", "site, day, n", "site VARCHAR(8), day DATE, n INT, hits INT, PRIMARY KEY (site, day, n)",
		"('x','2024-01-01',1,5),('x','2024-01-02',1,6),('y','2024-01-01',1,7),('y','2024-02-01',2,8),('z','2024-03-01',1,9)"},
	{"named", "name", "name VARCHAR(12) PRIMARY KEY, v INT, UNIQUE (name, v)",
		"('Äpfel',1),('birne',2),('Kirsche',3),('dattel',4),('nuss',5),('O''Neil\\\\',6)"},
	{"wide", "id", "id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, i INT, u BIGINT UNSIGNED, de DECIMAL(30,10), f FLOAT, db DOUBLE, c CHAR(6), v VARCHAR(20) CHARACTER SET latin1, tx TEXT, vb VARBINARY(20), bn BINARY(4), bl BLOB, dt DATE, ts DATETIME(6), st TIMESTAMP(3) NULL DEFAULT NULL, tm TIME(2), y YEAR, e ENUM('x','y''z','ä'), s SET('p','q','r'), b BIT(11), dbl DOUBLE AS (db * 2) VIRTUAL, up TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00' ON UPDATE CURRENT_TIMESTAMP",
		"(1,-5,18446744073709551615,12345678901234567890.0123456789,0.1,1e300,'ab','grün','Zeile\\n''1''',X'00FF27','ab',X'DEADBEEF','2024-02-29','2024-01-01 10:20:30.123456','2024-10-27 01:30:00.5','-12:34:56.78',1999,'y''z','p,r',b'10101',DEFAULT),(2,NULL,NULL,NULL,16777217,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,DEFAULT),(3,0,0,-0.5,-1.5e-7,0.1,'','','😀 grün',X'',X'00000000','','1000-01-01','9999-12-31 23:59:59.999999','2001-01-01 00:00:00','838:59:59','2000','ä','',b'0',DEFAULT)"},
	{"loose", "a, b", "a INT, b INT", "(1,1),(2,2),(3,3),(3,3),(4,4)"},
	{"watched", "id", "id INT PRIMARY KEY, v INT", "(1,1),(2,2),(3,3)"},
	{"team", "id", "id INT PRIMARY KEY, name VARCHAR(10)", "(1,'red'),(2,'blue'),(3,'green')"},
	{"player", "id", "id INT PRIMARY KEY, team_id INT, v INT, CONSTRAINT plays FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE", "(11,1,1),(12,1,2),(13,2,3),(14,3,4)"},
	{"stock", "sku", "sku VARCHAR(10) PRIMARY KEY, price DECIMAL(8,2), n INT, at DATETIME(6)", "('a1',1.50,100,NULL),('b2',2.50,200,NULL),('c3',3.50,300,NULL),('dd',4.50,400,NULL)"},
	{"kind", "id", "id INT PRIMARY KEY, region INT, title VARCHAR(10), up TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)",
		"(1,1,'north',DEFAULT),(2,2,'south',DEFAULT),(3,3,'east',DEFAULT),(4,9,'none',DEFAULT)"},
	{"setting", "k", "k VARCHAR(10) PRIMARY KEY, v INT", "('a',1),('b',2),('c',3)"},
	{"job", "id", "id INT PRIMARY KEY, v INT", "(1,10),(2,20),(3,30)"},
}

// stored are the columns of a table that an INSERT gives.
func (d tableDef) stored(c *client) string {
	return strings.Join(c.rows("SELECT column_name FROM information_schema.columns WHERE table_schema = 'd' AND table_name = '"+d.name+"' AND IFNULL(generation_expression, '') = '' ORDER BY ordinal_position"), ", ")
}

// shown is how the rows of a table are read to be compared: without what depends on the time.
func (d tableDef) shown() string {
	switch d.name {
	case "customer":
		return "SELECT id, name, region, balance, touched IS NULL, shout, n FROM customer ORDER BY id"
	case "stock":
		return "SELECT sku, price, n, at IS NULL FROM stock ORDER BY sku"
	case "kind":
		return "SELECT id, region, title FROM kind ORDER BY id"
	case "wide":
		return "SELECT id, i, u, de, f, f+0e0, db, CONCAT(c,'.'), HEX(v), HEX(tx), HEX(vb), HEX(bn), HEX(bl), dt, ts, st, tm, y, e+0, s+0, b+0, dbl, up > '2020-01-02' FROM wide ORDER BY id"
	}
	return "SELECT * FROM " + d.name + " ORDER BY " + d.key
}
