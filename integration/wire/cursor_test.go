package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/protocol"
)

// A script of cursors has the same packets as answer from a proxy as from a server.
func TestCursors(t *testing.T) {
	worlds(t, "schemas:\n  - name: d\n    tables:\n      - {name: n, shard_key: id}\n      - {name: one, kind: single, shard: s2}\n",
		func(t *testing.T, c *cluster.Cluster, server string) {
			for _, address := range []string{c.Listen, server} {
				cl := dial(t, address, "d", 0)
				own := "d"
				if address == server {
					cl.must("CREATE DATABASE alone", "USE alone")
					own = "alone"
				}
				cl.must("CREATE TABLE n (id INT PRIMARY KEY, v VARCHAR(20))", "CREATE TABLE one (id INT PRIMARY KEY)",
					"INSERT INTO n VALUES (1,'a'),(2,'b'),(3,'c'),(4,NULL),(5,'e'),(6,'f'),(7,'g')", "INSERT INTO one VALUES (1),(2),(3)")
				_ = own
			}
			for _, caps := range []protocol.Capability{0, protocol.ClientDeprecateEOF} {
				for _, sql := range []string{
					"SELECT id, v FROM n WHERE id > ? ORDER BY id",            // several shards, merged
					"SELECT id, v FROM n WHERE id = 3 AND id > ? ORDER BY id", // one shard
					"SELECT id FROM one WHERE id > ? ORDER BY id",             // a table on one shard
					"SELECT COUNT(*), MAX(v) FROM n WHERE id > ?",             // aggregates
					"SELECT id FROM n WHERE id > ? + 100 ORDER BY id",         // nothing
					"SELECT ? + 1",                        // no table
					"UPDATE one SET id = id WHERE id > ?", // no rows
				} {
					t.Run(fmt.Sprintf("%#x %s", caps, sql), func(t *testing.T) {
						equal(t, sql, cursorScript(t, c.Listen, "d", sql, caps), cursorScript(t, server, "alone", sql, caps))
					})
				}
			}
			t.Run("other statements meanwhile", func(t *testing.T) { meanwhile(t, c) })
			t.Run("what ends a cursor", func(t *testing.T) { cursorEnds(t, c) })
		})
}

// cursorScript opens a cursor, fetches from it in every way and shows all answers.
func cursorScript(t *testing.T, address, database, sql string, caps protocol.Capability) (lines []string) {
	c := dial(t, address, database, caps)
	id := c.prepare(sql)
	for _, n := range []uint32{2, 100, 3, 0} {
		for range 2 {
			lines = append(lines, "execute")
			lines = append(lines, c.execute(id, protocol.CursorReadOnly, long(1))...)
			for range 4 {
				lines = append(lines, fmt.Sprint("fetch ", n))
				lines = append(lines, c.fetch(id, n)...)
			}
		}
		lines = append(lines, c.statement(protocol.ComStmtReset, id)...)
		lines = append(lines, c.fetch(id, n)...)
	}
	// Another statement: MySQL answers an execution without a cursor wrongly behind one with a cursor.
	id = c.prepare(sql)
	lines = append(lines, c.execute(id, protocol.CursorNone, long(1))...)
	lines = append(lines, c.fetch(id, 1)...)
	return append(lines, c.query("SELECT 1")...)
}

func meanwhile(t *testing.T, c *cluster.Cluster) {
	cl := dial(t, c.Listen, "d", 0)
	id := cl.prepare("SELECT id FROM n ORDER BY id")
	second := cl.prepare("SELECT id FROM one ORDER BY id")
	cl.must("BEGIN", "UPDATE n SET v = 'x' WHERE id = 1")
	cl.execute(id, protocol.CursorReadOnly)
	first := cl.fetch(id, 2)
	cl.execute(second, protocol.CursorReadOnly)
	if got := cl.query("DELETE FROM n WHERE id > 2"); !strings.Contains(got[0], "5 affected") {
		t.Errorf("delete: %v", got)
	}
	one := cl.fetch(second, 10)
	cl.must("ROLLBACK")
	rest := cl.fetch(id, 10)
	if len(first) != 3 || len(one) != 4 || len(rest) != 6 || !strings.HasPrefix(rest[5], "end 0x82") {
		t.Errorf("fetched %v, %v and %v", first, one, rest)
	}
}

func cursorEnds(t *testing.T, c *cluster.Cluster) {
	cl := dial(t, c.Listen, "d", 0)
	open := func() uint32 {
		id := cl.prepare("SELECT id FROM n ORDER BY id")
		cl.execute(id, protocol.CursorReadOnly)
		cl.fetch(id, 1)
		return id
	}
	id := open()
	cl.statement(protocol.ComStmtClose, id)
	if got := cl.fetch(id, 1); !slices.Equal(got, []string{"error 1243"}) {
		t.Errorf("after CLOSE: %v", got)
	}
	id = open()
	cl.send(protocol.ComResetConnection)
	cl.packet()
	if got := cl.fetch(id, 1); !slices.Equal(got, []string{"error 1243"}) {
		t.Errorf("after a reset: %v", got)
	}
	open()
	cl.send(protocol.ComQuit)
}

func TestCursorOverTheLimit(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Config: "limits:\n  max_cursor_bytes: 1048576\n"})
	c.StartProxy()
	cl := dial(t, c.Listen, "", 0)
	cl.must("CREATE DATABASE d", "USE d", "CREATE TABLE n (id INT PRIMARY KEY, v VARCHAR(4000))")
	for from := 0; from < 600; from += 100 {
		var rows []string
		for i := range 100 {
			rows = append(rows, fmt.Sprintf("(%d, REPEAT('x', 3000))", from+i))
		}
		cl.must("INSERT INTO n VALUES " + strings.Join(rows, ","))
	}
	// 1.8 MB do not fit, 0.6 do, in a file; and both leave a session that goes on.
	for _, sql := range []string{"SELECT * FROM n", "SELECT * FROM n ORDER BY id"} {
		big := cl.prepare(sql)
		if got := cl.execute(big, protocol.CursorReadOnly); !slices.Equal(got, []string{"error 1114"}) {
			t.Errorf("%s: %.100v", sql, got)
		}
	}
	id := cl.prepare("SELECT * FROM n WHERE id < 200 ORDER BY id")
	for range 3 {
		cl.execute(id, protocol.CursorReadOnly)
		n := 0
		for {
			got := cl.fetch(id, 37)
			n += len(got) - 1
			if strings.HasPrefix(got[len(got)-1], "end 0x82") {
				break
			}
		}
		if n != 200 {
			t.Errorf("%d rows", n)
		}
	}
	if got := cl.query("SELECT COUNT(*) FROM n"); got[1] != `row "\x03600"` {
		t.Errorf("afterwards: %v", got)
	}
}
