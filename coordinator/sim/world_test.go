package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// world is one history. All but what mu guards belongs to the scheduler, which runs
// only while the code under test is blocked.
type world struct {
	seed    uint64
	rng     *rand.Rand
	luck    luck
	now     time.Duration // since the beginning
	steps   int
	calm    bool // the end of a history: nothing goes wrong any more
	proxies []*proxy
	servers []*server
	clients []*client

	requests []*request // oldest first
	number   int        // of requests
	answers  []*request // whose callers go on when the scheduler has done its step
	delayed  []func()   // what else the code under test gets then
	choices  []choice   // of this step
	tasks    []*task    // of operators

	victim    *transaction // of the fault that is happening; nil: nobody in particular
	txs       []*transaction
	resolved  []*transaction // of which somebody else than their own commit settled a branch
	byGTRID   map[string]*transaction
	strangers []*branch
	problems  []string
	trace     *strings.Builder // nil: not wanted
	seen      coverage
	files     *files // of logs on disk; nil: simulated

	mu       sync.Mutex // guards what the code under test reaches while it runs
	incoming []*request
	notes    []string // what it said in this step
}

const (
	cluster  = "c"
	maxSteps = 20_000
)

// epochStart is when histories begin, in all processes' calendars.
var epochStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(seed uint64, traced bool) *world {
	w := &world{seed: seed, rng: rand.New(rand.NewPCG(seed, 0x5eed)), byGTRID: map[string]*transaction{}}
	if traced {
		w.trace = &strings.Builder{}
	}
	w.luck = drawLuck(w.rng)
	for i := range 2 + w.rng.IntN(3) {
		w.servers = append(w.servers, newServer(w, i))
	}
	if a, b := w.servers[len(w.servers)-2], w.servers[len(w.servers)-1]; w.luck.sharedHost {
		a.beside, b.beside, b.family = b, a, a.family
	}
	for i := range w.luck.proxies {
		w.proxies = append(w.proxies, newProxy(w, i))
	}
	w.placeStrangers()
	clients := 2 + w.rng.IntN(6)
	if w.rng.IntN(8) == 0 {
		clients += 8
	}
	for i := range clients {
		w.clients = append(w.clients, newClient(w, i))
	}
	return w
}

// tell writes a line of the trace.
func (w *world) tell(who, format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%5d %9.3fs  %-9s %s\n", w.steps, w.now.Seconds(), who, fmt.Sprintf(format, args...))
	}
}

// violation is a broken promise. The history ends.
func (w *world) violation(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	w.problems = append(w.problems, s)
	w.tell("!!!", "VIOLATION: %s", s)
}

// chance in percent, never at the end.
func (w *world) chance(percent int) bool { return !w.calm && w.rng.IntN(100) < percent }

// between draws from [low, high).
func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int64N(int64(high-low)))
}

func pick[T any](w *world, from []T) T { return from[w.rng.IntN(len(from))] }
