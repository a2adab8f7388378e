package session

import (
	"fmt"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

func TestStatements(t *testing.T) {
	c := start(t, cluster.Options{})
	root := connect(t, c, "")
	root.exec("CREATE DATABASE d")
	s := connect(t, c, "d")
	s.exec("CREATE TABLE item (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40), n INT, UNIQUE KEY (id, n))")

	t.Run("a multi-row insert spreads and counts its ids", func(t *testing.T) {
		s.t = t
		var b strings.Builder
		for i := range 30 {
			fmt.Fprintf(&b, ",('name %02d', %d)", i, i%3)
		}
		r := s.exec("INSERT INTO item (name, n) VALUES " + b.String()[1:])
		if id, _ := r.LastInsertId(); id != 1 {
			t.Errorf("first id is %d", id)
		}
		if n, _ := r.RowsAffected(); n != 30 {
			t.Errorf("%d rows affected", n)
		}
		s.want("SELECT LAST_INSERT_ID()", "1")
		total := 0
		for i := range 3 {
			var n int
			if err := c.ShardDB(i, "d").QueryRow("SELECT COUNT(*) FROM item").Scan(&n); err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				t.Errorf("shard %d has no rows", i)
			}
			total += n
		}
		if total != 30 {
			t.Errorf("%d rows on the shards", total)
		}
	})
	t.Run("point reads in text and prepared", func(t *testing.T) {
		s.t = t
		for i := 1; i <= 30; i++ {
			want := fmt.Sprintf("%d,name %02d", i, i-1)
			s.want(fmt.Sprintf("SELECT id, name FROM item WHERE id = %d", i), want)
			if got := s.rows("SELECT id, name FROM item WHERE id = ?", i); len(got) != 1 || got[0] != want {
				t.Errorf("prepared: %q, want %q", got, want)
			}
		}
		s.want("SELECT id FROM item WHERE id = 999")
	})
	t.Run("scattered reads are merged", func(t *testing.T) {
		s.t = t
		s.want("SELECT COUNT(*), SUM(n), MIN(id), MAX(name), AVG(id) FROM item", "30,30,1,name 29,15.5000")
		s.want("SELECT id FROM item WHERE id IN (3, 1, 2) ORDER BY id DESC", "3", "2", "1")
		s.want("SELECT name FROM item ORDER BY name DESC LIMIT 2, 3", "name 27", "name 26", "name 25")
		s.want("SELECT n, COUNT(*) FROM item GROUP BY n ORDER BY n", "0,10", "1,10", "2,10")
		s.want("SELECT DISTINCT n FROM item ORDER BY n", "0", "1", "2")
		if got := s.rows("SELECT n, COUNT(*), SUM(id) FROM item WHERE id > ? GROUP BY n ORDER BY n", 15); len(got) != 3 || got[0] != "0,5,110" {
			t.Errorf("prepared group: %q", got)
		}
	})
	t.Run("changes count rows over shards", func(t *testing.T) {
		s.t = t
		s.affected(10, "UPDATE item SET name = CONCAT(name, '!') WHERE n = 1")
		s.want("SELECT ROW_COUNT()", "10")
		s.affected(1, "UPDATE item SET n = 7 WHERE id = ?", 5)
		s.affected(2, "DELETE FROM item WHERE id IN (29, 30)")
		s.want("SELECT COUNT(*) FROM item", "28")
	})
	t.Run("errors are the server's own", func(t *testing.T) {
		s.t = t
		s.fails(1062, "INSERT INTO item (id, name) VALUES (1, 'again')")
		key := map[localdb.Engine]string{localdb.MariaDB: "PRIMARY", localdb.MySQL: "item.PRIMARY"}[c.Shards[0].Engine]
		s.want("SHOW ERRORS", "Error,1062,Duplicate entry '1' for key '"+key+"'")
		s.fails(1146, "SELECT * FROM nothing")
		s.fails(1064, "SELEC 1")
		s.fails(1054, "SELECT nope FROM item")
		s.fails(1049, "USE nowhere")
		s.fails(1235, "LOCK TABLES item WRITE")
	})
	t.Run("a failed change of several shards leaves nothing", func(t *testing.T) {
		s.t = t
		s.fails(1062, "INSERT INTO item (id, name) VALUES (101, 'a'), (102, 'b'), (103, 'c'), (104, 'd'), (1, 'again')")
		s.want("SELECT COUNT(*) FROM item WHERE id > 100", "0")
	})
	t.Run("warnings", func(t *testing.T) {
		s.t = t
		s.exec("SET sql_mode = ''")
		s.exec("INSERT INTO item (id, name) VALUES (200, '" + strings.Repeat("x", 50) + "')")
		s.want("SHOW WARNINGS", "Warning,1265,Data truncated for column 'name' at row 1")
		s.want("SELECT 1", "1")
		s.want("SHOW WARNINGS")
		s.exec("SET sql_mode = DEFAULT")
	})
	t.Run("session state", func(t *testing.T) {
		s.t = t
		s.exec("SET @a = 1 + 1, @b = 'it''s'")
		s.want("SELECT @a, @b", "2,it's")
		s.want("SELECT COUNT(*) FROM item WHERE id = @a", "1")
		s.exec("SET time_zone = '+03:00'")
		s.want("SELECT @@time_zone", "+03:00")
		s.exec("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
		isolation := map[localdb.Engine]string{localdb.MariaDB: "@@tx_isolation", localdb.MySQL: "@@transaction_isolation"}[c.Shards[0].Engine]
		s.want("SELECT "+isolation, "READ-COMMITTED")
		s.fails(1193, "SET no_such_variable = 1")
		s.want("SELECT DATABASE()", "d")
		s.want("SELECT @@autocommit", "1")
	})
	t.Run("explain lockstep", func(t *testing.T) {
		s.t = t
		if got := s.rows("EXPLAIN LOCKSTEP SELECT * FROM item WHERE id = 7"); len(got) == 0 {
			t.Error("no plan")
		}
	})
	t.Run("shows", func(t *testing.T) {
		s.t = t
		s.want("SHOW TABLES", "item")
		if got := s.rows("SHOW CREATE TABLE item"); len(got) != 1 || !strings.Contains(got[0], "CREATE TABLE `item`") {
			t.Errorf("show create table: %q", got)
		}
		if got := s.rows("DESCRIBE item"); len(got) != 3 {
			t.Errorf("describe: %q", got)
		}
		if got := s.rows("SHOW PROCESSLIST"); len(got) < 2 {
			t.Errorf("processlist: %q", got)
		}
		if got := s.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'd'"); len(got) != 1 {
			t.Errorf("information_schema: %q", got)
		}
	})
}
