package connect

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// socket dials the Unix socket s.sock in the cluster's folder.
func socket(c *cluster.Cluster) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(c.Dir, "s.sock"))
	}
}

func TestSocket(t *testing.T) {
	c := start(t, cluster.Options{Config: "socket: s.sock\nsocket_mode: 0660\n"})
	path := filepath.Join(c.Dir, "s.sock")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	k := login{dial: socket(c)}.conn(t, c)
	line := shown(t, k)
	if line["transport"] != "socket" || line["host"] != "localhost" {
		t.Errorf("shown: %v", line)
	}
	if got := one(t, k, "SELECT USER()"); got != "app@localhost" {
		t.Errorf("user %s", got)
	}
	login{user: "app", password: "no", dial: socket(c)}.refused(t, c, 1045, "'app'@'localhost'")
	for name, program := range programs(t) {
		if got := commandLine(t, program, cluster.Password, "-S"+path, "-u"+cluster.User, "-N", "-e", "SELECT USER()"); got != "app@localhost" {
			t.Errorf("%s: %s", name, got)
		}
	}
	// One that a killed proxy left behind is replaced.
	c.Kill()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	c.StartProxy()
	login{dial: socket(c)}.conn(t, c)
	// A second proxy does not take it away.
	second := c.AddProxy(cluster.ProxyOptions{Config: "socket: " + path + "\n"})
	if err := second.TryStart(); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a second proxy on the socket: %v", err)
	}
	login{dial: socket(c)}.conn(t, c)
	c.Stop()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after the end: %v", err)
	}
	// A file that is no socket is left alone.
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.TryStart(); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("started over a file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("%q %v", text, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	// At the end another one's socket stays.
	c.StartProxy()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c.Stop()
	if info, err := os.Stat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("another one's socket: %v %v", info, err)
	}
}
