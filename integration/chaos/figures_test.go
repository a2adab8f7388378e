package chaos

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"lockstep/integration/history"
)

// figures of a run.
type figures struct {
	took         time.Duration
	transactions int // committed
	rolledBack   int
	unknown      int
	warned       int
	lookups      int
	kills        int // of processes
	faults       map[kind]int
	missed       int             // faults that nothing ran into
	inDoubt      int             // transactions that faults left prepared
	byOthers     int             // of them, settled before their proxy was back
	settle       []time.Duration // from when everything was back
	takeover     []time.Duration // of a lost proxy's transactions by others, from its loss
	checked      map[string]int
	errors       map[string]int // that clients saw, by kind of operation, outcome and error number
	violations   int
}

func newFigures() *figures {
	return &figures{faults: map[kind]int{}, checked: map[string]int{}, errors: map[string]int{}}
}

// struck counts a fault at its end.
func (g *figures) struck(f *fault) {
	g.faults[f.kind]++
	if !f.met {
		g.missed++
	}
	switch f.kind {
	case killProxy:
		g.kills += 1 + f.again
	case stepProxy, fullLog, loseProxy, killShard, killUnseen:
		g.kills++
	}
	in := maps.Clone(f.left)
	for id := range f.after {
		if !in[id] {
			g.byOthers++
		}
		in[id] = true
	}
	g.inDoubt += len(in)
}

// count what clients did.
func (g *figures) count(h *history.History) {
	s := h.Summarize()
	for _, n := range s.OK {
		g.transactions += n
	}
	for _, n := range s.Failed {
		g.rolledBack += n
	}
	for _, n := range s.Unknown {
		g.unknown += n
	}
	for _, n := range s.Warned {
		g.warned += n
	}
	g.lookups += s.Lookups
	for _, op := range h.Ops {
		if op.Error != "" {
			g.errors[fmt.Sprintf("%s %s %s", op.Kind, op.Outcome, errorKind(op.Error))]++
		}
	}
}

var errorNumber = regexp.MustCompile(`^(COMMIT: )?Error \d+`)

// errorKind is an error's number, and whether COMMIT met it.
func errorKind(text string) string {
	if found := errorNumber.FindString(text); found != "" {
		return found
	}
	if strings.HasPrefix(text, "COMMIT: ") {
		return "COMMIT: connection"
	}
	return "connection"
}

func (g *figures) report(r *history.Report) {
	g.violations += r.Total
	for what, n := range r.Checked {
		g.checked[what] += n
	}
}

// add the figures of another run.
func (g *figures) add(o *figures) {
	g.took += o.took
	g.transactions += o.transactions
	g.rolledBack += o.rolledBack
	g.unknown += o.unknown
	g.warned += o.warned
	g.lookups += o.lookups
	g.kills += o.kills
	g.missed += o.missed
	g.inDoubt += o.inDoubt
	g.byOthers += o.byOthers
	g.violations += o.violations
	g.settle = append(g.settle, o.settle...)
	g.takeover = append(g.takeover, o.takeover...)
	for k, n := range o.faults {
		g.faults[k] += n
	}
	for k, n := range o.checked {
		g.checked[k] += n
	}
	for k, n := range o.errors {
		g.errors[k] += n
	}
}

func (g *figures) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d transactions committed, %d rolled back, %d of unknown outcome (%d looked up), %d warned, in %v; %d kills; %d in doubt (%d settled before their proxy was back)",
		g.transactions, g.rolledBack, g.unknown, g.lookups, g.warned, g.took.Round(time.Second), g.kills, g.inDoubt, g.byOthers)
	if len(g.settle) > 0 {
		fmt.Fprintf(&b, ", settled after %d faults in %s", len(g.settle), spread(g.settle))
	}
	if len(g.takeover) > 0 {
		fmt.Fprintf(&b, ", %d times by another proxy alone in %s", len(g.takeover), spread(g.takeover))
	}
	fmt.Fprintf(&b, "; %d violations\n    faults:", g.violations)
	for _, k := range slices.Sorted(maps.Keys(g.faults)) {
		fmt.Fprintf(&b, " %d %s,", g.faults[k], k)
	}
	fmt.Fprintf(&b, " of which %d met nothing\n    checked:", g.missed)
	for _, what := range slices.Sorted(maps.Keys(g.checked)) {
		fmt.Fprintf(&b, " %d %s,", g.checked[what], what)
	}
	b.WriteString("\n    clients saw:")
	for _, what := range slices.Sorted(maps.Keys(g.errors)) {
		fmt.Fprintf(&b, " %d× %s,", g.errors[what], what)
	}
	return b.String()
}

// spread of some times.
func spread(times []time.Duration) string {
	s := slices.Sorted(slices.Values(times))
	at := func(p int) time.Duration { return s[min(len(s)-1, len(s)*p/100)].Round(time.Millisecond) }
	return fmt.Sprintf("p50 %v, p99 %v, max %v", at(50), at(99), s[len(s)-1].Round(time.Millisecond))
}
