package drivers

import (
	"context"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// program runs a client program against the proxy with a script as its input.
func program(t *testing.T, c *cluster.Cluster, script, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := osexec.CommandContext(ctx, name, append([]string{"--no-defaults", "-h" + host, "-P" + port}, args...)...)
	var o, e strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

// mariadb runs the command line, which must succeed, and returns what it prints.
func mariadb(t *testing.T, c *cluster.Cluster, script string, args ...string) string {
	t.Helper()
	out, errs, err := program(t, c, script, "mariadb", append([]string{"-u" + cluster.User, "-p" + cluster.Password}, args...)...)
	if err != nil || errs != "" {
		t.Errorf("mariadb %v <<< %q: %v\n%s%s", args, script, err, out, errs)
	}
	return out
}

// needs stops a test where a program is missing that not every machine has.
func needs(t *testing.T, name string) {
	t.Helper()
	if _, err := osexec.LookPath(name); err != nil {
		t.Fatalf("%v (make install-test-deps)", err)
	}
}

func TestCommandLine(t *testing.T) {
	needs(t, "mariadb")
	c := start(t, cluster.Options{})
	exec(t, c.DB("d"), "CREATE TABLE p (id INT PRIMARY KEY, v VARCHAR(20))")
	exec(t, c.DB("d"), "INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'ü')")

	t.Run("several statements with -e", func(t *testing.T) {
		got := mariadb(t, c, "", "-N", "d", "-e", "SELECT 1; BEGIN; UPDATE p SET v = 'x'; ROLLBACK; SELECT GROUP_CONCAT(v ORDER BY id) FROM p WHERE id = 3; SELECT id FROM p ORDER BY id DESC")
		if got != "1\nü\n3\n2\n1\n" {
			t.Errorf("printed %q", got)
		}
	})
	t.Run("each plugin", func(t *testing.T) {
		for _, plugin := range []string{"mysql_native_password", "caching_sha2_password"} {
			if got := mariadb(t, c, "SELECT USER() LIKE 'app@%';\n", "-N", "--default-auth="+plugin); got != "1\n" {
				t.Errorf("%s: %q", plugin, got)
			}
			_, errs, err := program(t, c, "", "mariadb", "-u"+cluster.User, "-pwrong", "--default-auth="+plugin)
			if err == nil || !strings.Contains(errs, "ERROR 1045 (28000): Access denied for user 'app'@") {
				t.Errorf("%s, wrong password: %v %s", plugin, err, errs)
			}
		}
	})
	t.Run("commands of its own", func(t *testing.T) {
		got := mariadb(t, c, "\\u d\nSELECT DATABASE();\nstatus\nSELECT 'a;b' -- not; two\n;\nDELIMITER //\nSELECT 5; SELECT 6//\n", "-N")
		for _, want := range []string{"d\n", "Current database:\td\n", "-Lockstep", "Uptime:\t", "a;b\n", "5\n6\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	})
	t.Run("completion reads the columns", func(t *testing.T) {
		// It asks for each table's columns at its start, unless -A; interactive only.
		got := mariadb(t, c, "SELECT id FROM p WHERE id = 2;\n", "--auto-rehash", "--force", "-N", "d")
		if got != "2\n" {
			t.Errorf("printed %q", got)
		}
	})
	t.Run("errors", func(t *testing.T) {
		out, errs, err := program(t, c, "SELECT 1;\nSELECT nope FROM p;\nSELECT 2;\n", "mariadb", "-uapp", "-papp", "-N", "d")
		if err == nil || out != "1\n" || !strings.Contains(errs, "ERROR 1054 (42S22) at line 2: Unknown column 'nope'") {
			t.Errorf("%v %q %q", err, out, errs)
		}
		for want, args := range map[string][]string{
			"ERROR 1049 (42000): Unknown database 'nowhere'": {"-uapp", "-papp", "nowhere"},
			"ERROR 1045 (28000): Access denied for user 'x'": {"-ux", "-papp"},
			"ERROR 2026 (HY000)":                             {"-uapp", "-papp", "--ssl-verify-server-cert", "--ssl"},
		} {
			if _, errs, err := program(t, c, "", "mariadb", args...); err == nil || !strings.HasPrefix(errs, want) {
				t.Errorf("%v: %v %q, want %q", args, err, errs, want)
			}
		}
	})
	t.Run("warnings", func(t *testing.T) {
		got := mariadb(t, c, "SET sql_mode = '';\nINSERT INTO p VALUES (9, 'more than twenty characters');\nDELETE FROM p WHERE id = 9;\n", "--show-warnings", "d")
		if !strings.Contains(got, "Data truncated for column 'v'") {
			t.Errorf("printed %q", got)
		}
	})
}

// TestDump dumps all of a database through the proxy, loads it into another one
// through the proxy, and compares the rows.
func TestDump(t *testing.T) {
	needs(t, "mariadb-dump")
	c := start(t, cluster.Options{})
	db := c.DB("d", "charset=utf8mb4")
	exec(t, db, definition("v"))
	insert(t, db, "v", 1)
	insert(t, db, "v", 5)
	exec(t, db, "CREATE TABLE a (id BIGINT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(30))")
	for i := range 30 {
		exec(t, db, "INSERT INTO a (s) VALUES (?)", fmt.Sprint("row ", i))
	}
	exec(t, db, "CREATE TABLE nokey (x INT)")
	exec(t, db, "INSERT INTO nokey VALUES (1), (1), (NULL)")
	login := []string{"-u" + cluster.User, "-p" + cluster.Password}
	dump, errs, err := program(t, c, "", "mariadb-dump", append(login, "--single-transaction", "--skip-add-locks", "--no-tablespaces", "--hex-blob", "d")...)
	if err != nil || errs != "" {
		t.Fatalf("dump: %v\n%s", err, errs)
	}
	exec(t, db, "CREATE DATABASE copy")
	if out, errs, err := program(t, c, dump, "mariadb", append(login, "copy")...); err != nil {
		file := filepath.Join(os.TempDir(), "lockstep-dump.sql")
		_ = os.WriteFile(file, []byte(dump), 0o600) // to look at
		t.Fatalf("load: %v\n%s%s(the dump is %s)", err, out, errs, file)
	}
	for table, order := range map[string]string{"v": "id", "a": "id", "nokey": "x"} {
		same(t, table, ask(t, db, "SELECT * FROM copy."+table+" ORDER BY "+order), ask(t, db, "SELECT * FROM d."+table+" ORDER BY "+order))
	}
	for i := range c.Shards {
		if n := one(t, c.ShardDB(i, "copy"), "SELECT COUNT(*) FROM a"); n == "0" {
			t.Errorf("no row of the copy is on shard %d", i)
		}
	}
}
