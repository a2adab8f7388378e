package coordinator

import (
	"fmt"
	"strings"
	"testing"
)

// TestExhaustive visits every state of the small model, in every interleaving, and checks that
// none is wrong and that from each the transaction can still be settled.
func TestExhaustive(t *testing.T) {
	total := 0
	for _, three := range []bool{false, true} {
		for _, mysql := range []bool{false, true} {
			for _, gone := range []bool{false, true} {
				if gone && !three {
					continue // two-phase waits for its log
				}
				m := &model{three: three, mysql: mysql, gone: gone, breaks: 2, crashes: 1, reboots: 1}
				name := fmt.Sprintf("three-phase=%v/mysql=%v/coordinator-lost=%v", three, mysql, gone)
				t.Run(name, func(t *testing.T) { total += m.explore(t) })
			}
		}
	}
	t.Logf("%d states in all", total)
}

type arrival struct {
	from int32
	step string
}

// explore is a breadth-first search, so that a counterexample is as short as can be.
func (m *model) explore(t *testing.T) int {
	first := m.first()
	index := map[modelState]int32{first: 0}
	states := []modelState{first}
	came := []arrival{{-1, ""}}
	var back [][2]int32 // edges, for what can still be settled
	for k := int32(0); int(k) < len(states); k++ {
		m.steps(states[k], func(step string, s modelState) {
			to, known := index[s]
			if !known {
				to = int32(len(states))
				index[s] = to
				states = append(states, s)
				came = append(came, arrival{k, step})
				if why := m.wrong(&s); why != "" {
					t.Fatalf("%s:\n%s", why, story(came, to))
				}
			}
			back = append(back, [2]int32{to, k})
		})
	}
	if stuck := unsettled(states, back); stuck >= 0 {
		t.Fatalf("cannot be settled any more: %+v\n%s", states[stuck], story(came, stuck))
	}
	ends := map[branchAt]int{}
	for _, s := range states {
		if s.settled() {
			ends[s.servers[0].branch]++
		}
	}
	if ends[atCommitted] == 0 || ends[atRolledBack] == 0 {
		t.Fatalf("the model does not reach both ends: %v", ends)
	}
	t.Logf("%d states, %d steps between them", len(states), len(back))
	return len(states)
}

func (m *model) steps(s modelState, out emit) {
	m.driverSteps(s, out)
	for i := range modelShards {
		m.serverSteps(s, i, out)
	}
	m.feedVerdict(s, out)
	for k := range s.resolvers {
		m.resolverSteps(s, k, out)
	}
}

// unsettled finds a state from which no settled one can be reached, or -1.
func unsettled(states []modelState, back [][2]int32) int32 {
	before := make([][]int32, len(states))
	for _, e := range back {
		before[e[0]] = append(before[e[0]], e[1])
	}
	good := make([]bool, len(states))
	var queue []int32
	for i := range states {
		if states[i].settled() {
			good[i] = true
			queue = append(queue, int32(i))
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, p := range before[queue[0]] {
			if !good[p] {
				good[p] = true
				queue = append(queue, p)
			}
		}
	}
	for i, g := range good {
		if !g {
			return int32(i)
		}
	}
	return -1
}

func story(came []arrival, at int32) string {
	var lines []string
	for ; came[at].from >= 0; at = came[at].from {
		lines = append(lines, came[at].step)
	}
	var b strings.Builder
	for i := len(lines) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "  %2d %s\n", len(lines)-i, lines[i])
	}
	return b.String()
}
