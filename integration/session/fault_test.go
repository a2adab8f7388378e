package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

// faulty is a cluster of three shards, each behind a fault proxy, with one row of
// table a per id: ids[i] is one that shard i has.
type faulty struct {
	*cluster.Cluster
	faults []*cluster.Fault
	ids    []string
	rows   int
}

func startFaulty(t *testing.T, config string) *faulty {
	t.Helper()
	f := &faulty{Cluster: cluster.Start(t, cluster.Options{Shards: 3, Config: config}), rows: 12}
	for i := range f.Shards {
		f.faults = append(f.faults, f.Front(i))
	}
	f.StartProxy()
	connect(t, f.Cluster, "").exec("CREATE DATABASE d")
	s := connect(t, f.Cluster, "d")
	s.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	f.ids = make([]string, len(f.Shards))
	for i := range f.rows {
		id := fmt.Sprint(i + 1)
		s.exec("INSERT INTO a VALUES (" + id + ", 0)")
		shard := shardOf(s.rows("EXPLAIN LOCKSTEP SELECT * FROM a WHERE id = " + id)[1])
		for j, sh := range f.Shards {
			if sh.Name == shard {
				f.ids[j] = id
			}
		}
	}
	for i, id := range f.ids {
		if id == "" {
			t.Fatalf("no row of %d is on shard %s", f.rows, f.Shards[i].Name)
		}
	}
	return f
}

// on replaces $1, $2, $3 by ids that are on these shards.
func (f *faulty) on(sql string) string {
	for i, id := range f.ids {
		sql = strings.ReplaceAll(sql, fmt.Sprintf("$%d", i+1), id)
	}
	return sql
}

// tellOpen logs the transactions that a shard lists.
func (f *faulty) tellOpen(t *testing.T, db *sql.DB) {
	t.Helper()
	rows, err := db.Query("SELECT CONCAT_WS(' ', trx_id, trx_mysql_thread_id, trx_state, trx_started, trx_rows_locked, trx_rows_modified, trx_query) FROM information_schema.innodb_trx")
	if err != nil {
		t.Log(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Log(err)
		}
		t.Log("listed: ", text)
	}
	if err := rows.Err(); err != nil {
		t.Log(err)
	}
}

// settled waits until no shard has a transaction open or a branch prepared. MariaDB renews innodb_trx only when nobody
// has read it for 100 ms: who looks again sooner sees the same rows for ever.
func (f *faulty) settled(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for i := range f.Shards {
		db := f.ShardDB(i, "")
		for {
			var open int
			err := db.QueryRow("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> CONNECTION_ID()").Scan(&open)
			left, perr := f.Prepared(i)
			if err == nil && perr == nil && open == 0 && len(left) == 0 {
				break
			}
			if time.Now().After(deadline) {
				f.tellOpen(t, db)
				t.Fatalf("shard %s has %d transactions open (%v) and branches %q prepared (%v)\n%s", f.Shards[i].Name, open, err, left, perr, f.ProxyOutput())
			}
			time.Sleep(120 * time.Millisecond)
		}
	}
}

// values are the values of v on the shards themselves, in the order of ids.
func (f *faulty) values(t *testing.T) map[int]int {
	t.Helper()
	all := map[int]int{}
	for i := range f.Shards {
		rows, err := f.ShardDB(i, "d").Query("SELECT id, v FROM a")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, v int
			if err := rows.Scan(&id, &v); err != nil {
				t.Fatal(err)
			}
			all[id] = v
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A shard's connection that is lost at any moment costs its statement or its
// transaction, and nothing else: no half of a change, no lock, no answer in the wrong place.
func TestLostConnections(t *testing.T) {
	f := startFaulty(t, "timeouts:\n  resolve: 200ms\n")
	const cutRequest, cutAnswer = -1, 0
	type fault struct {
		on     string
		answer int
	}
	cases := []struct {
		name    string
		before  []string
		fault   fault
		run     string
		code    uint16 // 0: no error
		says    string
		broken  bool // the client's own connection ends: it has half of a packet
		dead    bool // only ROLLBACK is left
		after   []string
		changed string // rows that have changed in the end: "all", an id ($n), or "" for none
		either  bool   // changed or not: not known to anybody
	}{
		{name: "point read", fault: fault{"SELECT id", 40}, run: "SELECT id, v FROM a WHERE id = $2", code: 2013},
		{name: "point read, no answer", fault: fault{"SELECT id", cutAnswer}, run: "SELECT id, v FROM a WHERE id = $2", code: 2013},
		{name: "point read in the middle of its rows", fault: fault{"REPEAT", 400}, run: "SELECT id, REPEAT('x', 200), REPEAT('y', 200) FROM a WHERE id = $2", code: 2013},
		{name: "point read in the middle of a large packet", fault: fault{"REPEAT", 1000000}, run: "SELECT id, REPEAT('x', 3000000) FROM a WHERE id = $2", broken: true},
		{name: "scattered read before its rows", fault: fault{"SELECT id", 10}, run: "SELECT id, v FROM a", code: 2013},
		{name: "scattered read among its rows", fault: fault{"REPEAT", 150000}, run: "SELECT id, REPEAT('x', 100000) FROM a", code: 2013},
		{name: "scattered read in order", fault: fault{"REPEAT", 150000}, run: "SELECT id, REPEAT('x', 100000) FROM a ORDER BY id", code: 2013},
		{name: "scattered count", fault: fault{"COUNT", cutAnswer}, run: "SELECT COUNT(*) FROM a", code: 2013},
		{name: "write that was not sent", fault: fault{"UPDATE", cutRequest}, run: "UPDATE a SET v = 1 WHERE id = $2", code: 2013, says: "not known"},
		{name: "write without an answer", fault: fault{"UPDATE", cutAnswer}, run: "UPDATE a SET v = 1 WHERE id = $2", code: 2013, says: "not known", changed: "$2"},
		{name: "scattered write, branch not opened", fault: fault{"XA START", cutRequest}, run: "UPDATE a SET v = 1", code: 2013},
		{name: "scattered write, no answer to XA START", fault: fault{"XA START", cutAnswer}, run: "UPDATE a SET v = 1", code: 2013},
		{name: "scattered write, no answer behind XA START's", fault: fault{"XA START", 11}, run: "UPDATE a SET v = 1", code: 2013},
		{name: "scattered write, vote not asked", fault: fault{"XA PREPARE", cutRequest}, run: "UPDATE a SET v = 1", code: 1402},
		{name: "scattered write, vote lost", fault: fault{"XA PREPARE", cutAnswer}, run: "UPDATE a SET v = 1", code: 1402},
		{name: "scattered write, half of the vote", fault: fault{"XA PREPARE", 11}, run: "UPDATE a SET v = 1", code: 1402},
		{name: "scattered write, commit not sent", fault: fault{"XA COMMIT", cutRequest}, run: "UPDATE a SET v = 1", changed: "all"},
		{name: "scattered write, commit not answered", fault: fault{"XA COMMIT", cutAnswer}, run: "UPDATE a SET v = 1", changed: "all"},
		{name: "first statement on a second shard, not sent", before: []string{"BEGIN", "UPDATE a SET v = 1 WHERE id = $1"},
			fault: fault{"XA START", cutRequest}, run: "UPDATE a SET v = 1 WHERE id = $2", code: 2013, after: []string{"ROLLBACK"}},
		{name: "first statement on a second shard, then commit", before: []string{"BEGIN", "UPDATE a SET v = 1 WHERE id = $1"},
			fault: fault{"XA START", cutAnswer}, run: "UPDATE a SET v = 1 WHERE id = $2", code: 2013, after: []string{"COMMIT"}, changed: "$1"},
		{name: "first statement on a second shard, answered by half", before: []string{"BEGIN", "UPDATE a SET v = 1 WHERE id = $1"},
			fault: fault{"XA START", 11}, run: "UPDATE a SET v = 1 WHERE id = $2", code: 2013, dead: true},
		{name: "second statement", before: []string{"BEGIN", "UPDATE a SET v = 1"},
			fault: fault{"v = 2", cutAnswer}, run: "UPDATE a SET v = 2 WHERE id = $2", code: 2013, dead: true},
		{name: "read inside", before: []string{"BEGIN", "UPDATE a SET v = 1"},
			fault: fault{"SELECT id", 40}, run: "SELECT id FROM a WHERE id = $2", code: 2013, dead: true},
		{name: "scattered read inside", before: []string{"BEGIN", "UPDATE a SET v = 1"},
			fault: fault{"REPEAT", 150000}, run: "SELECT id, REPEAT('x', 100000) FROM a", code: 2013, dead: true},
		{name: "scattered write inside, no answer to its savepoint", before: []string{"BEGIN", "UPDATE a SET v = 1"},
			fault: fault{"v = 2", cutAnswer}, run: "UPDATE a SET v = 2", code: 2013, dead: true},
		{name: "scattered write inside, no answer to itself", before: []string{"BEGIN", "UPDATE a SET v = 1"},
			fault: fault{"v = 2", 11}, run: "UPDATE a SET v = 2", code: 2013, dead: true},
		{name: "scattered write over old and new branches", before: []string{"BEGIN", "UPDATE a SET v = 1 WHERE id = $1"},
			fault: fault{"v = 2", 22}, run: "UPDATE a SET v = 2", code: 2013, dead: true},
		{name: "going back after a failed statement", before: []string{"BEGIN", "UPDATE a SET v = 1"},
			fault: fault{"ROLLBACK TO", cutAnswer}, run: "INSERT INTO a VALUES (101, 1), (102, 1), (103, 1), (104, 1), (105, 1), (106, 1), ($1, 1)", code: 1062, dead: true},
		{name: "savepoint", before: []string{"BEGIN", "UPDATE a SET v = 1"},
			fault: fault{"SAVEPOINT `s`", cutAnswer}, run: "SAVEPOINT s", code: 2013, dead: true},
		{name: "rollback to savepoint", before: []string{"BEGIN", "SAVEPOINT s", "UPDATE a SET v = 1"},
			fault: fault{"ROLLBACK TO", cutRequest}, run: "ROLLBACK TO s", code: 2013, dead: true},
		{name: "rollback", before: []string{"BEGIN", "UPDATE a SET v = 1"}, fault: fault{"XA ROLLBACK", cutAnswer}, run: "ROLLBACK"},
		{name: "rollback not sent", before: []string{"BEGIN", "UPDATE a SET v = 1"}, fault: fault{"XA ROLLBACK", cutRequest}, run: "ROLLBACK"},
		{name: "commit in one phase without an answer", before: []string{"BEGIN", "UPDATE a SET v = 1 WHERE id = $2"},
			fault: fault{"ONE PHASE", cutAnswer}, run: "COMMIT", code: 1401, changed: "$2", either: true},
		{name: "commit of two, reader lost", before: []string{"BEGIN", "SELECT v FROM a WHERE id = $2", "UPDATE a SET v = 1 WHERE id IN ($1, $3)"},
			fault: fault{"ONE PHASE", cutAnswer}, run: "COMMIT", changed: "$1 and $3"},
		{name: "commit, vote lost", before: []string{"BEGIN", "UPDATE a SET v = 1"}, fault: fault{"XA PREPARE", cutAnswer}, run: "COMMIT", code: 1402},
		{name: "commit, not answered", before: []string{"BEGIN", "UPDATE a SET v = 1"}, fault: fault{"XA COMMIT", cutAnswer}, run: "COMMIT", changed: "all"},
		{name: "implicit commit of a definition", before: []string{"BEGIN", "UPDATE a SET v = 1"}, fault: fault{"XA PREPARE", cutAnswer}, run: "CREATE TABLE never (id INT PRIMARY KEY)", code: 1402},
		{name: "switching autocommit on", before: []string{"SET autocommit = 0", "UPDATE a SET v = 1"}, fault: fault{"XA PREPARE", cutAnswer}, run: "SET autocommit = 1", code: 1402,
			after: []string{"UPDATE a SET v = 1 WHERE id = $1", "ROLLBACK", "SET autocommit = 1"}},
		{name: "value of SET inside", before: []string{"BEGIN", "UPDATE a SET v = 1"}, fault: fault{"MAX(v)", cutAnswer}, run: "SET @x = (SELECT MAX(v) FROM a WHERE id = $2)", code: 2013, dead: true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			reset := connect(t, f.Cluster, "d")
			reset.exec("UPDATE a SET v = 0")
			reset.exec("DELETE FROM a WHERE id > 100")
			db := f.DB("d")
			db.SetMaxOpenConns(1)
			conn, err := db.Conn(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			s := &client{t, conn}
			for _, q := range tc.before {
				drain(t, s, f.on(q))
			}
			rule := f.faults[1].Arm(cluster.Rule{On: tc.fault.on, Answer: tc.fault.answer})
			err = ask(s, f.on(tc.run))
			select {
			case <-rule.Met():
			default:
				t.Fatalf("%s never went to the shard (answer: %v)", tc.fault.on, err)
			}
			var me *mysql.MySQLError
			switch {
			case tc.broken:
				if err == nil || errors.As(err, &me) {
					t.Fatalf("the client hears %v", err)
				}
			case tc.code == 0 && err != nil:
				t.Fatalf("the client hears %v", err)
			case tc.code != 0 && (!errors.As(err, &me) || me.Number != tc.code || !strings.Contains(me.Message, tc.says)):
				t.Fatalf("the client hears %v, want %d %s", err, tc.code, tc.says)
			}
			if tc.dead {
				s.fails(1402, "SELECT COUNT(*) FROM a")
				s.fails(1402, f.on("UPDATE a SET v = 3 WHERE id = $3"))
				s.fails(1402, "SAVEPOINT p")
				s.fails(1402, "COMMIT")
				s.exec("ROLLBACK")
			}
			for _, q := range tc.after {
				s.exec(f.on(q))
			}
			if !tc.broken {
				// The next answer is that of the next question.
				s.want("SELECT 4711", "4711")
				s.want(f.on("SELECT id FROM a WHERE id = $2"), f.ids[1])
			}
			f.settled(t)
			for id, v := range f.values(t) {
				want := 0
				if tc.changed == "all" || strings.Contains(" "+f.on(tc.changed)+" ", fmt.Sprintf(" %d ", id)) {
					want = 1
				}
				if v != want && !(tc.either && v == 0) {
					t.Errorf("row %d is %d, want %d", id, v, want)
				}
			}
			if !tc.broken {
				s.affected(int64(f.rows), "UPDATE a SET v = 7")
				s.want("SELECT COUNT(*), SUM(v) FROM a", fmt.Sprintf("%d,%d", f.rows, 7*f.rows))
			}
		})
	}
}

// ask runs a statement to the end of its rows.
func ask(s *client, query string) error {
	rows, err := s.conn.QueryContext(context.Background(), query)
	if err != nil {
		return err
	}
	for rows.Next() {
		// only whether they all come is of interest
		var v []sql.RawBytes
		cols, err := rows.Columns()
		if err != nil {
			return errors.Join(err, rows.Close())
		}
		v = make([]sql.RawBytes, len(cols))
		ptrs := make([]any, len(cols))
		for i := range v {
			ptrs[i] = &v[i]
		}
		if err := rows.Scan(ptrs...); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func drain(t *testing.T, s *client, query string) {
	t.Helper()
	if err := ask(s, query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
