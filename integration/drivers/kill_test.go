package drivers

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// busy starts a statement in the background; its end comes over the channel.
func busy(db asker, query string) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(context.Background(), query)
		ended <- err
	}()
	return ended
}

func ends(t *testing.T, what string, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(5 * time.Second):
		t.Fatalf("%s does not end", what)
		return nil
	}
}

// TestKill uses the proxy's own ids, as SHOW PROCESSLIST has them.
func TestKill(t *testing.T) {
	c := start(t, cluster.Options{})
	db := c.DB("d")
	exec(t, db, "CREATE TABLE p (id INT PRIMARY KEY, v INT)")
	for id := range 12 {
		exec(t, db, "INSERT INTO p VALUES (?, 0)", id)
	}
	killer := conn(t, db)
	// victim is a connection with its id.
	victim := func(t *testing.T) (*sql.Conn, string) {
		v := conn(t, c.DB("d"))
		return v, one(t, v, "SELECT CONNECTION_ID()")
	}
	// shows waits until the process list has such a statement for that id.
	shows := func(t *testing.T, id, text string) {
		t.Helper()
		eventually(t, 5*time.Second, func() string {
			for _, row := range ask(t, killer, "SHOW FULL PROCESSLIST").rows {
				if fmt.Sprint(row[0]) == id && strings.Contains(fmt.Sprintf("%s", row[7]), text) {
					return ""
				}
			}
			return "no " + text + " of " + id + " in the process list"
		})
		time.Sleep(50 * time.Millisecond) // from the list to the shard
	}
	t.Run("query on one shard", func(t *testing.T) {
		v, id := victim(t)
		exec(t, v, "SET @kept = 5")
		ended := busy(v, "SELECT SLEEP(30) FROM p WHERE id = 1")
		shows(t, id, "SLEEP(30)")
		exec(t, killer, "KILL QUERY "+id)
		// SLEEP itself answers 1 when it is interrupted, on some versions, and no error.
		if err := ends(t, "the statement", ended); err != nil {
			wantCode(t, err, 1317)
		}
		if got := one(t, v, "SELECT @kept"); got != "5" {
			t.Errorf("the session's state is lost: %q", got)
		}
	})
	t.Run("query on all shards, in a transaction", func(t *testing.T) {
		holder, _ := victim(t)
		exec(t, holder, "BEGIN")
		exec(t, holder, "UPDATE p SET v = 1 WHERE id = 3")
		v, id := victim(t)
		exec(t, v, "BEGIN")
		exec(t, v, "UPDATE p SET v = 2 WHERE id = 4")
		ended := busy(v, "UPDATE p SET v = 3")
		shows(t, id, "SET v = 3")
		exec(t, killer, "KILL QUERY "+id)
		wantCode(t, ends(t, "the statement", ended), 1317)
		exec(t, holder, "ROLLBACK")
		exec(t, v, "COMMIT")
		if got := one(t, killer, "SELECT SUM(v) FROM p"); got != "2" {
			t.Errorf("sum is %s: the interrupted statement must leave nothing, the one before it must stay", got)
		}
		exec(t, killer, "UPDATE p SET v = 0")
	})
	t.Run("connection", func(t *testing.T) {
		for _, state := range []string{"", "BEGIN", "running"} {
			v, id := victim(t)
			var ended <-chan error
			if state != "" {
				exec(t, v, "BEGIN")
				exec(t, v, "UPDATE p SET v = v + 1")
			}
			if state == "running" {
				ended = busy(v, "SELECT SLEEP(30) FROM p WHERE id = 1")
				shows(t, id, "SLEEP(30)")
			}
			exec(t, killer, "KILL "+id)
			if ended != nil && ends(t, "the statement", ended) == nil {
				t.Error("the statement ends without an error")
			}
			if _, err := v.ExecContext(t.Context(), "SELECT 1"); err == nil {
				t.Errorf("%q: the connection lives on", state)
			}
			exec(t, killer, "SET lock_wait_timeout = 3, innodb_lock_wait_timeout = 3")
			exec(t, killer, "UPDATE p SET v = 0") // no lock of the victim's is left
		}
	})
	t.Run("by command", func(t *testing.T) {
		raw := goMySQL(t, c, "d")
		v, id := victim(t)
		var n uint32
		fmt.Sscan(id, &n)
		wantOK(t, command(t, raw, mysql.COM_PROCESS_KILL, binary.LittleEndian.AppendUint32(nil, n)...))
		if _, err := v.ExecContext(t.Context(), "SELECT 1"); err == nil {
			t.Error("the connection lives on")
		}
		wantError(t, command(t, raw, mysql.COM_PROCESS_KILL, 0xff, 0xff, 0xff, 0x7f), 1094)
	})
	t.Run("wrong ids and oneself", func(t *testing.T) {
		_, err := killer.ExecContext(t.Context(), "KILL 4294967")
		wantCode(t, err, 1094)
		_, err = killer.ExecContext(t.Context(), "KILL QUERY 99999999999")
		wantCode(t, err, 1094)
		v, id := victim(t)
		_, err = v.ExecContext(t.Context(), "KILL "+id)
		own := uint16(1927)
		if cluster.Engine(t) == localdb.MySQL {
			own = 1317
		}
		wantCode(t, err, own)
		if _, err := v.ExecContext(t.Context(), "SELECT 1"); err == nil {
			t.Error("the connection lives on")
		}
	})
}
