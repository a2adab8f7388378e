package session

import (
	"testing"

	"lockstep/integration/cluster"
)

// User variables that a query on tables assigns are the session's, and nobody else's.
func TestVariablesAssignedInQueries(t *testing.T) {
	c := start(t, cluster.Options{Shards: 1, Pool: "max_connections: 3"})
	connect(t, c, "").exec("CREATE DATABASE d")
	s, other := connect(t, c, "d"), connect(t, c, "d")
	s.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	s.exec("INSERT INTO a VALUES (1, 10), (2, 20)")
	for _, inside := range []bool{false, true} {
		for range 2 { // from the second time on its plan is known
			s.exec("SET @x = NULL, @y = NULL")
			if inside {
				s.exec("BEGIN")
			}
			s.exec("SELECT v INTO @x FROM a WHERE id = 1")
			s.want("SELECT @y := v FROM a WHERE id = 2", "20")
			s.want("SELECT @x, @y", "10,20")
			for range 2 {
				other.want("SELECT @x, @y", "NULL,NULL")
				other.want("SELECT @x, v FROM a WHERE id = 1", "NULL,10")
			}
			if inside {
				s.exec("COMMIT")
			}
			s.want("SELECT @x, @y", "10,20")
		}
	}
}
