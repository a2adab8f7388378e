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

// TestExhaustiveFindsMistakes: servers that go on to PREPARE when the marker could not be written, as they would with
// statements that are sent one by one; and a fence that is purged before its branch is gone.
func TestExhaustiveFindsMistakes(t *testing.T) {
	for name, mistake := range map[string]mistake{"PREPARE without a marker": prepareWithoutMarker, "purge of a fence that is needed": purgeOfActive} {
		t.Run(name, func(t *testing.T) {
			m := &model{three: true, mysql: true, mistake: mistake, breaks: 2, crashes: 1, reboots: 1}
			why, how := m.search().wrong()
			if why == "" {
				t.Fatal("not noticed")
			}
			t.Logf("%s:\n%s", why, how)
		})
	}
}

type arrival struct {
	from int32
	step string
}

// found is what a search came by: the states, and how.
type found struct {
	states []modelState
	came   []arrival
	back   [][2]int32 // edges, for what can still be settled
	why    string     // the last state is wrong; empty: none is
}

// wrong tells what is, and the way there.
func (f *found) wrong() (why, how string) {
	if f.why == "" {
		return "", ""
	}
	return f.why, story(f.came, int32(len(f.states)-1))
}

// search is breadth-first, so that a counterexample is as short as can be. It ends with the first.
func (m *model) search() *found {
	first := m.first()
	index := map[modelState]int32{first: 0}
	f := &found{states: []modelState{first}, came: []arrival{{-1, ""}}}
	for k := int32(0); int(k) < len(f.states) && f.why == ""; k++ {
		m.steps(f.states[k], func(step string, s modelState) {
			if f.why != "" {
				return
			}
			to, known := index[s]
			if !known {
				to = int32(len(f.states))
				index[s] = to
				f.states = append(f.states, s)
				f.came = append(f.came, arrival{k, step})
				f.why = m.wrong(&s)
			}
			f.back = append(f.back, [2]int32{to, k})
		})
	}
	return f
}

// explore visits all states, and fails where one is wrong.
func (m *model) explore(t *testing.T) int {
	f := m.search()
	if why, how := f.wrong(); why != "" {
		t.Fatalf("%s:\n%s", why, how)
	}
	states, came, back := f.states, f.came, f.back
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
