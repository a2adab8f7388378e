package schema

import (
	"reflect"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// Syntax that the parser does not know is answered as one server does, or the server's own error is told.
func TestSyntaxBeyondTheParser(t *testing.T) {
	if cluster.Engine(t) != localdb.MariaDB {
		t.Skip("the syntax is MariaDB's")
	}
	_, s := begin(t, cluster.Options{})
	one := plain(t)
	one.exec("CREATE DATABASE d")
	one.exec("USE d")
	for _, q := range []string{
		"CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(40))",
		"CREATE TABLE h (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
		"INSERT INTO t VALUES (1,'[1,2]'),(2,'[3]'),(3,'[]'),(4,'[4,5,6]'),(5,'[7]')",
		"INSERT INTO h VALUES (1,1),(2,2),(3,3),(4,4)",
		"UPDATE h SET v = v + 10 WHERE id < 3",
		"DELETE FROM h WHERE id = 4",
	} {
		one.exec(q)
		s.exec(q)
	}
	for _, q := range []string{
		"SELECT t.id, jt.a FROM t, JSON_TABLE(t.v, '$[*]' COLUMNS(a INT PATH '$')) AS jt ORDER BY t.id, jt.a",
		"SELECT SUM(jt.a) FROM t, JSON_TABLE(t.v, '$[*]' COLUMNS(a INT PATH '$')) AS jt WHERE t.id = 4",
		"SELECT id FROM t ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",
		"SELECT LENGTH(v) AS l FROM t ORDER BY l DESC FETCH FIRST 2 ROWS WITH TIES",
		"SELECT COUNT(*), SUM(v) FROM h FOR SYSTEM_TIME ALL",
		"SELECT id, v FROM h FOR SYSTEM_TIME ALL ORDER BY id, v",
		"SELECT v FROM h FOR SYSTEM_TIME ALL WHERE id = 2 ORDER BY v",
		"SELECT COUNT(*) FROM h FOR SYSTEM_TIME AS OF TIMESTAMP '2001-01-01 00:00:00'",
		"SELECT id FROM t WHERE id = 1 LOCK IN SHARE MODE NOWAIT",
		"SELECT id FROM t WHERE v SOUNDS LIKE '[1,2]' AND id < 3 ORDER BY id",
		"VALUES (1, 'a'), (2, 'b')",
	} {
		if got, want := s.rows(q), one.rows(q); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %q\nwant %q", q, got, want)
		}
	}
	if len(s.rows("ANALYZE SELECT * FROM t WHERE id = 1")) == 0 {
		t.Error("ANALYZE SELECT says nothing")
	}
	s.fails(1064, "SELECT id FRM t")
	s.fails(1064, "UPDATE t SETT v = 1")
	s.fails(1644, "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'")
	s.refused("SELECT * FROM t LIMIT 2 ROWS EXAMINED 100")
	s.refused("HANDLER t OPEN")
}
