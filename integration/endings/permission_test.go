package endings

import (
	"errors"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"strings"
	"testing"

	gomysql "github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// Whom a user may end: sessions of its own, and those of all where the configuration does not confine it to some databases.
// By KILL, by the command that mysqladmin sends, and by nothing else.
func TestKillPermission(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 1, Engine: localdb.MariaDB})
	text, err := os.ReadFile(c.ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), "shards:\n", "  - {name: guest, password: app, databases: [d]}\nshards:\n", 1)
	if err := os.WriteFile(c.ConfigPath(), []byte(with), 0o600); err != nil {
		t.Fatal(err)
	}
	c.StartProxy()
	login := func(user string) *client {
		conn, err := gomysql.Connect(c.Listen, user, cluster.Password, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &client{t, conn}
	}
	admin, guest, other := login(cluster.User), login("guest"), login("guest")
	id := func(c *client) string { return c.ask("SELECT CONNECTION_ID()") }
	for _, verb := range []string{"KILL ", "KILL QUERY "} {
		if got, want := guest.ask(verb+id(admin)), "1095 HY000 You are not owner of thread "+id(admin); got != want {
			t.Errorf("%s: %q, want %q", verb, got, want)
		}
	}
	var me *mysql.MyError
	if _, err := guest.conn.Execute("SHOW PROCESSLIST"); err != nil {
		t.Error(err)
	}
	if list := guest.ask("SHOW PROCESSLIST"); strings.Contains(list, cluster.User+",") {
		t.Errorf("a guest is shown %s", list)
	}
	if got := guest.ask("KILL " + id(other)); got != "ok" {
		t.Errorf("a session of its own: %q", got)
	}
	if got := other.ask("SELECT 1"); got != "lost" {
		t.Errorf("then %q", got)
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	run := func(user string, args ...string) (string, error) {
		args = append([]string{"--no-defaults", "-h" + host, "-P" + port, "-u" + user, "-p" + cluster.Password}, args...)
		out, err := osexec.CommandContext(t.Context(), "mysqladmin", args...).CombinedOutput()
		return string(out), err
	}
	if out, err := run("guest", "kill", id(admin)); err == nil || !strings.Contains(out, "You are not owner of thread") {
		t.Errorf("mysqladmin kill by a guest: %v %s", err, out)
	}
	if out, err := run(cluster.User, "processlist"); err != nil || !strings.Contains(out, "guest") {
		t.Errorf("mysqladmin processlist: %v %s", err, out)
	}
	if out, err := run(cluster.User, "kill", id(guest)); err != nil {
		t.Errorf("mysqladmin kill: %v %s", err, out)
	}
	if got := guest.ask("SELECT 1"); got != "lost" {
		t.Errorf("then %q", got)
	}
	if out, err := run(cluster.User, "kill", "987654"); err == nil || !strings.Contains(out, "Unknown thread id: 987654") {
		t.Errorf("mysqladmin kill of nobody: %v %s", err, out)
	}
	if _, err := admin.conn.Execute(fmt.Sprintf("KILL %s + 1", id(admin))); !errors.As(err, &me) || me.Code != 1064 && me.Code != 1094 {
		t.Errorf("an expression: %v", err)
	}
}
