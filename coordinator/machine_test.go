package coordinator

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

var eventWords = func() map[string]eventKind {
	m := map[string]eventKind{}
	for i, s := range eventNames {
		m[s] = eventKind(i)
	}
	return m
}()

var resultWords = map[string]Result{"done": Done, "refused": Refused, "retry": Retry, "unknown": Unknown}

func parseEvent(line string) (e event, err error) {
	f := strings.Fields(line)
	var ok bool
	if e.kind, ok = eventWords[f[0]]; !ok {
		return e, fmt.Errorf("no event %q", f[0])
	}
	if e.kind == evFound {
		e.verdict = map[string]Verdict{"committed": Committed, "rolled-back": RolledBack, "in-doubt": InDoubt}[f[1]]
	} else if len(f) > 1 {
		if _, err := fmt.Sscan(f[1], &e.i); err != nil {
			return e, err
		}
	}
	if len(f) > 2 {
		if e.reply.Result, ok = resultWords[f[2]]; !ok {
			return e, fmt.Errorf("no result %q", f[2])
		}
		if e.reply.Result != Done {
			e.reply.Err = fmt.Errorf("error of %d", e.i)
		}
	}
	e.err = errors.New("what the log said")
	return e, nil
}

func transcriptMachine(t *testing.T, d *datadriven.TestData, n int) *machine {
	mode := "2pc"
	d.MaybeScanArgs(t, "mode", &mode)
	switch mode {
	case "2pc":
		return newMachine(n)
	case "3pc":
		return newThreePhase(n)
	}
	d.Fatalf(t, "no mode %q", mode)
	return nil
}

// Transcripts: one event on a line, then the state and what to do.
func TestMachine(t *testing.T) {
	datadriven.Walk(t, "testdata/machine", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			n := 2
			d.MaybeScanArgs(t, "participants", &n)
			m := transcriptMachine(t, d, n)
			var out strings.Builder
			for _, line := range strings.Split(d.Input, "\n") {
				e, err := parseEvent(line)
				if err != nil {
					d.Fatalf(t, "%v", err)
				}
				effects, err := m.step(e)
				if err != nil {
					fmt.Fprintf(&out, "%-20s !! %v\n", line, err)
					continue
				}
				words := []string{}
				for _, ef := range effects {
					words = append(words, ef.String())
				}
				fmt.Fprintf(&out, "%-20s %-10s -> %s\n", line, m.state, strings.Join(words, ", "))
			}
			if m.outcome != 0 {
				fmt.Fprintf(&out, "outcome: %s, %v\n", m.outcome, m.why())
			}
			return out.String()
		})
	})
}

// Whatever the order and the answers: the rules that make it safe.
func TestMachineAtRandom(t *testing.T) {
	for seed := range uint64(5000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rng.IntN(4)
		m := newMachine(n)
		var open []event // what may happen next, once each
		yes, durable, told := 0, false, map[int]effectKind{}
		run := func(e event) {
			effects, err := m.step(e)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for _, ef := range effects {
				switch ef.kind {
				case doPrepare:
					open = append(open, event{kind: evVoted, i: ef.i})
				case doAppend:
					if yes != n {
						t.Fatalf("seed %d: decision after %d of %d votes", seed, yes, n)
					}
					open = append(open, event{kind: []eventKind{evDurable, evDurable, evNotDurable, evUnsure, evVetoed}[rng.IntN(5)], err: errors.New("log")})
				case doCommit, doRollback:
					if ef.kind == doCommit && !durable {
						t.Fatalf("seed %d: commit before it is durable", seed)
					}
					if _, twice := told[ef.i]; twice {
						t.Fatalf("seed %d: participant %d is told twice", seed, ef.i)
					}
					told[ef.i] = ef.kind
					open = append(open, event{kind: evAnswered, i: ef.i})
				case doRetry:
					open = append(open, event{kind: evAnswered, i: ef.i})
				}
			}
		}
		run(event{kind: evStart})
		for len(open) > 0 {
			k := rng.IntN(len(open))
			e := open[k]
			open = append(open[:k], open[k+1:]...)
			switch e.kind {
			case evVoted, evAnswered:
				e.reply.Result = []Result{Done, Done, Done, Done, Refused, Retry, Unknown}[rng.IntN(7)]
				if e.kind == evVoted && e.reply.Result == Done {
					yes++
				}
			case evDurable:
				durable = true
			}
			run(e)
		}
		if m.outcome == 0 {
			t.Fatalf("seed %d: nothing can happen any more, and it is %s", seed, m.state)
		}
		if (m.outcome == Committed) != durable || (m.outcome == Committed) != (m.why() == nil) {
			t.Fatalf("seed %d: %s, durable %v, why %v", seed, m.outcome, durable, m.why())
		}
		for i, v := range told {
			if (v == doCommit) != durable || m.outcome == InDoubt {
				t.Fatalf("seed %d: participant %d got %s, outcome %s", seed, i, effectNames[v], m.outcome)
			}
		}
	}
}
