package drivers

import (
	"encoding/binary"
	"io"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// TestGoodbyeHasNumberZero: a killed client that has asked nothing hears of it in a packet with number 0. With
// another number drivers would take it for the answer to their next command, out of order.
func TestGoodbyeHasNumberZero(t *testing.T) {
	c := start(t, cluster.Options{})
	conn := goMySQL(t, c, "d")
	if _, err := conn.Execute("SELECT 1"); err != nil { // its answer's last packet has a higher number
		t.Fatal(err)
	}
	exec(t, c.DB(""), "KILL "+itoa(conn.GetConnectionID()))
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn.Conn.Conn)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 7 || all[3] != 0 || all[4] != 0xff {
		t.Fatalf("the last words are % x, want an error packet with number 0", all)
	}
	if code := binary.LittleEndian.Uint16(all[5:]); code != 1053 {
		t.Errorf("error %d, want 1053", code)
	}
}
