package connect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pingcap/tidb/pkg/parser/auth"
	tidbmysql "github.com/pingcap/tidb/pkg/parser/mysql"

	"lockstep/integration/cluster"
	"lockstep/integration/testca"
)

// Each plugin of a user, with the command lines of both families, over TLS and in clear, and with either greeting.
func TestPlugins(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue("server", "127.0.0.1")
	users := `{name: native, password: pw, auth_plugin: mysql_native_password}
		{name: sha2, password: pw, auth_plugin: caching_sha2_password}
		{name: sha2hash, hash: "` + escaped(auth.NewHashPassword("pw", tidbmysql.AuthCachingSha2Password)) + `"}
		{name: ed, password: pw, auth_plugin: client_ed25519}
		{name: plain, password: pw, auth_plugin: mysql_clear_password}
		{name: any, password: pw}`
	c := cluster.Start(t, cluster.Options{Shards: 1, Users: users})
	for _, greets := range []string{"mysql_native_password", "caching_sha2_password"} {
		c.WriteConfig(fmt.Sprintf("auth_plugin: %s\ntls: {cert: %s, key: %s}\n", greets, cert, key))
		c.StartProxy()
		for name, program := range programs(t) {
			for _, secure := range []bool{true, false} {
				args := []string{"-h127.0.0.1", "-P" + port(t, c), "--protocol=tcp", "-N", "-e", "SELECT SUBSTRING_INDEX(USER(), '@', 1)"}
				switch {
				case name == "mysql" && secure:
					args = append(args, "--ssl-mode=VERIFY_IDENTITY", "--ssl-ca="+ca.File, "--enable-cleartext-plugin")
				case name == "mysql":
					args = append(args, "--ssl-mode=DISABLED", "--get-server-public-key", "--enable-cleartext-plugin")
				case secure:
					args = append(args, "--ssl-ca="+ca.File, "--ssl-verify-server-cert")
				default:
					args = append(args, "--skip-ssl")
				}
				for _, user := range []string{"native", "sha2", "sha2hash", "ed", "plain", "any"} {
					if name == "mysql" && (user == "native" || user == "ed") {
						continue // it has no such plugin
					}
					want := user
					if user == "plain" && !secure {
						want = "ERROR" // 1045, or of a plugin that it does not have: as for a name that nobody has
					}
					if got := commandLine(t, program, "pw", append(args, "-u"+user)...); !strings.HasPrefix(got, want) {
						t.Errorf("%s greeted with %s, TLS %v, as %s: %s", name, greets, secure, user, got)
					}
				}
			}
		}
		c.Stop()
	}
}

// escaped writes a hash, whose salt may hold any byte, for YAML's double quotes.
func escaped(hash string) string {
	var b strings.Builder
	for _, c := range []byte(hash) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return b.String()
}
