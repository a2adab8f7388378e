package endings

import (
	"strings"
	"testing"
	"time"

	"lockstep/localdb"
)

// Each limit, in each of its forms, ends the statement in the words of the shards' family, and nothing else.
func timeLimits(t *testing.T, w *world) {
	// What one server says, by the limit that it knows itself.
	direct := dial(t, w.plain.Address(), "d")
	own := "SET max_execution_time = 200"
	if w.plain.Engine == localdb.MariaDB {
		own = "SET max_statement_time = 0.2"
	}
	direct.must(own)
	want := direct.ask(heavy)
	if !strings.HasPrefix(want, "1969 70100") && !strings.HasPrefix(want, "3024 HY000") {
		t.Fatalf("one server says %q", want)
	}
	const scattered = "SELECT COUNT(*) FROM a WHERE SLEEP(3) = 0"
	writes := "UPDATE a SET v = v + 1 WHERE SLEEP(3) = 0"
	for _, tc := range []struct {
		set, query string
		limited    bool
	}{
		{"SET max_execution_time = 200", heavy, true},
		{"SET max_execution_time = 200", scattered, true},
		{"SET max_execution_time = 200", "SELECT COUNT(*) FROM a WHERE id = 2 AND SLEEP(1) = 0", true},
		{"SET max_execution_time = 200", "UPDATE a SET v = v + 1 WHERE id = 2 AND SLEEP(0.5) = 0", false},
		{"SET max_statement_time = 0.2", heavy, true},
		{"SET max_statement_time = 0.2", scattered, true},
		{"SET max_statement_time = 0.2", writes, true},
		{"SET max_statement_time = 0.2", "UPDATE a SET v = v + 1 WHERE id = 2 AND SLEEP(3) = 0", true},
		{"SET max_statement_time = 0", "SELECT COUNT(*) FROM a WHERE id = 2 AND SLEEP(0.5) = 0", false},
		{"SET max_execution_time = DEFAULT, max_statement_time = DEFAULT", "SELECT /*+ MAX_EXECUTION_TIME(200) */" + heavy[len("SELECT"):], true},
		{"SET max_execution_time = 100", "SELECT /*+ MAX_EXECUTION_TIME(60000) */ COUNT(*) FROM a WHERE id = 2 AND SLEEP(0.5) = 0", false},
	} {
		for _, inside := range []bool{false, true} {
			c := dial(t, w.Listen, "d")
			c.must(tc.set)
			if inside {
				c.must("BEGIN")
				c.must("UPDATE a SET w = 'x' WHERE id = 1")
			}
			began := time.Now()
			got := c.ask(tc.query)
			took := time.Since(began)
			switch {
			case tc.limited && got != want:
				t.Errorf("%s: %s: %q, want %q", tc.set, tc.query, got, want)
			case tc.limited && took > 2*time.Second:
				t.Errorf("%s: %s: ends after %v", tc.set, tc.query, took)
			case !tc.limited && strings.HasPrefix(got, want[:4]):
				t.Errorf("%s: %s: %q", tc.set, tc.query, got)
			}
			if inside {
				if got := c.ask("SELECT w FROM a WHERE id = 1"); got != "x" {
					t.Errorf("%s: %s: the transaction is not what it was: %q", tc.set, tc.query, got)
				}
				c.must("ROLLBACK")
			}
			if got := c.ask("SELECT 1"); got != "1" {
				t.Errorf("%s: %s: then %q", tc.set, tc.query, got)
			}
		}
	}
}

// The variables have the values, bounds and errors that they have on one server.
func timeVariables(t *testing.T, w *world) {
	direct, c := dial(t, w.plain.Address(), "d"), dial(t, w.Listen, "d")
	names := []string{"wait_timeout", "interactive_timeout", "net_read_timeout", "net_write_timeout", "lock_wait_timeout", "innodb_lock_wait_timeout"}
	if w.plain.Engine == localdb.MariaDB {
		names = append(names, "max_statement_time")
	} else {
		names = append(names, "max_execution_time")
	}
	for _, name := range names {
		for _, value := range []string{"7", "0", "-1", "99999999999", "'x'", "1.5", "NULL", "1 + 2", "DEFAULT"} {
			if name == "max_statement_time" && value == "DEFAULT" {
				continue
			}
			set := "SET " + name + " = " + value
			want := direct.ask(set) + direct.ask("SELECT @@"+name)
			got := c.ask(set) + c.ask("SELECT @@"+name)
			if got != want {
				t.Errorf("%s: %q, want %q", set, got, want)
			}
		}
	}
}

// A client that says nothing for wait_timeout is sent away as a server does, and its locks go with it.
func idle(t *testing.T, w *world) {
	var heard [2]string
	for i, address := range []string{w.plain.Address(), w.Listen} {
		c := dial(t, address, "d")
		c.must("SET wait_timeout = 1")
		c.must("BEGIN")
		c.must("UPDATE a SET v = v + 1")
		time.Sleep(1700 * time.Millisecond)
		if i == 1 {
			other := dial(t, address, "d")
			other.must("SET innodb_lock_wait_timeout = 1")
			other.must("UPDATE a SET v = 0")
		}
		c.conn.ResetSequence() // it is no answer
		if packet, err := c.conn.ReadPacket(); err != nil {
			heard[i] = "closed"
		} else {
			heard[i] = string(packet)
		}
	}
	if w.plain.Engine == localdb.MySQL && !strings.Contains(heard[0], "inactivity") {
		t.Errorf("of one server the client hears %q: this shows too little", heard[0])
	}
	if heard[0] != heard[1] {
		t.Errorf("the client hears %q, of one server %q", heard[1], heard[0])
	}
}

// Lock waits end when the session says so.
func lockWaits(t *testing.T, w *world) {
	holder, c := dial(t, w.Listen, "d"), dial(t, w.Listen, "d")
	holder.must("BEGIN")
	holder.must("UPDATE a SET v = 1")
	c.must("SET innodb_lock_wait_timeout = 1")
	for _, query := range []string{"UPDATE a SET v = 2 WHERE id = 1", "UPDATE a SET v = 2"} {
		began := time.Now()
		if got := c.ask(query); !strings.HasPrefix(got, "1205 HY000") {
			t.Errorf("%s: %q", query, got)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: %v", query, took)
		}
	}
	c.must("SET lock_wait_timeout = 1")
	if got := c.ask("ALTER TABLE a ADD COLUMN x INT"); !strings.HasPrefix(got, "1205 HY000") {
		t.Errorf("ALTER TABLE: %q", got)
	}
	holder.must("ROLLBACK")
}
