package changes

import (
	"slices"
	"testing"

	"lockstep/integration/cluster"
)

// A user variable that a change assigns is its session's, and nobody else's: server connections are shared.
func TestVariablesAssignedInChanges(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 2, Pool: "max_connections: 3"})
	c.StartProxy()
	dial(t, c.Listen, "", 0).must("CREATE DATABASE d")
	s, other := dial(t, c.Listen, "d", 0), dial(t, c.Listen, "d", 0)
	s.must("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	s.must("INSERT INTO a VALUES (1, 10), (2, 20), (3, 30), (4, 40)")
	for _, sql := range []string{
		"UPDATE a SET v = (@x := 5) WHERE id = 1",
		"UPDATE a SET v = v + 1 WHERE id = 1 AND (@x := 5)",
		"DELETE FROM a WHERE id = 2 AND (@x := 5)",
		"INSERT INTO a VALUES (9, @x := 5)",
		"REPLACE INTO a VALUES (9, @x := 5)",
	} {
		for _, inside := range []bool{false, true, false} {
			s.must("SET @x = 1")
			if inside {
				s.must("BEGIN")
			}
			if r := s.do(false, sql); r.Err != nil && r.Err.Code != 1062 {
				t.Errorf("%s: %v", sql, r.Err)
			}
			if inside {
				s.must("COMMIT")
			}
			if got := s.rows("SELECT @x"); !slices.Equal(got, []string{"5"}) {
				t.Errorf("%s (inside %v): its session has @x = %q", sql, inside, got)
			}
			for id := range 8 {
				if got := other.rows("SELECT @x FROM a WHERE id = " + string(rune('1'+id%4))); slices.ContainsFunc(got, func(v string) bool { return v != "NULL" }) {
					t.Fatalf("%s (inside %v): another session has @x = %q", sql, inside, got)
				}
			}
		}
	}
	for _, sql := range []string{"UPDATE a SET v = (@x := 7)", "INSERT INTO a VALUES (21, @x := 7), (22, @x := 8), (23, @x := 9)", "DO @x := 7"} {
		if r := s.do(false, sql); r.Err == nil || r.Err.Code != 1235 {
			t.Errorf("%s: %s, want a refusal", sql, told(r, false))
		}
	}
}
