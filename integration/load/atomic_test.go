package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/localdb"
	"lockstep/protocol"
)

const csv = " FIELDS TERMINATED BY ','"

// lines is a file of n lines with ids from first on.
func lines(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,value %d\n", first+i, first+i)
	}
	return b.String()
}

// A file of many lines arrives whole, each line where reads by its key look for it.
func manyLines(t *testing.T, c *cluster.Cluster) {
	const n = 50_000
	db := c.DB("d")
	exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
	defer exec(t, db, "DROP TABLE t")
	began := time.Now()
	if got := loaded(t, db, lines(1, n), "INTO TABLE t"+csv); got != n {
		t.Errorf("%d rows affected, want %d", got, n)
	}
	t.Logf("%d lines in %v", n, time.Since(began))
	if got, want := rows(t, db, "SELECT COUNT(*), MIN(id), MAX(id) FROM t"), fmt.Sprintf("%d|1|%d\n", n, n); got != want {
		t.Errorf("rows are %q, want %q", got, want)
	}
	for i := range c.Shards {
		if got := rows(t, c.ShardDB(i, "d"), "SELECT COUNT(*) > 10000 FROM t"); got != "1\n" {
			t.Errorf("shard %d has hardly any row", i)
		}
	}
	for range 200 {
		id := 1 + rand.IntN(n)
		if got, want := rows(t, db, fmt.Sprintf("SELECT v FROM t WHERE id = %d", id)), fmt.Sprintf("value %d\n", id); got != want {
			t.Fatalf("row %d is %q", id, got)
		}
	}
}

// What cannot be placed, or is refused by a shard, leaves nothing of the file, and the transaction and session as they were.
func allOrNothing(t *testing.T, c *cluster.Cluster) {
	db := connect(t, c.DB("d"))
	exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) NOT NULL)")
	defer exec(t, db, "DROP TABLE t")
	many := lines(10, 30_000)
	for name, tc := range map[string]struct {
		file, rest string
		code       int
	}{
		"key is no number":   {many + "x,y\n" + lines(1_000_000, 10), "INTO TABLE t" + csv, 1235},
		"key is NULL":        {lines(10, 10) + "\\N,y\n", "INTO TABLE t" + csv, 1235},
		"key does not fit":   {lines(10, 10) + "9999999999,y\n", "INTO TABLE t" + csv, 1235},
		"no key":             {lines(10, 10) + "\n" + lines(20, 3), "INTO TABLE t" + csv + " (v, id)", 1235},
		"long line":          {many + "7," + strings.Repeat("x", 5000) + "\n" + many, "INTO TABLE t" + csv, 1235},
		"endless line":       {strings.Repeat("x", 500_000), "INTO TABLE t" + csv, 1235},
		"computed key":       {many, "INTO TABLE t" + csv + " (@i, v) SET id = @i + 1", 1235},
		"key is not there":   {many, "INTO TABLE t" + csv + " (@i, v)", 1235},
		"fixed fields":       {many, "INTO TABLE t FIELDS TERMINATED BY '' ENCLOSED BY ''", 1235},
		"unknown to a shard": {many, "INTO TABLE t" + csv + " (id, @v) SET v = nope(@v)", 1305},
		"too long, strict":   {many + "7," + strings.Repeat("x", 30) + "\n", "REPLACE INTO TABLE t" + csv, 1406},
	} {
		t.Run(name, func(t *testing.T) {
			check := func() {
				t.Helper()
				_, err := load(t.Context(), db, strings.NewReader(tc.file), tc.rest)
				wantCode(t, err, tc.code)
			}
			check()
			if got := rows(t, db, "SELECT COUNT(*) FROM t"); got != "0\n" {
				t.Errorf("%s rows are left", got)
			}
			exec(t, db, "BEGIN")
			exec(t, db, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
			check()
			exec(t, db, "INSERT INTO t VALUES (4, 'd')")
			exec(t, db, "COMMIT")
			if got := rows(t, db, "SELECT id FROM t ORDER BY id"); got != "1\n2\n3\n4\n" {
				t.Errorf("rows are %q", got)
			}
			exec(t, db, "DELETE FROM t WHERE id > 0")
		})
	}
	t.Run("rolled back", func(t *testing.T) {
		exec(t, db, "BEGIN")
		if n := loaded(t, db, many, "INTO TABLE t"+csv); n != 30_000 {
			t.Errorf("%d rows", n)
		}
		exec(t, db, "ROLLBACK")
		if got := rows(t, db, "SELECT COUNT(*) FROM t"); got != "0\n" {
			t.Errorf("%s rows are left", got)
		}
	})
	nothingLeft(t, c)
}

// nothingLeft waits until no shard has a transaction or prepared branch any more.
func nothingLeft(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for i := range c.Shards {
		db := c.ShardDB(i, "")
		deadline := time.Now().Add(5 * time.Second)
		for {
			left := rows(t, db, "SELECT trx_mysql_thread_id, trx_query FROM information_schema.innodb_trx WHERE trx_rows_modified > 0") + rows(t, db, "XA RECOVER")
			if left == "" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("shard %d still has %s", i, left)
			}
			time.Sleep(150 * time.Millisecond) // the table is a copy that stays while it is read more often
		}
	}
}

// slowFile gives its text, waits until all of it has surely arrived, and gives the rest once between has returned.
type slowFile struct {
	text    io.Reader
	between func()
	rest    io.Reader
}

func (f *slowFile) Read(b []byte) (int, error) {
	n, err := f.text.Read(b)
	if !errors.Is(err, io.EOF) || f.rest == nil {
		return n, err
	}
	time.Sleep(200 * time.Millisecond)
	f.between()
	f.text, f.rest = f.rest, nil
	return n, nil
}

// Where the client, a shard or the session ends in the middle of the file, nothing of it stays.
func brokenOff(t *testing.T, c *cluster.Cluster) {
	db := c.DB("d")
	exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
	exec(t, db, "CREATE TABLE one (id INT, v VARCHAR(20))") // without a key: on one shard
	defer exec(t, db, "DROP TABLE t")
	defer exec(t, db, "DROP TABLE one")
	empty := func(t *testing.T) {
		t.Helper()
		for _, table := range []string{"t", "one"} {
			if got := rows(t, db, "SELECT COUNT(*) FROM "+table); got != "0\n" {
				t.Errorf("%s has %s rows", table, got)
			}
		}
		nothingLeft(t, c)
	}
	for _, table := range []string{"t", "one"} {
		t.Run("client is gone, "+table, func(t *testing.T) {
			nc := startFile(t, c, table)
			if err := nc.Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
			empty(t)
		})
		t.Run("KILL, "+table, func(t *testing.T) {
			victim := connect(t, db)
			id := strings.TrimSpace(rows(t, victim, "SELECT CONNECTION_ID()"))
			err := during(victim, table, func() { exec(t, db, "KILL "+id) })
			if err == nil {
				t.Error("the killed session's file was loaded")
			}
			empty(t)
		})
		t.Run("KILL QUERY, "+table, func(t *testing.T) {
			victim := connect(t, db)
			id := strings.TrimSpace(rows(t, victim, "SELECT CONNECTION_ID()"))
			err := during(victim, table, func() { exec(t, db, "KILL QUERY "+id) })
			wantCode(t, err, 1317)
			if got := rows(t, victim, "SELECT 1"); got != "1\n" {
				t.Error(got)
			}
			empty(t)
		})
	}
	t.Run("a shard's restart", func(t *testing.T) {
		session := connect(t, db)
		err := during(session, "t", func() {
			c.KillShard(1)
			c.RestartShard(1)
		})
		if code(err) != 2013 {
			t.Errorf("error is %v, want a lost shard", err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for {
			_, err := session.ExecContext(context.Background(), "DELETE FROM t WHERE id > 0")
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the session does not go on: %v", err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		empty(t)
	})
}

// during loads a file into a table and calls f in its middle.
func during(db *sql.Conn, table string, f func()) error {
	file := &slowFile{text: strings.NewReader(lines(1, 60_000)), between: f, rest: strings.NewReader(lines(60_001, 1000))}
	_, err := load(context.Background(), db, file, "INTO TABLE "+table+csv)
	return err
}

// startFile sends the larger part of a file as a client that goes then.
func startFile(t *testing.T, c *cluster.Cluster, table string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	wire := protocol.NewConn(nc, protocol.Options{})
	login(t, wire, "d")
	if err := errors.Join(wire.WriteCommand(protocol.ComQuery, []byte("LOAD DATA LOCAL INFILE 'x' INTO TABLE "+table+csv)), wire.Flush()); err != nil {
		t.Fatal(err)
	}
	if err := protocol.ReadFileRequest(wire); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(wire.WritePacket([]byte(lines(1, 60_000))), wire.Flush()); err != nil {
		t.Fatal(err)
	}
	return nc
}

// A file that ends early for one shard and goes on for others: no shard gives up waiting.
func TestShardThatWaits(t *testing.T) {
	c := start(t, localdb.MariaDB, "schemas:\n  - name: d\n    tables:\n      - name: t\n        shard_key: id\n        function: range\n        ranges: [{less_than: 1000, shard: s1}, {less_than: max, shard: s2}]\n")
	for i := range c.Shards {
		exec(t, c.ShardDB(i, ""), "SET GLOBAL net_read_timeout = 1")
	}
	db := connect(t, c.DB("d"))
	exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
	file := &slowFile{text: strings.NewReader(lines(1, 999) + lines(1000, 40_000)), between: func() { time.Sleep(3 * time.Second) },
		rest: strings.NewReader(lines(41_000, 1000))}
	n, err := load(t.Context(), db, file, "INTO TABLE t"+csv)
	if err != nil || n != 41_999 {
		t.Errorf("%d rows, %v", n, err)
	}
}
