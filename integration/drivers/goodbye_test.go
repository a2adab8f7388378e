package drivers

import (
	"io"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// TestKilledWhileIdle: a killed client that has asked nothing finds its connection closed, and not an error
// that its driver would take for the answer to its next command, out of order: pools test connections by a ping.
func TestKilledWhileIdle(t *testing.T) {
	c := start(t, cluster.Options{})
	conn := goMySQL(t, c, "d")
	if _, err := conn.Execute("SELECT 1"); err != nil {
		t.Fatal(err)
	}
	exec(t, c.DB(""), "KILL "+itoa(conn.GetConnectionID()))
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(conn.Conn.Conn); err != nil || len(all) > 0 {
		t.Errorf("its last words are % x (%v), want none", all, err)
	}
}
