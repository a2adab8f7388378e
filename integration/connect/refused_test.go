package connect

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// What comes before a login is bounded: how many, how long, how much. Each refusal is counted.
func TestBeforeLogin(t *testing.T) {
	c := start(t, cluster.Options{Config: "limits: {max_unauthenticated: 4, max_login_packet: 2048}\ntimeouts: {handshake: 1500ms}\n"})
	eventually(t, "the harness's own look at the port is over", func() bool { return metric(t, c, "lockstep_sessions_unauthenticated") == 0 })
	silent := func() net.Conn {
		nc, err := net.Dial("tcp", c.Listen)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
		_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.ReadFull(nc, make([]byte, 4)); err != nil { // the greeting's beginning
			t.Fatal(err)
		}
		return nc
	}
	k := login{}.conn(t, c) // who has logged in does not count
	held := []net.Conn{silent(), silent(), silent(), silent()}
	login{}.refused(t, c, 1040, "limits.max_unauthenticated")
	if n := refusals(t, c, "max_unauthenticated"); n != 1 {
		t.Errorf("%v refusals counted", n)
	}
	if n := metric(t, c, "lockstep_sessions_unauthenticated"); n != 4 {
		t.Errorf("%v unauthenticated", n)
	}
	if got := one(t, k, "SELECT 1"); got != "1" {
		t.Error("a session suffers")
	}
	begin := time.Now()
	if _, err := io.Copy(io.Discard, held[0]); err != nil || time.Since(begin) > 5*time.Second {
		t.Errorf("a silent client is let go: %v after %v", err, time.Since(begin))
	}
	eventually(t, "all are let go", func() bool { return refusals(t, c, "handshake_timeout") == 4 })
	login{}.conn(t, c)

	before := refusals(t, c, "packet_too_large")
	nc := silent()
	if _, err := nc.Write(append([]byte{0xff, 0xff, 0x7f, 1}, make([]byte, 4096)...)); err != nil {
		t.Fatal(err)
	}
	if said, _ := io.ReadAll(nc); !strings.Contains(string(said), "Got a packet bigger than") {
		t.Errorf("a large packet is answered %q", said)
	}
	eventually(t, "it is counted", func() bool { return refusals(t, c, "packet_too_large") == before+1 })
	before = refusals(t, c, "bad_handshake")
	nc = silent()
	if _, err := nc.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, nc)
	before2 := refusals(t, c, "left")
	silent().Close()
	eventually(t, "one that goes away", func() bool { return refusals(t, c, "left") > before2 })
	login{user: "app", password: "no"}.refused(t, c, 1045, "")
	eventually(t, "both are counted", func() bool {
		// What another protocol says first is a packet that is too large, or one out of order.
		return refusals(t, c, "access_denied") == 1 && refusals(t, c, "bad_handshake")+refusals(t, c, "packet_too_large") == before+2
	})
}

// A client that never logs in does not hold up the end.
func TestEndWithASilentClient(t *testing.T) {
	c := start(t, cluster.Options{})
	nc, err := net.Dial("tcp", c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.ReadFull(nc, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	c.Stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the proxy ended after %v", took)
	}
}

// What clients say of themselves is shown, within bounds.
func TestAttributes(t *testing.T) {
	c := start(t, cluster.Options{Config: "limits: {max_attributes: 200}\n", Users: "{name: limited, password: pw, databases: [d]}"})
	k := login{attributes: "program_name:till,shop:north"}.conn(t, c)
	line := shown(t, k)
	if line["program"] != "till" || !strings.Contains(line["attributes"], `"shop":"north"`) || !strings.Contains(line["attributes"], `"_client_name":"Go-MySQL-Driver"`) {
		t.Errorf("shown: %v", line)
	}
	many := login{attributes: "program_name:till,a:" + strings.Repeat("x", 190) + ",b:" + strings.Repeat("y", 90)}.conn(t, c)
	line = shown(t, many)
	if line["program"] != "till" || strings.Contains(line["attributes"], "xxx") || metric(t, c, "lockstep_connection_attributes_dropped_total") == 0 {
		t.Errorf("shown: %v", line)
	}
	// A user with limits sees its own alone.
	var n int
	limited := login{user: "limited", password: "pw"}.conn(t, c)
	rows, err := limited.QueryContext(t.Context(), "SHOW LOCKSTEP CONNECTIONS")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
	for name, program := range programs(t) {
		got := commandLine(t, program, cluster.Password, "-h127.0.0.1", "-P"+port(t, c), "--protocol=tcp", "-uapp", "-N", "-e", "SHOW LOCKSTEP CONNECTIONS")
		if !strings.Contains(got, `"program_name":"`) && !strings.Contains(got, "_client_name") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
