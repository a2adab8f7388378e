package sysbench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

const (
	tables    = 2
	tableSize = 1000
	threads   = 8
)

func TestMain(m *testing.M) { cluster.Main(m) }

// runTime is how long each run takes.
func runTime(t *testing.T) time.Duration {
	t.Helper()
	v := os.Getenv("LOCKSTEP_SYSBENCH_TIME")
	if v == "" {
		return time.Second
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < time.Second {
		t.Fatalf("LOCKSTEP_SYSBENCH_TIME is %q, want a duration of a second or more", v)
	}
	return d
}

// report is what sysbench says at the end of a run.
type report struct {
	transactions, ignored, reconnects int
}

// sysbench runs one command of a script; any failure is the test's. The report is that of "run".
func sysbench(t *testing.T, address, script, command string, args ...string) report {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	d := runTime(t)
	ctx, cancel := context.WithTimeout(context.Background(), d+30*time.Second)
	defer cancel()
	all := append([]string{
		script, "--db-driver=mysql", "--mysql-host=" + host, "--mysql-port=" + port,
		"--mysql-user=" + cluster.User, "--mysql-password=" + cluster.Password,
		fmt.Sprintf("--time=%d", int(d.Seconds())), "--events=0",
	}, args...)
	out, err := exec.CommandContext(ctx, "sysbench", append(all, command)...).CombinedOutput()
	if err != nil {
		t.Fatalf("sysbench %s %s: %v\n%s", script, command, err, out)
	}
	for _, word := range []string{"FATAL", "ALERT", "WARNING"} {
		if strings.Contains(string(out), word) {
			t.Fatalf("sysbench %s %s complains:\n%s", script, command, out)
		}
	}
	if command != "run" {
		return report{}
	}
	r := report{
		transactions: number(t, out, `transactions:\s+(\d+)`),
		ignored:      number(t, out, `ignored errors:\s+(\d+)`),
		reconnects:   number(t, out, `reconnects:\s+(\d+)`),
	}
	if r.transactions == 0 {
		t.Errorf("sysbench %s ran no transaction:\n%s", script, out)
	}
	if r.reconnects != 0 {
		t.Errorf("sysbench %s lost its connection %d times:\n%s", script, r.reconnects, out)
	}
	return r
}

func number(t *testing.T, out []byte, pattern string) int {
	t.Helper()
	m := regexp.MustCompile(pattern).FindSubmatch(out)
	if m == nil {
		t.Fatalf("sysbench printed no %s:\n%s", pattern, out)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
