package limits

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// full says whether the long variants are asked for.
func full() bool { return os.Getenv("LOCKSTEP_LIMITS") == "full" }

// quickOr is how much of something a test has.
func quickOr(quick, long int) int {
	if full() {
		return long
	}
	return quick
}

// start runs a proxy over two shards with an empty database d.
func start(t *testing.T, o cluster.Options) *cluster.Cluster {
	t.Helper()
	c := cluster.Start(t, o)
	c.StartProxy()
	k := dial(t, c, "")
	run(t, k, "CREATE DATABASE d")
	k.Close()
	return c
}

func options(database string) wireclient.Options {
	return wireclient.Options{User: cluster.User, Password: cluster.Password, Database: database, Timeout: 2 * time.Minute}
}

// dial logs in; the connection is closed with the test.
func dial(t *testing.T, c *cluster.Cluster, database string) *wireclient.Conn {
	t.Helper()
	k, err := wireclient.Connect(c.Listen, options(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// ask runs a statement that must succeed.
func ask(c *wireclient.Conn, sql string) (*wireclient.Answer, error) {
	a, err := c.Do(wireclient.Query(sql))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%.100s: %w", sql, err)
	case a.Closed || a.Detail() != "":
		return nil, fmt.Errorf("%.100s: %v %s", sql, a.Lines(), a.Detail())
	}
	return a, nil
}

func run(t *testing.T, c *wireclient.Conn, sql string) {
	t.Helper()
	if _, err := ask(c, sql); err != nil {
		t.Fatal(err)
	}
}

// resident is the proxy's resident memory in bytes.
func resident(t *testing.T, c *cluster.Cluster) int {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", c.ProxyPid()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("the proxy's memory is not told")
	return 0
}

func mib(bytes int) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// metric is the sum of a metric's values, over all labels that match.
func metric(t *testing.T, c *cluster.Cluster, pattern string) int {
	t.Helper()
	_, body, err := c.Text("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	found := regexp.MustCompile(`(?m)^`+pattern+`(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(body, -1)
	if len(found) == 0 {
		t.Fatalf("no metric %s", pattern)
	}
	for _, m := range found {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	return int(sum)
}

// eventually waits until a number is at most a bound, and fails where it does not become so.
func eventually(t *testing.T, what string, bound int, number func() int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		n := number()
		if n <= bound {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: %d, want at most %d", what, n, bound)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
