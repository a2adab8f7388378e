package session

import (
	"fmt"
	"testing"

	"lockstep/integration/cluster"
)

// A procedure gives its OUT parameters to the session that called it, and leaves nothing for others.
func TestCallLeavesNothing(t *testing.T) {
	c := start(t, cluster.Options{Shards: 1, Pool: "max_connections: 1"})
	connect(t, c, "").exec("CREATE DATABASE d")
	s, other := connect(t, c, "d"), connect(t, c, "d")
	s.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	db := c.ShardDB(0, "d")
	for name, body := range map[string]string{
		"vars()":                     "SET @x = 5",
		"auto()":                     "SET autocommit = 0",
		"open()":                     "BEGIN START TRANSACTION; INSERT INTO a VALUES (100, 1); END",
		"temp()":                     "CREATE TEMPORARY TABLE tmp (i INT)",
		"fails()":                    "BEGIN SET @x = 6; SIGNAL SQLSTATE '45000'; END",
		"gives(INOUT o INT, t TEXT)": "SET o = o + 1",
		"rows_of()":                  "BEGIN SET @x = 7; SELECT 1; SELECT 2; END",
	} {
		if _, err := db.Exec("CREATE PROCEDURE " + name + " " + body); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		other.want("SELECT @x, @o, @@autocommit", "NULL,NULL,1")
		other.fails(1146, "SELECT * FROM tmp")
		other.exec("REPLACE INTO a VALUES (1, 1)")
		var n int
		if err := db.QueryRow("SELECT COUNT(*) FROM a WHERE id = 1").Scan(&n); err != nil || n != 1 {
			t.Errorf("what another session wrote is not committed: %d rows (%v)", n, err)
		}
		if err := db.QueryRow("SELECT COUNT(*) FROM a WHERE id = 100").Scan(&n); err != nil || n != 0 {
			t.Errorf("what a procedure left open is committed: %d rows (%v)", n, err)
		}
		other.exec("DELETE FROM a")
	}
	for _, inside := range []bool{false, true} {
		for _, call := range []string{"vars()", "auto()", "open()", "temp()", "fails()", "gives(@o, 'x@y')", "rows_of()"} {
			if inside && (call == "auto()" || call == "open()") {
				continue // it ends the transaction, as on a server
			}
			t.Run(fmt.Sprintf("%s inside %v", call, inside), func(t *testing.T) {
				s.t, other.t = t, t
				s.exec("SET @o = 7")
				if inside {
					s.exec("BEGIN")
				}
				err := ask(s, "CALL "+call)
				if failed := err != nil; failed != (call == "fails()") {
					t.Fatal(err)
				}
				if inside {
					s.exec("COMMIT")
				}
				want := "7"
				if call == "gives(@o, 'x@y')" {
					want = "8"
				}
				s.want("SELECT @o", want)
				check()
			})
		}
	}
}
