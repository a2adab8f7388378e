package wire

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// The command lines of both families, with each algorithm that they have.
func TestCompression(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Config: "schemas:\n  - name: d\n    tables:\n      - {name: n, shard_key: id}\n"})
	c.StartProxy()
	dial(t, c.Listen, "", 0).must("CREATE DATABASE d", "USE d", "CREATE TABLE n (id INT PRIMARY KEY, v VARCHAR(3000))")
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	login := []string{"--no-defaults", "-h" + host, "-P" + port, "-u" + cluster.User, "-p" + cluster.Password, "--protocol=tcp", "-N", "d"}
	cluster.NeedEngine(t, localdb.MySQL)
	mysql, err := filepath.Abs("../../.cache/mysql/current/bin/mysql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath(mysql); err != nil {
		mysql = "mysql"
	}
	// A statement and a row of more than a packet's 16 MiB, small ones, errors, attributes and several results.
	file := filepath.Join(t.TempDir(), "rows")
	var lines strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&lines, "%d\tline %d\n", 100+i, i)
	}
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	script := `
DELETE FROM n;
INSERT INTO n VALUES (1, REPEAT('x', 3000)), (2, 'short');
SELECT nosuch;
SELECT id, LENGTH(v) FROM n ORDER BY id;
SELECT LENGTH(REPEAT('y', 17000000)), MD5(REPEAT('y', 17000000)) = MD5('` + strings.Repeat("y", 17_000_000) + `');
SELECT CONCAT(LEFT(r, 3), LENGTH(r)) FROM (SELECT REPEAT('z', 17000000) AS r) AS big;
USE d;
LOAD DATA LOCAL INFILE '` + file + `' INTO TABLE n;
SELECT COUNT(*) FROM n;
`
	want := "1\t3000\n2\t5\n17000000\t1\nzzz17000000\n5002\n"
	for _, command := range [][]string{
		{"mariadb"}, {"mariadb", "--compress"}, {mysql, "--ssl-mode=DISABLED", "--compression-algorithms=zlib"},
		{mysql, "--ssl-mode=DISABLED", "--compression-algorithms=zstd"}, {mysql, "--ssl-mode=DISABLED", "--compression-algorithms=zstd", "--zstd-compression-level=19"},
		{mysql, "--ssl-mode=DISABLED", "--compression-algorithms=uncompressed"},
	} {
		t.Run(strings.Join(command[min(1, len(command)-1):], " "), func(t *testing.T) {
			args := append([]string{login[0]}, command[1:]...)
			args = append(append(args, login[1:]...), "--force", "--local-infile=1", "--max-allowed-packet=64M")
			cmd := exec.CommandContext(t.Context(), command[0], args...)
			cmd.Stdin = strings.NewReader(script)
			var errs strings.Builder
			cmd.Stderr = &errs
			out, _ := cmd.Output() // one statement fails: the exit code says so
			if string(out) != want || !strings.Contains(errs.String(), "1054") {
				t.Errorf("said %q, want %q\n%.500s", out, want, errs.String())
			}
		})
	}
}
