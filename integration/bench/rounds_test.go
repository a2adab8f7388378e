package bench

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// way is one way of doing a workload.
type way struct {
	name string
	pid  func() int               // of the process in the middle; nil: none
	logs func() (batches float64) // counter of the decision log's batches; nil: none
	call func() (calls float64)   // counter of the proxy's system calls on sockets and for events; nil: none
	run  func(t *testing.T, d time.Duration) (perSecond float64, statements float64)
}

// sample is one run.
type sample struct{ perSecond, cpuMicros, batches, calls, servers, clients float64 }

// workload is a row group of the table.
type workload struct {
	name string
	unit string
	pids []int // of the servers
	ways []way // the first is the reference
}

// line of the table.
type line struct {
	workload, way, unit string
	median, low, high   float64
	ratio               float64
	cpu                 float64
	batches             float64 // of the log, for each transaction
	calls               float64 // for each statement
	servers, clients    float64 // their processor time for each statement
}

// measure runs the workload's ways in turn, rounds times.
func measure(t *testing.T, w workload, rounds int, d time.Duration) []line {
	t.Helper()
	samples := make([][]sample, len(w.ways))
	for _, way := range w.ways {
		way.run(t, d/4) // warm
	}
	for range rounds {
		for i, way := range w.ways {
			var before time.Duration
			if way.pid != nil {
				before = cpuTime(t, way.pid())
			}
			var batches float64
			if way.logs != nil {
				batches = -way.logs()
			}
			servers, clients := -serverTime(t, w.pids), -clientTime(t)
			var calls float64
			if way.call != nil {
				calls = -way.call()
			}
			rate, statements := way.run(t, d)
			s := sample{perSecond: rate}
			if way.pid != nil && statements > 0 {
				s.cpuMicros = float64((cpuTime(t, way.pid()) - before).Microseconds()) / statements
			}
			if way.logs != nil && statements > 0 {
				s.batches = (batches + way.logs()) / statements
			}
			if way.call != nil && statements > 0 {
				s.calls = (calls + way.call()) / statements
			}
			s.servers = float64((servers + serverTime(t, w.pids)).Microseconds()) / statements
			s.clients = float64((clients + clientTime(t)).Microseconds()) / statements
			samples[i] = append(samples[i], s)
		}
	}
	var lines []line
	for i, way := range w.ways {
		column := func(f func(sample) float64) []float64 {
			var out []float64
			for _, s := range samples[i] {
				out = append(out, f(s))
			}
			return out
		}
		rates := column(func(s sample) float64 { return s.perSecond })
		l := line{
			workload: w.name, way: way.name, unit: w.unit, median: median(rates), low: slices.Min(rates), high: slices.Max(rates),
			cpu:     median(column(func(s sample) float64 { return s.cpuMicros })),
			batches: median(column(func(s sample) float64 { return s.batches })),
			calls:   median(column(func(s sample) float64 { return s.calls })),
			servers: median(column(func(s sample) float64 { return s.servers })),
			clients: median(column(func(s sample) float64 { return s.clients })),
		}
		l.ratio = 1
		if i > 0 {
			// Pair by pair: what slowed the machine in one round slowed both.
			var ratios []float64
			for r := range rates {
				ratios = append(ratios, rates[r]/samples[0][r].perSecond)
			}
			l.ratio = median(ratios)
		}
		lines = append(lines, l)
		t.Logf("%s %s: %.0f %s, ratio %.2f, %.1f µs (servers %.1f, clients %.1f), %.3f log batches, %.2f system calls", l.workload, l.way, l.median, l.unit, l.ratio, l.cpu, l.servers, l.clients, l.batches, l.calls)
	}
	return lines
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

// printTable writes the result as people read it.
func printTable(lines []line) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)
	fmt.Fprintln(w, "workload\tway\tmedian\tmin–max\tunit\tratio\tprocessor µs/statement\tservers\tclients\tsystem calls/statement\tlog batches/transaction")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%.0f–%.0f\t%s\t%.2f\t%s\t%.1f\t%.1f\t%s\t%s\n", l.workload, l.way, l.median, l.low, l.high, l.unit, l.ratio,
			orDash("%.1f", l.cpu), l.servers, l.clients, orDash("%.2f", l.calls), orDash("%.3f", l.batches))
	}
	w.Flush()
	return b.String()
}

// serverTime is the processor time that all servers have spent, clientTime that of the clients: this process and those it ran.
func serverTime(t *testing.T, pids []int) (sum time.Duration) {
	t.Helper()
	for _, pid := range pids {
		sum += cpuTime(t, pid)
	}
	return sum
}

func clientTime(t *testing.T) (sum time.Duration) {
	t.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}

// orDash is a figure that there may not be.
func orDash(format string, v float64) string {
	if v <= 0 {
		return "–"
	}
	return fmt.Sprintf(format, v)
}

// cpuTime is the user and system time that a process has spent.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	// The name in parentheses may hold anything; fields are counted behind it.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		t.Fatalf("read /proc/%d/stat: %v %v", pid, err1, err2)
	}
	const ticksPerSecond = 100 // Linux reports in USER_HZ, which is 100 everywhere it runs
	return time.Duration(user+system) * time.Second / ticksPerSecond
}
