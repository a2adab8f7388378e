package inserts

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

const largeRows = 12000 // of 300 bytes: several statements, and a spool that does not fit in memory

// large makes a table of many rows, and one to fill from it whose keys are on other shards.
func large(t *testing.T, config string) (*cluster.Cluster, *sql.DB) {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: config})
	c.StartProxy()
	must(t, c.DB(""), "CREATE DATABASE d")
	db := c.DB("d")
	must(t, db, "CREATE TABLE src (id INT PRIMARY KEY, v VARCHAR(300))", "CREATE TABLE dst (v VARCHAR(300), id INT PRIMARY KEY, twice INT)")
	var b strings.Builder
	b.WriteString("INSERT INTO src VALUES ")
	for i := range largeRows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(%d,'%s')", i, strings.Repeat(string(rune('a'+i%26)), 280))
	}
	must(t, db, b.String())
	return c, db
}

func must(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s[:min(len(s), 200)], err)
		}
	}
}

func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

const fillLarge = "INSERT INTO dst (id, v, twice) SELECT id + 100000, v, id * 2 FROM src"

func TestLarge(t *testing.T) {
	c, db := large(t, "limits: {max_cursor_bytes: 16777216}\n")
	begin := time.Now()
	r, err := db.Exec(fillLarge)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.RowsAffected(); err != nil || n != largeRows {
		t.Errorf("%d rows affected (%v)", n, err)
	}
	t.Logf("%d rows in %v", largeRows, time.Since(begin))
	if n := count(t, db, "SELECT COUNT(*) FROM dst d JOIN src s ON d.id = s.id + 100000 AND d.v = s.v AND d.twice = s.id * 2"); n != largeRows {
		t.Errorf("%d rows are as they were read", n)
	}
	// The last row of many is a duplicate: nothing stays.
	must(t, db, "DELETE FROM dst WHERE id <> 100000")
	var me *mysql.MySQLError
	if _, err := db.Exec(fillLarge + " ORDER BY id DESC"); !errors.As(err, &me) || me.Number != 1062 {
		t.Errorf("a duplicate at the end: %v", err)
	}
	if n := count(t, db, "SELECT COUNT(*) FROM dst"); n != 1 {
		t.Errorf("%d rows stayed", n)
	}
	// Rows that take more than they may.
	c.Proxy.Stop()
	c.Proxy.WriteConfig("limits: {max_cursor_bytes: 1048576}\n")
	c.Proxy.Start()
	if _, err := db.Exec(fillLarge); !errors.As(err, &me) || me.Number != 1114 || !strings.Contains(me.Message, "max_cursor_bytes") {
		t.Errorf("more rows than fit: %v", err)
	}
	if n := count(t, db, "SELECT COUNT(*) FROM dst"); n != 1 {
		t.Errorf("%d rows stayed", n)
	}
}

// TestLargeKilled kills the proxy at some moments of a large INSERT … SELECT: all of its rows are there then, or none.
func TestLargeKilled(t *testing.T) {
	c, db := large(t, "")
	begin := time.Now()
	must(t, db, fillLarge)
	whole := time.Since(begin)
	for i := range 5 {
		must(t, db, "DELETE FROM dst")
		done := make(chan error, 1)
		go func() {
			_, err := db.Exec(fillLarge)
			done <- err
		}()
		time.Sleep(whole * time.Duration(i+1) / 6)
		c.KillProxy()
		err := <-done
		c.StartProxy()
		n := -1
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			if n = count(t, db, "SELECT COUNT(*) FROM dst"); n == largeRows || n == 0 && err != nil {
				break
			}
		}
		if n != largeRows && (n != 0 || err == nil) {
			t.Errorf("killed after %d sixths: %d rows, the client was told %v", i+1, n, err)
		}
		t.Logf("killed after %d sixths: %d rows, %v", i+1, n, err)
	}
}
