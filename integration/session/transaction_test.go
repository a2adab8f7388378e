package session

import (
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

func TestTransactions(t *testing.T) {
	c := start(t, cluster.Options{})
	connect(t, c, "").exec("CREATE DATABASE d")
	s, other := connect(t, c, "d"), connect(t, c, "d")
	s.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	s.exec("INSERT INTO a VALUES (1,0),(2,0),(3,0),(4,0),(5,0),(6,0),(7,0),(8,0)")
	sum := func(t *testing.T, c *client, want string) {
		t.Helper()
		c.t = t
		c.want("SELECT SUM(v) FROM a", want)
	}

	t.Run("rollback and commit over all shards", func(t *testing.T) {
		s.t = t
		s.exec("BEGIN")
		s.affected(8, "UPDATE a SET v = v + 1")
		sum(t, s, "8")
		sum(t, other, "0")
		s.exec("ROLLBACK")
		sum(t, s, "0")
		s.exec("BEGIN")
		s.exec("UPDATE a SET v = v + 1")
		s.exec("COMMIT")
		sum(t, other, "8")
	})
	t.Run("the transaction has a name and branches", func(t *testing.T) {
		s.t = t
		s.exec("BEGIN")
		s.exec("UPDATE a SET v = v")
		if got := s.rows("SELECT @@lockstep_gtrid"); len(got) != 1 || len(got[0]) < 10 {
			t.Errorf("gtrid is %q", got)
		}
		if got := s.rows("SHOW LOCKSTEP BRANCHES"); len(got) != 3 {
			t.Errorf("branches are %q", got)
		}
		s.exec("ROLLBACK")
	})
	t.Run("savepoints reach branches that open later", func(t *testing.T) {
		s.t = t
		s.exec("BEGIN")
		s.exec("UPDATE a SET v = 100 WHERE id = 1")
		s.exec("SAVEPOINT `p-1```")
		s.exec("UPDATE a SET v = 100")
		s.exec("ROLLBACK TO SAVEPOINT `p-1```")
		s.exec("COMMIT")
		sum(t, s, "107")
		s.exec("UPDATE a SET v = 1")
		s.fails(1305, "ROLLBACK TO SAVEPOINT nothing")
	})
	t.Run("a failed statement of several shards is taken back alone", func(t *testing.T) {
		s.t = t
		s.exec("BEGIN")
		s.exec("INSERT INTO a VALUES (20, 5)")
		s.fails(1062, "INSERT INTO a VALUES (21,5),(22,5),(23,5),(24,5),(1,5)")
		s.exec("COMMIT")
		s.want("SELECT id FROM a WHERE id > 8 ORDER BY id", "20")
		s.exec("DELETE FROM a WHERE id = 20")
	})
	t.Run("autocommit off", func(t *testing.T) {
		s.t = t
		s.exec("SET autocommit = 0")
		s.exec("UPDATE a SET v = 9")
		sum(t, other, "8")
		s.exec("SET autocommit = 1")
		sum(t, other, "72")
		s.exec("UPDATE a SET v = 1")
	})
	t.Run("read only", func(t *testing.T) {
		s.t = t
		s.exec("START TRANSACTION READ ONLY")
		sum(t, s, "8")
		s.fails(1792, "UPDATE a SET v = 2 WHERE id = 1")
		s.exec("COMMIT")
	})
	t.Run("definitions commit", func(t *testing.T) {
		s.t = t
		s.exec("BEGIN")
		s.exec("UPDATE a SET v = 2")
		s.exec("CREATE TABLE b (id INT PRIMARY KEY)")
		s.exec("ROLLBACK")
		sum(t, other, "16")
		s.exec("UPDATE a SET v = 1")
	})
	t.Run("a deadlock ends the transaction", func(t *testing.T) {
		s.t, other.t = t, t
		s.exec("BEGIN")
		other.exec("BEGIN")
		s.exec("UPDATE a SET v = 5 WHERE id = 1")
		var mate string // another id on the shard of id 1
		for _, id := range []string{"2", "3", "4", "5", "6", "7", "8"} {
			plan1, plan2 := s.rows("EXPLAIN LOCKSTEP SELECT * FROM a WHERE id = 1"), s.rows("EXPLAIN LOCKSTEP SELECT * FROM a WHERE id = "+id)
			if shardOf(plan1[1]) == shardOf(plan2[1]) {
				mate = id
				break
			}
		}
		if mate == "" {
			t.Skip("no two rows on the shard of row 1")
		}
		other.exec("UPDATE a SET v = 5 WHERE id = " + mate)
		done := make(chan error, 1)
		go func() {
			_, err := s.conn.ExecContext(t.Context(), "UPDATE a SET v = 6 WHERE id = "+mate)
			done <- err
		}()
		_, err := other.conn.ExecContext(t.Context(), "UPDATE a SET v = 6 WHERE id = 1")
		first := <-done
		victim, winner := s, other
		if first == nil {
			victim, winner, first = other, s, err
		}
		if first == nil {
			t.Fatal("nobody was chosen as the victim")
		}
		victim.fails(1402, "UPDATE a SET v = 7 WHERE id = 3")
		victim.fails(1402, "COMMIT")
		victim.exec("ROLLBACK")
		winner.exec("ROLLBACK")
		sum(t, s, "8")
	})
	t.Run("one shard only", func(t *testing.T) {
		s.t = t
		s.exec("SET lockstep_commit_mode = 'single'")
		s.fails(1235, "UPDATE a SET v = 3")
		s.affected(1, "UPDATE a SET v = 3 WHERE id = 1")
		s.exec("SET lockstep_commit_mode = DEFAULT")
		s.exec("UPDATE a SET v = 1")
	})
	for i := range c.Shards {
		if left, err := c.Prepared(i); err != nil || len(left) > 0 {
			t.Errorf("shard %d has prepared branches %q (%v)", i, left, err)
		}
	}
}

// shardOf takes the shard out of a row (step, shard, statement) of EXPLAIN LOCKSTEP.
func shardOf(row string) string { return strings.Split(row, ",")[1] }

func TestStoredFunctionsCountAsWriters(t *testing.T) {
	c := start(t, cluster.Options{Shards: 2})
	connect(t, c, "").exec("CREATE DATABASE d")
	s := connect(t, c, "d")
	s.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	s.exec("CREATE TABLE b (id INT PRIMARY KEY, v INT)") // its rows lie with those of a
	s.exec("INSERT INTO a VALUES (1,0),(2,0),(3,0),(4,0)")
	s.exec("INSERT INTO b VALUES (1,0),(2,0),(3,0),(4,0)")
	s.exec("CREATE FUNCTION bump(n INT) RETURNS INT MODIFIES SQL DATA BEGIN UPDATE b SET v = v + 1 WHERE id = n; RETURN n; END")
	s.exec("BEGIN")
	s.want("SELECT bump(id) FROM a WHERE id = 1", "1")
	if got := s.rows("SHOW LOCKSTEP BRANCHES"); len(got) != 1 || !strings.HasSuffix(got[0], "wrote") {
		t.Errorf("branches are %q", got)
	}
	s.exec("COMMIT")
	s.want("SELECT v FROM b WHERE id = 1", "1")
	s.fails(1235, "SELECT bump(id) FROM a")
	s.want("SELECT SUM(v) FROM b", "1")
}
