package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/testca"
)

// behind dials as a proxy does: the header first. "" is none.
func behind(header string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(nc, header); err != nil {
			return nil, err
		}
		return nc, nil
	}
}

const (
	headerV1 = "PROXY TCP4 192.0.2.7 127.0.0.1 56324 3306\r\n"
	headerV2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x24\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xdc\x04\x0c\xea"
	headerLocal = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
)

func TestProxyProtocol(t *testing.T) {
	for _, mode := range []string{"required", "optional"} {
		t.Run(mode, func(t *testing.T) {
			c := start(t, cluster.Options{Config: "proxy_protocol: {from: [127.0.0.0/8], timeout: 500ms, mode: " + mode + "}\ntimeouts: {handshake: 2s}\nlimits: {max_user_connections: 50}\n"})
			for header, want := range map[string][2]string{
				headerV1: {"192.0.2.7:56324", "192.0.2.7"},
				headerV2: {"[2001:db8::7]:56324", "2001:db8::7"},
			} {
				k := login{dial: behind(header)}.conn(t, c)
				line := shown(t, k)
				if line["host"] != want[0] || !strings.HasPrefix(line["via"], "127.0.0.1:") {
					t.Errorf("shown: %v", line)
				}
				if got := one(t, k, "SELECT USER()"); got != "app@"+want[1] {
					t.Errorf("user %s", got)
				}
				rows, err := k.QueryContext(t.Context(), "SHOW PROCESSLIST")
				if err != nil {
					t.Fatal(err)
				}
				found := false
				for rows.Next() {
					var v [8]any
					var host string
					if err := rows.Scan(&v[0], &v[1], &host, &v[3], &v[4], &v[5], &v[6], &v[7]); err != nil {
						t.Fatal(err)
					}
					found = found || host == want[0]
				}
				if err := rows.Err(); err != nil || !found {
					t.Errorf("the process list does not show %s (%v)", want[0], err)
				}
				login{user: "app", password: "wrong", dial: behind(header)}.refused(t, c, 1045, "'app'@'"+want[1]+"'")
			}
			// A proxy on its own account.
			for _, header := range []string{"PROXY UNKNOWN\r\n", headerLocal} {
				line := shown(t, login{dial: behind(header)}.conn(t, c))
				if !strings.HasPrefix(line["host"], "127.0.0.1:") || line["via"] != "" {
					t.Errorf("%q shown: %v", header, line)
				}
			}
			var sessions []struct{ Host, Via, Transport string }
			if err := c.Get("/api/v1/sessions", &sessions); err != nil {
				t.Error(err)
			}
			text, _ := json.Marshal(sessions)
			if !strings.Contains(string(text), "192.0.2.7:56324") {
				t.Errorf("sessions on the admin port: %s", text)
			}
			before := refusals(t, c, "proxy_header")
			for _, bad := range []string{"PROXY TCP4 192.0.2.7 127.0.0.1 56324\r\n", "PROXY TCP9 1 2 3 4\r\n", "\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff"} {
				if k, err := (login{dial: behind(bad)}).db(t, c).Conn(t.Context()); err == nil {
					_ = k.Close()
					t.Errorf("%q is taken", bad)
				}
			}
			want := 0.0
			eventually(t, "malformed headers are counted", func() bool { want = refusals(t, c, "proxy_header") - before; return want >= 4 })
			if mode == "optional" {
				if line := shown(t, login{}.conn(t, c)); !strings.HasPrefix(line["host"], "127.0.0.1:") || line["via"] != "" {
					t.Errorf("without a header: %v", line)
				}
				return
			}
			// No header at all: nothing is greeted, and the wait has an end.
			nc, err := net.Dial("tcp", c.Listen)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			begin := time.Now()
			_ = nc.SetReadDeadline(begin.Add(5 * time.Second))
			if b, err := io.ReadAll(nc); err != nil || len(b) > 0 || time.Since(begin) < 400*time.Millisecond || time.Since(begin) > 1500*time.Millisecond {
				t.Errorf("without a header: %q, %v, after %v", b, err, time.Since(begin))
			}
			eventually(t, "the silent one is counted", func() bool { return refusals(t, c, "handshake_timeout") == 1 })
			// A login packet in its place.
			nc2, err := behind("\x25\x00\x00\x01 and the rest of a login")(t.Context(), c.Listen)
			if err != nil {
				t.Fatal(err)
			}
			defer nc2.Close()
			_ = nc2.SetReadDeadline(time.Now().Add(5 * time.Second))
			if b, _ := io.ReadAll(nc2); len(b) > 0 {
				t.Errorf("another protocol is answered %q", b)
			}
		})
	}
}

// The header comes before TLS, which goes through the proxy untouched.
func TestTLSBehindAProxy(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue("server", "127.0.0.1")
	for _, mode := range []string{"required", "optional"} {
		c := start(t, cluster.Options{Config: fmt.Sprintf("proxy_protocol: {from: [127.0.0.1], mode: %s}\ntls: {mode: required, cert: %s, key: %s}\n", mode, cert, key)})
		line := shown(t, login{tls: trust(t, ca), dial: behind(headerV2)}.conn(t, c))
		if line["host"] != "[2001:db8::7]:56324" || !strings.HasPrefix(line["transport"], "TLS 1.3") {
			t.Errorf("%s: shown %v", mode, line)
		}
		login{dial: behind(headerV1)}.refused(t, c, 3159, "tls.mode")
	}
}

// Who is not on the list cannot say where it comes from.
func TestProxyProtocolFromStrangers(t *testing.T) {
	c := start(t, cluster.Options{Config: "proxy_protocol: {from: [192.0.2.0/24, \"2001:db8::/32\"]}\n"})
	login{}.conn(t, c)
	if k, err := (login{dial: behind(headerV1)}).db(t, c).Conn(t.Context()); err == nil {
		_ = k.Close()
		t.Error("a stranger's header is believed")
	}
}

// HAProxy itself in front, with both versions, and its checks.
func TestHAProxy(t *testing.T) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip(err)
	}
	c := start(t, cluster.Options{Config: "proxy_protocol: {from: [127.0.0.1]}\n"})
	for _, send := range []string{"send-proxy", "send-proxy-v2"} {
		t.Run(send, func(t *testing.T) {
			front := freeAddress(t)
			dir := t.TempDir()
			file := filepath.Join(dir, "haproxy.cfg")
			text := fmt.Sprintf("defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\nlisten l\n  bind %s\n  server p %s %s check inter 100ms\n", front, c.Listen, send)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program, "-db", "-f", file)
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			var local string
			through := login{dial: func(ctx context.Context, _ string) (net.Conn, error) {
				nc, err := new(net.Dialer).DialContext(ctx, "tcp", front)
				if err == nil {
					local = nc.LocalAddr().String()
				}
				return nc, err
			}}
			eventually(t, "HAProxy lets us through", func() bool {
				k, err := through.db(t, c).Conn(t.Context())
				if err != nil {
					return false
				}
				defer k.Close()
				line := shown(t, k)
				if line["host"] != local || line["via"] == "" {
					t.Errorf("shown: %v, want %s", line, local)
				}
				return true
			})
		})
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
