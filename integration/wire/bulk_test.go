package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
	"lockstep/protocol"
)

// bulkClient logs in as MariaDB's clients do: without CLIENT_MYSQL, with MariaDB's own capabilities.
func bulkClient(t *testing.T, address, database string) (c *client, offered protocol.Extended) {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c = over(t, nc, 0)
	hello := c.packet()
	rest := hello[1+strings.IndexByte(string(hello[1:]), 0)+1+4:] // version and connection id
	salt := append([]byte{}, rest[:8]...)
	rest = rest[9+2+1+2+2+1+6:]
	offered = protocol.Extended(binary.LittleEndian.Uint32(rest))
	salt = append(salt, rest[4:16]...)
	caps := protocol.ClientProtocol41 | protocol.ClientSecureConnection | protocol.ClientPluginAuth | protocol.ClientConnectWithDB | protocol.ClientMultiResults
	p := binary.LittleEndian.AppendUint32(nil, uint32(caps))
	p = binary.LittleEndian.AppendUint32(p, 1<<24)
	p = append(append(p, 45), make([]byte, 19)...)
	p = binary.LittleEndian.AppendUint32(p, uint32(protocol.ExtendedBulk))
	p = append(append(p, cluster.User...), 0)
	scramble := mysql.CalcNativePassword(salt, []byte(cluster.Password))
	p = append(append(append(p, byte(len(scramble))), scramble...), database...)
	p = append(append(append(p, 0), "mysql_native_password"...), 0)
	if err := errors.Join(c.conn.WritePacket(p), c.conn.Flush()); err != nil {
		t.Fatal(err)
	}
	if p := c.packet(); p[0] != 0 {
		t.Fatalf("login: %q", p)
	}
	return c, offered
}

func (c *client) bulk(id uint32, rows ...[]protocol.BulkParam) []string {
	c.t.Helper()
	c.send(protocol.ComStmtBulkExecute, protocol.AppendBulk(nil, id, rows)...)
	return c.answer()
}

func number(n int32) protocol.BulkParam { return protocol.BulkParam{Param: long(n)} }

func text(s string) protocol.BulkParam {
	return protocol.BulkParam{Param: protocol.Param{Type: protocol.TypeString, Value: []byte(s)}}
}

func instead(i protocol.Indicator) protocol.BulkParam {
	return protocol.BulkParam{Param: protocol.Param{Type: protocol.TypeString}, Indicator: i}
}

const bulkTables = "schemas:\n  - name: d\n    tables:\n      - {name: n, shard_key: id}\n"

func TestBulk(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Engine: localdb.MariaDB, Config: bulkTables})
	c.StartProxy()
	dial(t, c.Listen, "", 0).must("CREATE DATABASE d", "USE d", "CREATE TABLE n (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(3000) DEFAULT 'usual' CHECK (v <> 'bad'))")
	cl, offered := bulkClient(t, c.Listen, "d")
	if offered != protocol.ExtendedBulk {
		t.Fatalf("offers %#x", offered)
	}
	count := func(want string) {
		t.Helper()
		if got := cl.query("SELECT COUNT(*) FROM n"); got[1] != fmt.Sprintf(`row "\x%02x%s"`, len(want), want) {
			t.Errorf("%s rows, want %s", got[1], want)
		}
	}
	insert := cl.prepare("INSERT INTO n VALUES (?, ?)")
	equal(t, "rows over both shards", cl.bulk(insert, []protocol.BulkParam{number(1), text("a")}, []protocol.BulkParam{number(2), instead(protocol.IndicatorNull)},
		[]protocol.BulkParam{number(3), instead(protocol.IndicatorDefault)}, []protocol.BulkParam{instead(protocol.IndicatorIgnoreRow), text("left out")},
		[]protocol.BulkParam{number(4), instead(protocol.IndicatorIgnore)}), []string{"ok 0x2, 0 warnings, 4 affected"})
	equal(t, "what is there", cl.query("SELECT v FROM n ORDER BY id"), []string{"columns v", `row "\x01a"`, `row "\xfb"`, `row "\x05usual"`, `row "\x05usual"`, "end 0x2, 0 warnings"})

	// Two megabytes are several statements, and one execution all the same.
	var many [][]protocol.BulkParam
	for i := range 1000 {
		many = append(many, []protocol.BulkParam{number(int32(100 + i)), text(strings.Repeat("x", 2000+i%900))})
	}
	begin := time.Now()
	equal(t, "2 MB", cl.bulk(insert, many...), []string{"ok 0x2, 0 warnings, 1000 affected"})
	t.Log(time.Since(begin))
	count("1004")
	many = append(many[:0:0], many...)
	for i := range many {
		many[i] = []protocol.BulkParam{number(int32(5000 + i)), many[i][1]}
	}
	many[999][0] = number(1)
	equal(t, "2 MB that end in a duplicate", cl.bulk(insert, many...), []string{"error 1062"})
	count("1004")
	equal(t, "with LAST_INSERT_ID", cl.bulk(cl.prepare("INSERT INTO n (v) VALUES (?)"), []protocol.BulkParam{text("p")}, []protocol.BulkParam{text("q")}), []string{"ok 0x2, 0 warnings, 2 affected"})
	equal(t, "keys that are worked out first", cl.bulk(cl.prepare("INSERT INTO n VALUES (ABS(?), ?)"), []protocol.BulkParam{number(-9001), text("p")}, []protocol.BulkParam{number(-9002), text("q")}), []string{"ok 0x2, 0 warnings, 2 affected"})
	equal(t, "where they are", cl.query("SELECT v FROM n WHERE id IN (9001, 9002) ORDER BY id"), []string{"columns v", `row "\x01p"`, `row "\x01q"`, "end 0x2, 0 warnings"})
	cl.must("DELETE FROM n WHERE id > 9000")

	cl.must("BEGIN", "DELETE FROM n WHERE id = 1")
	many[999][0] = number(2)
	equal(t, "inside a transaction", cl.bulk(insert, many...), []string{"error 1062"})
	count("1005")
	change := cl.prepare("UPDATE n SET v = ? WHERE id = ?")
	equal(t, "an error among changes", cl.bulk(change, []protocol.BulkParam{text("b"), number(2)}, []protocol.BulkParam{text("b"), number(3)}, []protocol.BulkParam{text("bad"), number(4)}), []string{"error 4025"})
	equal(t, "changes", cl.bulk(change, []protocol.BulkParam{text("c"), number(2)}, []protocol.BulkParam{instead(protocol.IndicatorIgnore), number(3)}, []protocol.BulkParam{text("c"), number(4)}), []string{"ok 0x3, 0 warnings, 2 affected"})
	equal(t, "what is there now", cl.query("SELECT v FROM n WHERE id < 5 ORDER BY id"), []string{"columns v", `row "\x01c"`, `row "\x05usual"`, `row "\x01c"`, "end 0x3, 0 warnings"})
	cl.must("COMMIT")
	equal(t, "outside, an error among changes", cl.bulk(change, []protocol.BulkParam{text("d"), number(2)}, []protocol.BulkParam{text("d"), number(3)}, []protocol.BulkParam{text("bad"), number(4)}), []string{"error 4025"})
	equal(t, "nothing of it", cl.query("SELECT COUNT(*) FROM n WHERE v = 'd'")[1:2], []string{`row "\x010"`})
	equal(t, "a SELECT", cl.bulk(cl.prepare("SELECT ?"), []protocol.BulkParam{number(1)}), []string{"error 1295"})
	equal(t, "nobody", cl.bulk(99, []protocol.BulkParam{number(1)}), []string{"error 1243"})

	// Keys go where an ordinary execution looks for them, whatever is in them.
	cl.must("CREATE TABLE m (k VARCHAR(20) PRIMARY KEY, f DOUBLE, d DATETIME)")
	keys := []string{"plain", "it's", `a\b`, "ü", `\'"`, "", "a%_"}
	var rows [][]protocol.BulkParam
	for _, k := range keys {
		float := protocol.BulkParam{Param: protocol.Param{Type: protocol.TypeDouble, Value: binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1))}}
		date := protocol.BulkParam{Param: protocol.Param{Type: protocol.TypeDateTime, Value: []byte{0xe8, 7, 2, 29, 1, 2, 3}}}
		rows = append(rows, []protocol.BulkParam{text(k), float, date})
	}
	equal(t, "keys", cl.bulk(cl.prepare("INSERT INTO m VALUES (?, ?, ?)"), rows...), []string{fmt.Sprintf("ok 0x2, 0 warnings, %d affected", len(keys))})
	find := cl.prepare("SELECT COUNT(*) FROM m WHERE k = ? AND f = 0.1e0 AND d = '2024-02-29 01:02:03'")
	for _, k := range keys {
		if got := cl.execute(find, 0, text(k).Param); len(got) != 3 || got[1] != `row "\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"` {
			t.Errorf("key %q: %v", k, got)
		}
	}

	other := dial(t, c.Listen, "d", 0)
	equal(t, "a client that has not agreed on it", other.bulk(other.prepare("DELETE FROM n WHERE id = ?"), []protocol.BulkParam{number(1)}), []string{"error 1295"})
}

func TestNoBulkOverMySQL(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Engine: localdb.MySQL, Shards: 1})
	c.StartProxy()
	if _, offered := bulkClient(t, c.Listen, ""); offered != 0 {
		t.Errorf("offers %#x", offered)
	}
}
