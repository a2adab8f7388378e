package bench

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

const tableSize = 20000

// sysbench runs one of its scripts and returns transactions and statements per second, and all statements.
func sysbench(t *testing.T, address, script, command string, threads int, d time.Duration, extra ...string) (perSecond, statements float64) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{script, "--db-driver=mysql", "--mysql-host=" + host, "--mysql-port=" + port,
		"--mysql-user=" + cluster.User, "--mysql-password=" + cluster.Password, "--mysql-db=sb",
		"--tables=1", fmt.Sprintf("--table-size=%d", tableSize), fmt.Sprintf("--threads=%d", threads),
		fmt.Sprintf("--time=%d", max(1, int(d.Seconds()))), "--events=0", "--rand-type=uniform"}
	out, err := exec.Command("sysbench", append(append(args, extra...), command)...).CombinedOutput()
	if err != nil {
		t.Fatalf("sysbench %s %s: %v\n%s", script, command, err, out)
	}
	if command != "run" {
		return 0, 0
	}
	return number(t, out, `transactions:\s+\d+\s+\(([\d.]+) per sec`), number(t, out, `total:\s+(\d+)`)
}

// manyRows is a script of ours: a result of 10,000 rows, 1.3 MB.
func manyRows(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.lua")
	text := `sysbench.cmdline.options = {tables = {"", 1}, table_size = {"", 1}}
function thread_init()
  driver = sysbench.sql.driver()
  connection = driver:connect()
end
function event()
  connection:query("SELECT id, k, c FROM sbtest1 LIMIT 10000")
end
function thread_done()
  connection:disconnect()
end
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func number(t *testing.T, out []byte, pattern string) float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindSubmatch(out)
	if m == nil {
		t.Fatalf("sysbench printed no %s:\n%s", pattern, out)
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// startHAProxy runs HAProxy in TCP mode in front of one server.
func startHAProxy(t *testing.T, server string) (address string, pid int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := fmt.Sprintf("global\n  maxconn 4096\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\nlisten mysql\n  bind %s\n  server s1 %s\n", address, server)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("haproxy", "-db", "-f", file)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start haproxy: %v (make install-bench-deps)", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it holds nothing
		_ = cmd.Wait()
	})
	for range 200 {
		if nc, err := net.Dial("tcp", address); err == nil {
			nc.Close()
			return address, cmd.Process.Pid
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("haproxy does not listen")
	return "", 0
}
