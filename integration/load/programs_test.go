package load

import (
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// The programs of the servers load their files through the proxy.
func TestPrograms(t *testing.T) {
	c := start(t, localdb.MariaDB, "")
	db := c.DB("d")
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, program string, args ...string) string {
		t.Helper()
		args = append([]string{"--no-defaults", "-h" + host, "-P" + port, "-u" + cluster.User, "-p" + cluster.Password}, args...)
		out, err := osexec.CommandContext(t.Context(), program, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", program, args, err, out)
		}
		return string(out)
	}
	statement := func(query string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "t.txt")
	if err := os.WriteFile(file, []byte(lines(1, 20_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	statement("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
	want := "20000|1|20000\n"
	t.Run("mariadb", func(t *testing.T) {
		out := run(t, "mariadb", "--local-infile=1", "-vv", "d", "-e", fmt.Sprintf("LOAD DATA LOCAL INFILE '%s' INTO TABLE t FIELDS TERMINATED BY ','", file))
		if !strings.Contains(out, "Records: 20000  Deleted: 0  Skipped: 0  Warnings: 0") {
			t.Errorf("it prints %s", out)
		}
		if got := rows(t, db, "SELECT COUNT(*), MIN(id), MAX(id) FROM t"); got != want {
			t.Errorf("rows are %q", got)
		}
	})
	t.Run("several statements", func(t *testing.T) {
		out := run(t, "mariadb", "--local-infile=1", "-N", "--delimiter=//", "d", "-e", fmt.Sprintf("SELECT 1; LOAD DATA LOCAL INFILE '%s' REPLACE INTO TABLE t FIELDS TERMINATED BY ','; SELECT COUNT(*) FROM t", file))
		if out != "1\n20000\n" {
			t.Errorf("it prints %q", out)
		}
	})
	t.Run("mysqlimport", func(t *testing.T) {
		statement("DELETE FROM t WHERE id > 0")
		out := run(t, "mysqlimport", "--local", "--fields-terminated-by=,", "d", file)
		if !strings.Contains(out, "Records: 20000") {
			t.Errorf("it prints %s", out)
		}
		if got := rows(t, db, "SELECT COUNT(*), MIN(id), MAX(id) FROM t"); got != want {
			t.Errorf("rows are %q", got)
		}
	})
}

// TestNotAllowed: where the configuration allows no files, none is asked for.
func TestNotAllowed(t *testing.T) {
	notAllowed(t, start(t, localdb.MariaDB, "local_infile: off\n"))
}

func notAllowed(t *testing.T, c *cluster.Cluster) {
	db := c.DB("d")
	if _, err := db.Exec("CREATE TABLE nothing (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	want := 4166
	if c.Shards[0].Engine == localdb.MySQL {
		want = 3948
	}
	file := &asked{}
	_, err := load(t.Context(), db, file, "INTO TABLE nothing")
	wantCode(t, err, want)
	if file.read {
		t.Error("the file is asked for all the same")
	}
	_, err = db.Prepare("LOAD DATA LOCAL INFILE 'x' INTO TABLE nothing")
	wantCode(t, err, 1295)
}

// asked is a file that knows whether anybody wanted it.
type asked struct{ read bool }

func (f *asked) Read([]byte) (int, error) {
	f.read = true
	return 0, fmt.Errorf("nobody may read this")
}
