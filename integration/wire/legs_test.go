package wire

import (
	"slices"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/protocol"
)

// statements are answered by one shard, by several, and by the proxy itself.
var statements = []string{
	"SELECT id, v FROM n WHERE id = 3",
	"SELECT id, v FROM n ORDER BY id",
	"SELECT COUNT(*) FROM n",
	"SELECT id FROM n WHERE id > 100",
	"SELECT nosuch FROM n",
	"UPDATE n SET v = 'new' WHERE id = 1",
	"SET @a = 1",
	"BEGIN",
	"SELECT v FROM n WHERE id = 2 FOR UPDATE",
	"ROLLBACK",
	"CALL several()",
	"SELECT 1; SELECT id FROM n ORDER BY id; SELECT 2",
	"SELECT 1; UPDATE n SET v = 'x' WHERE id = 100; SELECT nosuch; SELECT 2",
}

// Each combination of capabilities gives the answers of a server, packet by packet.
func TestLegs(t *testing.T) {
	worlds(t, "schemas:\n  - name: d\n    tables:\n      - {name: n, shard_key: id}\n", func(t *testing.T, c *cluster.Cluster, server string) {
		for _, to := range []struct{ address, database string }{{c.Listen, "d"}, {server, "alone"}} {
			cl := dial(t, to.address, "", 0)
			cl.must("CREATE DATABASE IF NOT EXISTS "+to.database, "USE "+to.database, "CREATE TABLE n (id INT PRIMARY KEY, v VARCHAR(20))",
				"INSERT INTO n VALUES (1,'a'),(2,'b'),(3,'c'),(4,NULL)",
				"CREATE PROCEDURE several() BEGIN SELECT 1 AS a UNION SELECT 2; SELECT 3 AS b, 'x' AS c; END",
				"CREATE PROCEDURE gives(IN a INT, OUT b INT) BEGIN SELECT a AS a; SET b = a * 2; END")
		}
		for _, caps := range []protocol.Capability{0, protocol.ClientDeprecateEOF, protocol.ClientQueryAttributes,
			protocol.ClientDeprecateEOF | protocol.ClientQueryAttributes | protocol.ClientFoundRows} {
			caps |= protocol.ClientMultiStatements
			if caps.Has(protocol.ClientQueryAttributes) && !supportsAttributes(t, server) {
				continue
			}
			got, want := dial(t, c.Listen, "d", caps), dial(t, server, "alone", caps)
			for _, sql := range statements {
				equal(t, sql, got.query(sql), want.query(sql))
			}
			for _, sql := range []string{"SELECT id, v FROM n WHERE id = ?", "SELECT id, v FROM n WHERE id > ? ORDER BY id", "UPDATE n SET v = 'a' WHERE id = 1 AND id <> ?", "SELECT ? AS p"} {
				a, b := got.prepare(sql), want.prepare(sql)
				for range 2 {
					g := got.execute(a, 0, long(2))
					equal(t, sql, g, want.execute(b, 0, long(2)))
				}
			}
			a, b := got.prepare("CALL gives(?, ?)"), want.prepare("CALL gives(?, ?)")
			equal(t, "OUT parameters", got.execute(a, 0, long(2), long(3)), want.execute(b, 0, long(2), long(3)))
			a, b = got.prepare("CALL several()"), want.prepare("CALL several()")
			equal(t, "results of a procedure", got.execute(a, 0), want.execute(b, 0))
		}
	})
}

func supportsAttributes(t *testing.T, address string) bool {
	v := dial(t, address, "", 0).query("SELECT VERSION() LIKE '%MariaDB%'")
	return slices.Contains(v, `row "\x010"`)
}

// A client with attributes may not be told that it has none.
func TestQueryAttributes(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	c.StartProxy()
	cl := dial(t, c.Listen, "", protocol.ClientQueryAttributes)
	cl.must("CREATE DATABASE d", "USE d", "CREATE TABLE n (id INT PRIMARY KEY)", "INSERT INTO n VALUES (1), (2)")
	with := func(sql string) []string {
		// One attribute, a text: trace = 'abc'.
		arg := []byte{1, 1, 0, 1, byte(protocol.TypeString), 0, 5}
		arg = append(append(append(arg, "trace"...), 3), "abc"...)
		cl.send(protocol.ComQuery, append(arg, sql...)...)
		return cl.answer()
	}
	if got := with("SELECT COUNT(*) FROM n"); got[1] != `row "\x012"` {
		t.Errorf("%v", got)
	}
	if got := with("SELECT mysql_query_attribute_string('trace')"); got[0] != "error 1235" {
		t.Errorf("%v", got)
	}
	if got := cl.query("SELECT mysql_query_attribute_string('trace')"); got[0] == "error 1235" || !strings.HasPrefix(got[0], "error") {
		t.Errorf("without attributes it is the shards' business: %v", got)
	}
	cl.send(protocol.ComQuery, []byte("SELECT 1")...) // without the prefix
	if got := cl.answer(); got[0] != "error 1835" {
		t.Errorf("%v", got)
	}
	if got := cl.query("SELECT 1"); got[1] != `row "\x011"` {
		t.Errorf("%v", got)
	}
}
