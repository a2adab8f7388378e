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

	canCommitTimeout, prepareTimeout, precommitTimeout, commitTimeout time.Duration
	resolveInterval, listTimeout, settleTimeout                       time.Duration
	parallel, batch                                                   int
}

func drawLuck(rng *rand.Rand) luck {
	some := func(values ...int) int { return values[rng.IntN(len(values))] }
	sec := func(values ...int) time.Duration { return time.Duration(some(values...)) * time.Second }
	l := luck{
		proxies: some(1, 2, 2, 3), faults: some(0, 20, 40, 80, 150),
		lost: some(0, 0, 2, 6), unanswered: some(0, 0, 2, 6), slow: some(10, 30, 60), refusals: some(0, 3, 10), retries: some(0, 5, 20),
		queueFull: some(0, 0, 5), writeError: some(0, 0, 5), syncError: some(0, 0, 10), hurry: some(1, 3, 10),
		canCommitTimeout: sec(1, 3, 10), prepareTimeout: sec(1, 3, 10), precommitTimeout: sec(1, 3, 3, 5), commitTimeout: sec(1, 3, 10),
		resolveInterval: sec(2, 5), listTimeout: sec(2, 10), settleTimeout: sec(3, 10), parallel: some(1, 3), batch: some(1, 2, 1000),
	}
	for f := range l.weights {
		l.weights[f] = some(0, 1, 1, 3)
	}
	return l
}

func threePhaseOptions(o *coordinator.Options, w *world) {
	o.CanCommitTimeout, o.PrecommitTimeout = w.luck.canCommitTimeout, w.luck.precommitTimeout
	o.MarkerRetention, o.TokenRetention = 10*time.Minute, 24*time.Hour
}
