package sim

import (
	"math/rand/v2"
	"time"

	"lockstep/coordinator"
)

// luck is how a history is inclined: drawn from the seed, so that histories differ in kind
// and not only in order. Numbers are percent where nothing else is said.
type luck struct {
	proxies    int
	faults     int // per mille of the steps
	weights    [faultCount]int
	lost       int // requests
	unanswered int // answers lost
	slow       int // answers that take their own step
	refusals   int // of PREPARE
	retries    int // 1205 and 1317 to XA COMMIT
	queueFull  int
	writeError int
	syncError  int
	hurry      int // weight of the passing of time
	waits      []time.Duration
	retention  time.Duration // of markers
	sharedHost bool          // two shards are on one server
	traps      []trap

	prepareTimeout, precommitTimeout, commitTimeout time.Duration
	resolveInterval, listTimeout, settleTimeout     time.Duration
	parallel, batch                                 int
}

func drawLuck(rng *rand.Rand) luck {
	some := func(values ...int) int { return values[rng.IntN(len(values))] }
	sec := func(values ...int) time.Duration { return time.Duration(some(values...)) * time.Second }
	l := luck{
		proxies: some(1, 2, 2, 3), faults: some(0, 20, 40, 80, 150),
		lost: some(0, 0, 2, 6), unanswered: some(0, 0, 2, 6), slow: some(10, 30, 60), refusals: some(0, 3, 10), retries: some(0, 5, 20),
		queueFull: some(0, 0, 5), writeError: some(0, 0, 5), syncError: some(0, 0, 10), hurry: some(1, 3, 10),
		prepareTimeout: sec(1, 3, 10), precommitTimeout: sec(1, 3, 3, 5), commitTimeout: sec(1, 3, 10),
		resolveInterval: sec(2, 5), listTimeout: sec(2, 10), settleTimeout: sec(3, 10), parallel: some(1, 3), batch: some(1, 2, 1000),
	}
	ms := time.Millisecond
	l.waits = [][]time.Duration{{5 * ms, 50 * ms}, {20 * ms, 200 * ms, 1100 * ms}, {20 * ms, 200 * ms, 4000 * ms, 12000 * ms}}[rng.IntN(3)]
	for f := range l.weights {
		l.weights[f] = some(0, 1, 1, 3)
	}
	l.sharedHost, l.retention = some(0, 0, 1) == 1, 10*time.Minute
	if some(0, 0, 0, 1) == 1 {
		// The real clock counts on when the calendar is put back; this one does not, so no jumps here.
		l.retention, l.weights[faultClockBack], l.weights[faultClockForward], l.weights[faultLongPause] = 2*time.Minute, 0, 0, 3
		// Half-voted transactions of proxies that sleep for longer than their rows are kept.
		l.weights[faultWake] = some(0, 1)
		l.traps = append(l.traps, trap{fault: faultFreeze, phase: phasePartly, skip: rng.IntN(4)})
	} else {
		l.weights[faultLongPause] = 0
	}
	for range some(0, 1, 1, 2, 3) {
		l.traps = append(l.traps, trap{
			fault: trapFaults[rng.IntN(len(trapFaults))], phase: trapPhases[rng.IntN(len(trapPhases))], skip: rng.IntN(4),
		})
	}
	return l
}

// trap is a fault that waits for a transaction to come to a phase, so that short phases
// get their share.
type trap struct {
	fault fault
	phase phase
	skip  int // transactions that it lets pass
	last  *transaction
}

var trapFaults = []fault{faultCrashProxy, faultCrashProxy, faultCrashServer, faultFreeze, faultCut, faultReset, faultKill, faultClientLeaves, faultOperator, faultLookUp}

// trapPhases: the shorter, the oftener.
var trapPhases = []phase{phaseWorking, phaseVoting, phasePartly, phasePartly, phasePrepared, phasePrepared, phaseDecided, phaseDecided, phaseDecided, phaseEnding}

// spring the traps that transactions have come to.
func (w *world) spring() {
	for i := 0; i < len(w.luck.traps); i++ {
		trap := &w.luck.traps[i]
		for _, t := range w.txs {
			if w.phaseOf(t) != trap.phase || t == trap.last {
				continue
			}
			trap.last = t
			if trap.skip--; trap.skip >= 0 {
				continue
			}
			w.victim = t
			w.happen(trap.fault)
			w.victim = nil
			w.luck.traps = append(w.luck.traps[:i], w.luck.traps[i+1:]...)
			i--
			w.sweep()
			w.settle()
			break
		}
	}
}

func threePhaseOptions(o *coordinator.Options, w *world) {
	o.PrecommitTimeout = w.luck.precommitTimeout
	o.MarkerRetention, o.TokenRetention = w.luck.retention, 24*time.Hour
}
