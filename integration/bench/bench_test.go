package bench

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// TestBench measures everything and prints the table. It runs only with
// LOCKSTEP_BENCH=ROUNDS (make bench): it takes minutes and needs a quiet machine.
func TestBench(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("LOCKSTEP_BENCH"))
	if err != nil || rounds < 1 {
		t.Skip("set LOCKSTEP_BENCH to the number of rounds")
	}
	d := 5 * time.Second
	if v := os.Getenv("LOCKSTEP_BENCH_TIME"); v != "" {
		if d, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	only := regexp.MustCompile(os.Getenv("LOCKSTEP_BENCH_ONLY"))
	lines := oneShard(t, only, rounds, d)
	lines = append(lines, twoShards(t, only, rounds, d)...)
	fmt.Printf("\n%d rounds of %v; %d processors; %s\n%s\n", rounds, d, runtime.NumCPU(), versions(), printTable(lines))
}

func versions() string {
	var list []string
	for _, args := range [][]string{{"mariadbd", "--version"}, {"haproxy", "-v"}, {"sysbench", "--version"}, {"go", "version"}} {
		out, err := exec.Command(args[0], args[1:]...).Output()
		if err == nil {
			first, _, _ := strings.Cut(string(out), "\n")
			list = append(list, strings.TrimSpace(first))
		}
	}
	return strings.Join(list, "; ")
}

// oneShard is sysbench on one server: directly, through HAProxy, and through Lockstep with that server as its only shard.
func oneShard(t *testing.T, only *regexp.Regexp, rounds int, d time.Duration) (lines []line) {
	rows := manyRows(t)
	workloads := chosen(only, []sysbenchWorkload{
		{"point select, text", "oltp_point_select", 8, []string{"--db-ps-mode=disable"}},
		{"point select, text", "oltp_point_select", 64, []string{"--db-ps-mode=disable"}},
		{"point select, text", "oltp_point_select", 256, []string{"--db-ps-mode=disable"}},
		{"point select, prepared", "oltp_point_select", 8, []string{"--db-ps-mode=auto"}},
		{"point select, prepared", "oltp_point_select", 64, []string{"--db-ps-mode=auto"}},
		{"point select, prepared", "oltp_point_select", 256, []string{"--db-ps-mode=auto"}},
		{"read-write, text", "oltp_read_write", 8, []string{"--db-ps-mode=disable"}},
		{"read-write, text", "oltp_read_write", 64, []string{"--db-ps-mode=disable"}},
		{"read-write, prepared", "oltp_read_write", 8, []string{"--db-ps-mode=auto"}},
		{"10,000 rows of a result", rows, 4, []string{"--db-ps-mode=disable"}},
	})
	if len(workloads) == 0 {
		return nil
	}
	c := cluster.Start(t, cluster.Options{Shards: 1})
	c.StartProxy()
	db := c.DB("")
	if _, err := db.Exec("CREATE DATABASE sb"); err != nil {
		t.Fatal(err)
	}
	server := c.Shards[0].Address()
	sysbench(t, c.Listen, "oltp_read_write", "prepare", 1, d)
	haproxy, pid := startHAProxy(t, server)
	for _, w := range workloads {
		// Row locks of equal random rows make some transactions fail; sysbench repeats them.
		extra := append([]string{"--mysql-ignore-errors=1213,1205"}, w.extra...)
		run := func(address string) func(*testing.T, time.Duration) (float64, float64) {
			return func(t *testing.T, d time.Duration) (float64, float64) {
				return sysbench(t, address, w.script, "run", w.threads, d, extra...)
			}
		}
		lines = append(lines, measure(t, workload{
			name: w.title(), unit: "transactions/s", pids: serverPids(t, c),
			ways: []way{
				{name: "direct", run: run(server)},
				{name: "HAProxy", run: run(haproxy), pid: func() int { return pid }},
				{name: "Lockstep", run: run(c.Listen), pid: c.ProxyPid, call: func() float64 { return systemCalls(t, c) }},
			},
		}, rounds, d)...)
	}
	c.StopProxy()
	return lines
}

// sysbenchWorkload is a script of sysbench's with so many threads.
type sysbenchWorkload struct {
	name, script string
	threads      int
	extra        []string
}

func (w sysbenchWorkload) title() string { return fmt.Sprintf("%s, %d threads", w.name, w.threads) }

// chosen are the workloads whose titles match.
func chosen(only *regexp.Regexp, list []sysbenchWorkload) []sysbenchWorkload {
	return slices.DeleteFunc(list, func(w sysbenchWorkload) bool { return !only.MatchString(w.title()) })
}

// twoShards is a transfer over two shards, beside a client that drives XA itself.
func twoShards(t *testing.T, only *regexp.Regexp, rounds int, d time.Duration) (lines []line) {
	if !only.MatchString("transfers") {
		return nil
	}
	c := cluster.Start(t, cluster.Options{Shards: 2})
	c.StartProxy()
	admin := c.DB("")
	for _, s := range []string{"CREATE DATABASE bank", "CREATE TABLE bank.account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)"} {
		if _, err := admin.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	db := c.DB("bank")
	for from := 0; from < 10000; from += 1000 {
		var b strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&b, ",(%d,1000)", from+i)
		}
		if _, err := db.Exec("INSERT INTO account VALUES " + b.String()[1:]); err != nil {
			t.Fatal(err)
		}
	}
	var a accounts
	shards := [2]*sql.DB{c.ShardDB(0, "bank"), c.ShardDB(1, "bank")}
	for i, s := range shards {
		rows, err := s.Query("SELECT id FROM account")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id int
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			a[i] = append(a[i], id)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	for _, clients := range []int{8, 32} {
		for _, p := range append(shards[:], db) {
			p.SetMaxOpenConns(clients + 1)
			p.SetMaxIdleConns(clients + 1)
		}
		lines = append(lines, measure(t, workload{
			name: fmt.Sprintf("transfer over two shards, %d clients", clients), unit: "transfers/s", pids: serverPids(t, c),
			ways: []way{
				{name: "client drives XA", run: func(t *testing.T, d time.Duration) (float64, float64) {
					return transfers(t, clients, d, drivenByClient(t, shards, &a))
				}},
				{name: "Lockstep, 2pc", pid: c.ProxyPid, logs: func() float64 { return logBatches(t, c) }, run: func(t *testing.T, d time.Duration) (float64, float64) {
					return transfers(t, clients, d, throughProxy(t, db, &a, "2pc"))
				}},
				{name: "Lockstep, 3pc", pid: c.ProxyPid, run: func(t *testing.T, d time.Duration) (float64, float64) {
					return transfers(t, clients, d, throughProxy(t, db, &a, "3pc"))
				}},
			},
		}, rounds, d)...)
	}
	return lines
}

// serverPids are the shards' processes.
func serverPids(t *testing.T, c *cluster.Cluster) (pids []int) {
	t.Helper()
	for _, s := range c.Shards {
		pids = append(pids, s.Pid)
	}
	return pids
}

// logBatches is the proxy's counter of what its decision log has synced; one batch is two fdatasyncs.
func logBatches(t *testing.T, c *cluster.Cluster) float64 {
	t.Helper()
	return counters(t, c, "lockstep_log_syncs_total ")
}

// systemCalls is the proxy's counter of reads, writes and waits for events.
func systemCalls(t *testing.T, c *cluster.Cluster) float64 {
	t.Helper()
	const name = "lockstep_loop_system_calls_total"
	return counters(t, c, name+`{call="wait"} `, name+`{call="read"} `, name+`{call="write"} `)
}

// counters is the sum of these lines of the proxy's metrics.
func counters(t *testing.T, c *cluster.Cluster, names ...string) (sum float64) {
	t.Helper()
	status, body, err := c.Text("/metrics")
	if err != nil || status != 200 {
		t.Fatalf("read metrics: status %d: %v", status, err)
	}
	found := 0
	for line := range strings.Lines(body) {
		for _, name := range names {
			rest, ok := strings.CutPrefix(line, name)
			if !ok {
				continue
			}
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += n
			found++
		}
	}
	if found != len(names) {
		t.Fatalf("%d of the metrics %q found", found, names)
	}
	return sum
}

func TestMain(m *testing.M) { cluster.Main(m) }
