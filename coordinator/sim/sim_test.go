package sim

import (
	"flag"
	"testing"
)

var (
	seeds  = flag.Int("sim.seeds", 2000, "number of histories")
	first  = flag.Uint64("sim.start", 1, "seed of the first")
	replay = flag.Uint64("sim.seed", 0, "seed of the history that TestReplay tells")
)

func TestSim(t *testing.T) {
	var sum coverage
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		w := run(t, seed, false)
		w.seen.histories, w.seen.steps, w.seen.transactions = 1, w.steps, len(w.txs)
		sum.add(&w.seen)
		if len(w.problems) > 0 {
			again := run(t, seed, true)
			t.Fatalf("seed %d: %v\n%s", seed, w.problems, again.trace)
		}
	}
	t.Logf("\n%s", sum.table())
	t.Logf("%d steps, %d transactions, %d committed, %d rolled back, %d in doubt, looked up %v", sum.steps, sum.transactions, sum.committed, sum.rolledBack, sum.inDoubt, sum.lookedUp)
}

func TestReplay(t *testing.T) {
	if *replay == 0 {
		t.Skip("no -sim.seed given")
	}
	w := run(t, *replay, true)
	t.Logf("\n%s", w.trace)
	for _, p := range w.problems {
		t.Error(p)
	}
}
