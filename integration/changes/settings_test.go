package changes

import (
	"fmt"
	"slices"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// Clients that ask for it are told how many rows were met, not how many differ now.
func TestFoundRows(t *testing.T) {
	const clientFoundRows = 2
	p := newPair(t, cluster.Engine(t), clientFoundRows)
	p.fillAll()
	for i, sql := range []string{
		"UPDATE customer SET n = 5 ORDER BY id LIMIT 5",
		"UPDATE customer SET id = id + 300 WHERE id > 4",
		"UPDATE customer SET id = 3 WHERE id = 3",
		"UPDATE customer SET n = 5 WHERE id IN (SELECT customer_id FROM orders)",
		"UPDATE orders o JOIN item i ON i.order_id = o.id SET o.state = 'new', i.n = 1",
		"UPDATE stock SET n = 100 WHERE sku IN (SELECT sku FROM item)",
		"DELETE FROM customer ORDER BY id LIMIT 3",
		"UPDATE customer SET n = 5 WHERE id > 1000 ORDER BY id LIMIT 3",
	} {
		p.ways(statement{sql: sql}, i)
	}
}

// limited is a cluster whose proxy takes few rows in one change.
func limited(t *testing.T) *client {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 2, Config: "limits: {max_changed_rows: 5}\n"})
	c.StartProxy()
	dial(t, c.Listen, "", 0).must("CREATE DATABASE d")
	s := dial(t, c.Listen, "d", 0)
	s.must("CREATE TABLE a (id INT PRIMARY KEY, v INT NOT NULL, w INT)")
	s.must("INSERT INTO a VALUES (1,1,1),(2,2,2),(3,3,3),(4,4,4),(5,5,5),(6,6,6),(1000,7,7),(1001,8,8)")
	return s
}

func code(r wireclient.Result) uint16 {
	if r.Err == nil {
		return 0
	}
	return r.Err.Code
}

// What a session has set holds for changes in several steps as for any other.
func TestSettings(t *testing.T) {
	s := limited(t)
	want := func(sql string, errorCode uint16) {
		t.Helper()
		if r := s.do(false, sql); code(r) != errorCode {
			t.Errorf("%s: %s, want code %d", sql, told(r, false), errorCode)
		}
	}
	sum := func(want string) {
		t.Helper()
		if got := fmt.Sprint(s.rows("SELECT COUNT(*), SUM(id), SUM(v) FROM a")); got != want {
			t.Errorf("the rows are %s, want %s", got, want)
		}
	}
	const first = "[8|2022|36]"
	want("UPDATE a SET v = v + 1 ORDER BY id LIMIT 6", 1104)
	want("DELETE FROM a LIMIT 6", 1104)
	sum(first)
	s.must("BEGIN")
	want("UPDATE a SET v = v + 1 ORDER BY id LIMIT 5", 0)
	want("UPDATE a SET v = v + 1 ORDER BY id LIMIT 6", 1104) // the statement alone has not happened
	sum("[8|2022|41]")
	s.must("SAVEPOINT x")
	want("UPDATE a SET id = id + 7000 WHERE id < 3", 0)
	sum("[8|16022|41]")
	want("UPDATE a SET id = 4 WHERE id IN (3, 7001)", 1062)
	sum("[8|16022|41]")
	s.must("ROLLBACK TO x")
	sum("[8|2022|41]")
	s.must("ROLLBACK")
	sum(first)

	s.must("START TRANSACTION READ ONLY")
	want("UPDATE a SET v = 0 ORDER BY id LIMIT 3", 1792)
	want("UPDATE a SET id = id + 7000 WHERE id < 3", 1792)
	s.must("COMMIT")
	s.must("SET autocommit = 0")
	want("UPDATE a SET v = 0 ORDER BY id LIMIT 3", 0)
	s.must("ROLLBACK")
	s.must("SET autocommit = 1")
	sum(first)

	s.must("SET lockstep_commit_mode = 'single'")
	want("UPDATE a SET v = 0 ORDER BY id LIMIT 4", 1235)
	sum(first)
	for _, mode := range []string{"3pc", "2pc"} {
		s.must("SET lockstep_commit_mode = '" + mode + "'")
		s.must("SET lockstep_token = 'token-" + mode + "'")
		want("UPDATE a SET id = id + 10000 WHERE id < 5", 0)
		sum("[8|42022|36]")
		if got := s.rows("SHOW LOCKSTEP OUTCOME 'token-" + mode + "'"); len(got) != 1 || column(got[0], 1) != "COMMITTED" {
			t.Errorf("outcome of a move by %s: %q", mode, got)
		}
		want("UPDATE a SET id = id - 10000 WHERE id > 10000", 0)
		sum(first)
	}

	// Two rows of different shards, of which one gets the key of the other: the order would decide.
	shardOf := func(id int) string {
		return s.rows(fmt.Sprintf("EXPLAIN LOCKSTEP SELECT v FROM a WHERE id = %d", id))[1][:len("read|s1")]
	}
	low := 2000
	for shardOf(low) == shardOf(low+1) {
		low += 2
	}
	s.must(fmt.Sprintf("INSERT INTO a VALUES (%d, 1, 1), (%d, 1, 1)", low, low+1))
	with := s.rows("SELECT * FROM a ORDER BY id")
	want(fmt.Sprintf("UPDATE a SET id = id + 1 WHERE id >= %d", low), 1235)
	want(fmt.Sprintf("UPDATE a SET id = %d - id WHERE id >= %d", 2*low+1, low), 1235)
	want(fmt.Sprintf("UPDATE a SET id = %d WHERE id = %d", low+1, low), 1062)
	if got := s.rows("SELECT * FROM a ORDER BY id"); !slices.Equal(got, with) {
		t.Errorf("the rows are %q, want %q", got, with)
	}
	s.must(fmt.Sprintf("DELETE FROM a WHERE id >= %d", low))
	sum(first)

	s.must("SET sql_safe_updates = 1")
	want("DELETE FROM a WHERE v > 3 ORDER BY v LIMIT 2", 1235)
	s.must("SET sql_safe_updates = 0")
	sum(first)

	// EXPLAIN runs nothing.
	want("EXPLAIN UPDATE a SET v = 0 ORDER BY id LIMIT 4", 0)
	want("EXPLAIN LOCKSTEP DELETE FROM a ORDER BY id LIMIT 4", 0)
	want("EXPLAIN DELETE FROM a WHERE id IN (SELECT v + 1 FROM (SELECT v FROM a) x)", 0)
	sum(first)
}

func column(line string, n int) string {
	for i, start := 0, 0; start <= len(line); i++ {
		end := start
		for end < len(line) && line[end] != '|' {
			end++
		}
		if i == n {
			return line[start:end]
		}
		start = end + 1
	}
	return ""
}
