package endings

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/protocol"
)

// send sends a statement and does not wait for its answer.
func (c *client) send(query string) {
	c.t.Helper()
	c.conn.ResetSequence()
	packet := append([]byte{0, 0, 0, 0, byte(protocol.ComQuery)}, query...)
	if err := c.conn.WritePacket(packet); err != nil {
		c.t.Fatal(err)
	}
}

// A client that goes in the middle of a statement leaves none behind, on any shard, within a second; nor its locks.
func clientIsGone(t *testing.T, w *world) {
	for _, tc := range []struct {
		name, query string
		before      []string
		shards      int
		ahead       bool
	}{
		{name: "one shard", query: "SELECT SLEEP(60) FROM a WHERE id = 1", shards: 1},
		{name: "all shards", query: "SELECT COUNT(*) FROM a WHERE SLEEP(60) = 0", shards: 2},
		{name: "no table", query: "SELECT SLEEP(60)", shards: 1},
		{name: "transaction", before: []string{"BEGIN", "UPDATE a SET v = v + 1"}, query: "SELECT SLEEP(60) FROM a WHERE id = 1", shards: 1},
		{name: "write on all shards", query: "UPDATE a SET v = SLEEP(60)", shards: 2},
		{name: "more was sent ahead", query: "SELECT SLEEP(60) FROM a WHERE id = 1", shards: 1, ahead: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, w.Listen, "d")
			for _, q := range tc.before {
				c.must(q)
			}
			c.send(tc.query)
			if tc.ahead {
				c.send("SELECT 1")
			}
			w.shardsRun(t, "SLEEP(60)", tc.shards)
			if err := c.conn.Conn.Close(); err != nil {
				t.Fatal(err)
			}
			if took := w.shardsRest(t, "SLEEP(60)", 5*time.Second); took > time.Second {
				t.Errorf("it took %v", took)
			}
			other := dial(t, w.Listen, "d")
			other.must("SET innodb_lock_wait_timeout = 2")
			other.must("UPDATE a SET v = 0")
		})
	}
}

// A client that takes nothing of its answer holds a shard's connection for net_write_timeout and no longer; one that
// is only slow gets all of it.
func clientDoesNotRead(t *testing.T, w *world) {
	big := "SELECT REPEAT('x', 1000) FROM information_schema.collations x, information_schema.collations y LIMIT 60000"
	for _, query := range []string{big, "SELECT REPEAT('x', 15000000) FROM a"} {
		c := dial(t, w.Listen, "d")
		c.send(query)
		w.shardsRun(t, "REPEAT", 1)
		began := time.Now()
		w.shardsRest(t, "REPEAT", 15*time.Second)
		if took := time.Since(began); took < 2*time.Second || took > 9*time.Second {
			t.Errorf("it is ended after %v", took)
		}
	}
	slow := dial(t, w.Listen, "d")
	slow.send(big)
	if err := slow.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for {
		packet, err := slow.conn.ReadPacket()
		if err != nil {
			t.Fatalf("after %d rows: %v", rows, err)
		}
		if len(packet) > 1000 {
			if rows++; rows%6000 == 0 {
				time.Sleep(300 * time.Millisecond)
			}
		}
		if rows > 0 && len(packet) < 9 && packet[0] == 0xfe {
			break
		}
	}
	if rows != 60000 {
		t.Errorf("%d rows", rows)
	}
}

// kill: KILL and KILL QUERY look to both sides as on one server.
func kill(t *testing.T, w *world) {
	for _, verb := range []string{"KILL", "KILL CONNECTION", "KILL QUERY"} {
		for _, query := range []string{"", heavy, "UPDATE a SET v = 5 WHERE id = 2"} {
			t.Run(verb+" "+query, func(t *testing.T) {
				var seen [2]string
				for i, address := range []string{w.plain.Address(), w.Listen} {
					holder, killer, victim := dial(t, address, "d"), dial(t, address, "d"), dial(t, address, "d")
					holder.must("BEGIN")
					holder.must("UPDATE a SET v = 6 WHERE id = 2")
					id := victim.ask("SELECT CONNECTION_ID()")
					var heard <-chan string
					if query != "" {
						heard = victim.begin(query)
						time.Sleep(300 * time.Millisecond)
					}
					seen[i] = killer.ask(verb + " " + id)
					if query != "" {
						seen[i] += "; " + within(t, 3*time.Second, heard)
					}
					time.Sleep(100 * time.Millisecond)
					seen[i] += "; " + victim.ask("SELECT 1")
					holder.must("ROLLBACK")
				}
				if seen[0] != seen[1] {
					t.Errorf("%q, of one server %q", seen[1], seen[0])
				}
			})
		}
	}
	for _, verb := range []string{"KILL %s", "KILL QUERY %s"} {
		var seen [2]string
		for i, address := range []string{w.plain.Address(), w.Listen} {
			c := dial(t, address, "d")
			id := c.ask("SELECT CONNECTION_ID()")
			seen[i] = c.ask(fmt.Sprintf(verb, id)) + "; " + c.ask("SELECT 1") + "; " + dial(t, address, "d").ask("KILL 987654")
		}
		if seen[0] != seen[1] {
			t.Errorf("%s of oneself: %q, of one server %q", verb, seen[1], seen[0])
		}
	}
}

// A shard that restarts in the middle of a statement: its client hears so, and goes on when the shard is back.
func shardRestarts(t *testing.T, w *world) {
	for _, query := range []string{"SELECT COUNT(*) FROM a WHERE SLEEP(60) = 0", "UPDATE a SET v = SLEEP(60)"} {
		c := dial(t, w.Listen, "d")
		heard := c.begin(query)
		w.shardsRun(t, "SLEEP(60)", 2)
		w.KillShard(1)
		w.RestartShard(1)
		if got := within(t, 5*time.Second, heard); !strings.HasPrefix(got, "2013 HY000 Lost connection to shard s2 during query") {
			t.Errorf("%s: %q", query, got)
		}
		deadline := time.Now().Add(10 * time.Second)
		for {
			got := c.ask("SELECT COUNT(*) FROM a")
			if got == "6" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("then %q", got)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if took := w.shardsRest(t, "SLEEP(60)", 5*time.Second); took > time.Second {
			t.Errorf("the other shard goes on for %v", took)
		}
	}
}
