package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds   = flag.Int("sim.seeds", 2000, "number of histories")
	first   = flag.Uint64("sim.start", 1, "seed of the first")
	realLog = flag.Bool("sim.reallog", false, "TestReplay has the log on a real disk")
	replay  = flag.Uint64("sim.seed", 0, "seed of the history that TestReplay tells")
)

// lastWord is printed after everything else.
var lastWord string

func TestMain(m *testing.M) {
	code := m.Run()
	if lastWord != "" {
		fmt.Println(lastWord)
	}
	os.Exit(code)
}

// TestSim runs histories, and counts what happened in them.
func TestSim(t *testing.T) {
	began := time.Now()
	var (
		sum  coverage
		mu   sync.Mutex
		next atomic.Uint64
	)
	next.Store(*first)
	end := *first + uint64(*seeds)
	t.Run("histories", func(t *testing.T) {
		for i := range min(runtime.GOMAXPROCS(0), *seeds) {
			t.Run(fmt.Sprint("worker ", i+1), func(t *testing.T) {
				t.Parallel()
				var mine coverage
				for !t.Failed() {
					seed := next.Add(1) - 1
					if seed >= end {
						break
					}
					w := run(t, seed, false, false)
					mine.add(w.summary())
					if len(w.problems) > 0 {
						next.Store(end)
						report(t, seed)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				sum.add(&mine)
			})
		}
	})
	t.Logf("what happened, and to transactions in which phase:\n%s", sum.table())
	if t.Failed() {
		return
	}
	for _, missing := range sum.missing() {
		if *seeds >= 2000 {
			t.Errorf("it never happened: %s", missing)
		}
	}
	lastWord = fmt.Sprintf("%d histories passed in %s (seeds %d to %d): %s", sum.histories, time.Since(began).Round(time.Second/10), *first, end-1, sum.String())
}

// report a history that went wrong: it is run again, and told.
func report(t *testing.T, seed uint64) {
	again := run(t, seed, true, false)
	t.Errorf("seed %d: %s\n\nTo see it again:\n  go test ./coordinator/sim -run TestReplay -sim.seed=%d -v\n\n%s",
		seed, strings.Join(again.problems, "\n  "), seed, again.trace)
	if len(again.problems) == 0 {
		t.Errorf("seed %d went wrong, and did not when it was run again: histories do not depend on the seed alone", seed)
	}
}

// TestRealLog runs some histories over decision logs on a real disk.
func TestRealLog(t *testing.T) {
	var sum coverage
	for seed := *first; seed < *first+uint64(*seeds/20); seed++ {
		w := run(t, seed, false, true)
		sum.add(w.summary())
		if len(w.problems) > 0 {
			t.Fatalf("seed %d: %s\n\nTo see it again:\n  go test ./coordinator/sim -run TestReplay -sim.reallog -sim.seed=%d -v\n\n%s",
				seed, strings.Join(w.problems, "\n  "), seed, run(t, seed, true, true).trace)
		}
	}
	t.Log(sum.String())
}

// TestReplay tells one history.
func TestReplay(t *testing.T) {
	if *replay == 0 {
		t.Skip("no -sim.seed given")
	}
	w := run(t, *replay, true, *realLog)
	t.Logf("history of seed %d:\n%s", *replay, w.trace)
	for _, p := range w.problems {
		t.Error(p)
	}
}

// TestSeedDecides holds the traces of the same seeds on one and on several processors against each other.
func TestSeedDecides(t *testing.T) {
	traces := make([][]string, *seeds/10)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		for i := range traces {
			traces[i] = append(traces[i], run(t, *first+uint64(i), true, i%10 == 0).trace.String())
		}
	}
	for i, all := range traces {
		for _, other := range all[1:] {
			if other != all[0] {
				t.Fatalf("seed %d: two different histories:\n%s", *first+uint64(i), firstDifference(all[0], other))
			}
		}
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range as {
		if i >= len(bs) || as[i] != bs[i] {
			from := max(i-12, 0)
			return strings.Join(as[from:min(i+4, len(as))], "\n") + "\n--- or ---\n" + strings.Join(bs[from:min(i+4, len(bs))], "\n")
		}
	}
	return "one ends before the other"
}
