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
)

// way is one way of doing a workload.
type way struct {
	name string
	pid  func() int               // of the process in the middle; nil: none
	logs func() (batches float64) // counter of the decision log's batches; nil: none
	run  func(t *testing.T, d time.Duration) (perSecond float64, statements float64)
}

// sample is one run.
type sample struct{ perSecond, cpuMicros, batches float64 }

// workload is a row group of the table.
type workload struct {
	name string
	unit string
	ways []way // the first is the reference
}

// line of the table.
type line struct {
	workload, way, unit string
	median, low, high   float64
	ratio               float64
	cpu                 float64
	batches             float64 // of the log, for each transaction
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
			rate, statements := way.run(t, d)
			s := sample{perSecond: rate}
			if way.pid != nil && statements > 0 {
				s.cpuMicros = float64((cpuTime(t, way.pid()) - before).Microseconds()) / statements
			}
			if way.logs != nil && statements > 0 {
				s.batches = (batches + way.logs()) / statements
			}
			samples[i] = append(samples[i], s)
		}
	}
	var lines []line
	for i, way := range w.ways {
		rates, cpus, batches := columns(samples[i])
		l := line{workload: w.name, way: way.name, unit: w.unit, median: median(rates), low: slices.Min(rates), high: slices.Max(rates), cpu: median(cpus), batches: median(batches)}
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
		t.Logf("%s %s: %.0f %s, ratio %.2f, %.1f µs, %.3f log batches", l.workload, l.way, l.median, l.unit, l.ratio, l.cpu, l.batches)
	}
	return lines
}

func columns(samples []sample) (rates, cpus, batches []float64) {
	for _, s := range samples {
		rates, cpus, batches = append(rates, s.perSecond), append(cpus, s.cpuMicros), append(batches, s.batches)
	}
	return rates, cpus, batches
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
	fmt.Fprintln(w, "workload\tway\tmedian\tmin–max\tunit\tratio\tprocessor µs/statement\tlog batches/transaction")
	for _, l := range lines {
		cpu := "–"
		if l.cpu > 0 {
			cpu = fmt.Sprintf("%.1f", l.cpu)
		}
		batches := "–"
		if l.batches > 0 {
			batches = fmt.Sprintf("%.3f", l.batches)
		}
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%.0f–%.0f\t%s\t%.2f\t%s\t%s\n", l.workload, l.way, l.median, l.low, l.high, l.unit, l.ratio, cpu, batches)
	}
	w.Flush()
	return b.String()
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
