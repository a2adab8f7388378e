package limits

import (
	"io"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// slowMemory bounds how much the proxy may grow, in bytes.
const slowMemory = 16 << 20

// TestSlowReader: of a result of 2 GiB that a client reads slowly, the proxy holds next to nothing, whether it comes from
// one shard or is merged of several. When the client goes, so does its statement.
func TestSlowReader(t *testing.T) {
	read := int64(quickOr(24, 200)) << 20
	const rows, size = 128, 128 << 10 // rows squared, times size
	c := start(t, cluster.Options{Config: "limits: {max_merge_bytes: 8388608}\n"})
	setup := dial(t, c, "d")
	run(t, setup, "CREATE TABLE many (id INT PRIMARY KEY)")
	var b strings.Builder
	for i := range rows * rows {
		if i%4096 == 0 {
			if b.Len() > 0 {
				run(t, setup, b.String())
			}
			b.Reset()
			b.WriteString("INSERT INTO many VALUES ")
		} else {
			b.WriteByte(',')
		}
		b.WriteString("(" + itoa(i) + ")")
	}
	run(t, setup, b.String())
	for name, sql := range map[string]string{
		"one shard": "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 128) SELECT REPEAT('x', 131072) FROM r AS a, r AS b",
		"merged":    "SELECT id, REPEAT('x', 131072) FROM many ORDER BY id",
		"gathered":  "SELECT REPEAT('x', 131072) FROM many",
	} {
		t.Run(name, func(t *testing.T) {
			warm := dial(t, c, "d")
			run(t, warm, strings.Replace(strings.Replace(sql, "131072", "1", 1), "i < 128", "i < 4", 1))
			warm.Close()
			k := dial(t, c, "d")
			before := resident(t, c)
			if err := k.Write(wireclient.Query(sql).Wire()); err != nil {
				t.Fatal(err)
			}
			nc := k.NetConn()
			if err := nc.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
				t.Fatal(err)
			}
			most := before
			for got := int64(0); got < read; {
				n, err := io.CopyN(io.Discard, nc, 1<<20)
				if err != nil {
					t.Fatalf("after %d bytes: %v", got+n, err)
				}
				got += n
				time.Sleep(10 * time.Millisecond)
				most = max(most, resident(t, c))
			}
			t.Logf("%s: resident memory %s before, at most %s while %s of 2 GiB were read", name, mib(before), mib(most), mib(int(read)))
			if most-before > slowMemory && !raced {
				t.Errorf("the proxy grew by %s", mib(most-before))
			}
			k.Close()
			eventually(t, "clients that are still there", 1, func() int { return metric(t, c, "lockstep_sessions") })
			eventually(t, "server connections in use", 0, func() int { return metric(t, c, `lockstep_shard_connections\{[^}]*state="in_use"[^}]*\}`) })
		})
	}
}
