package connect

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/integration/testca"
)

// changes goes from user to user on one connection and says who it is each time.
const changes = `<?php
mysqli_report(MYSQLI_REPORT_OFF);
$m = mysqli_init();
$tls = getenv("CA") != "";
if ($tls) $m->ssl_set(null, null, getenv("CA"), null, null);
$m->real_connect("127.0.0.1", "app", "app", "", (int) getenv("PORT"), null, $tls ? MYSQLI_CLIENT_SSL : 0) or die($m->connect_error);
foreach (["native", "sha2", "app", "sha2", "native", "secured"] as $user) {
	$ok = $m->change_user($user, $user == "app" ? "app" : "pw", null);
	echo $ok ? explode("@", $m->query("SELECT USER()")->fetch_row()[0])[0] : $m->errno, " ";
}
`

// COM_CHANGE_USER of a real driver, PHP's, switches plugins back and forth.
func TestChangeUser(t *testing.T) {
	php, err := exec.LookPath("php")
	if err != nil {
		t.Skip(err)
	}
	if out, err := exec.CommandContext(t.Context(), php, "-m").Output(); err != nil || !strings.Contains(string(out), "mysqli") {
		t.Skip("PHP has no mysqli")
	}
	ca := testca.New(t)
	cert, key := ca.Issue("server", "127.0.0.1")
	c := start(t, cluster.Options{Config: fmt.Sprintf("tls: {cert: %s, key: %s}\n", cert, key), Users: `
		{name: sha2, password: pw, auth_plugin: caching_sha2_password}
		{name: native, password: pw, auth_plugin: mysql_native_password}
		{name: secured, password: pw, require: tls}`[1:]})
	file := filepath.Join(t.TempDir(), "change.php")
	if err := os.WriteFile(file, []byte(changes), 0o600); err != nil {
		t.Fatal(err)
	}
	for authority, want := range map[string]string{"": "native sha2 app sha2 native 1045", ca.File: "native sha2 app sha2 native secured"} {
		cmd := exec.CommandContext(t.Context(), php, file)
		cmd.Env = append(os.Environ(), "CA="+authority, "PORT="+port(t, c))
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("TLS %v: %q %v, want %q", authority != "", got, err, want)
		}
	}
}
