package commit

import (
	"fmt"
	"slices"

	"lockstep/coordinator"
)

// Commit modes, as clients name them.
const (
	twoPhase   = "2pc"
	threePhase = "3pc"
)

// stepCase is a place in a commit where something dies, and what its branches are like there. Verbs of
// one phase run in parallel, so that more can be done than the proxy has heard of.
type stepCase struct {
	step coordinator.Step
	k    int // participants that are so far
	mode string
	n    int // participants

	prepared  int  // branches that are prepared at least, or committed already
	committed int  // branches that are committed at least
	deciding  bool // the decision is in the log, or PREPARE has been sent everywhere and answered
}

func (c stepCase) String() string {
	if c.k == 0 {
		return string(c.step)
	}
	return fmt.Sprintf("%s:%d", c.step, c.k)
}

// stepsOf a commit over n shards, in their order. A decision counts from when it is in the file: a
// killed process takes nothing of the page cache with it. In three-phase mode a transaction is
// committed once all are prepared.
func stepsOf(mode string, n int) []stepCase {
	list := []stepCase{{step: coordinator.StepBeforePrepare}}
	for k := 1; k <= n; k++ {
		list = append(list, stepCase{step: coordinator.StepPrepared, k: k, prepared: k, deciding: mode == threePhase && k == n})
	}
	list = append(list, stepCase{step: coordinator.StepAllPrepared, prepared: n, deciding: mode == threePhase})
	if mode == twoPhase {
		list = append(list,
			stepCase{step: coordinator.StepDecisionWritten, prepared: n, deciding: true},
			stepCase{step: coordinator.StepDecisionDurable, prepared: n, deciding: true})
	}
	for k := 1; k <= n; k++ {
		list = append(list, stepCase{step: coordinator.StepCommitted, k: k, prepared: n, committed: k, deciding: true})
	}
	if mode == twoPhase { // there is nothing to forget in the other
		list = append(list, stepCase{step: coordinator.StepAllCommitted, prepared: n, committed: n, deciding: true})
	}
	for i := range list {
		list[i].mode, list[i].n = mode, n
	}
	return list
}

// stepOf finds one step of a two-phase commit over n shards.
func stepOf(n int, step coordinator.Step, k int) stepCase {
	list := stepsOf(twoPhase, n)
	return list[slices.IndexFunc(list, func(c stepCase) bool { return c.step == step && c.k == k })]
}

// branchState is what a shard shows of a branch, its row and its list of prepared branches together.
type branchState string

const (
	branchOpen      branchState = "open or gone" // row as before, not prepared
	branchPrepared  branchState = "prepared"
	branchCommitted branchState = "committed"
)

// fits says whether branches can be like that at this step. Where all participants are seen and the
// transaction is decided, none may be missing: each is prepared or committed.
func (c stepCase) fits(seen map[int]branchState) error {
	count := map[branchState]int{}
	for _, s := range seen {
		count[s]++
	}
	unseen := c.n - len(seen)
	ready := count[branchPrepared] + count[branchCommitted]
	switch {
	case ready+unseen < c.prepared:
		return fmt.Errorf("branches are %v, want at least %d prepared", seen, c.prepared)
	case count[branchCommitted]+unseen < c.committed:
		return fmt.Errorf("branches are %v, want at least %d committed", seen, c.committed)
	case !c.deciding && count[branchCommitted] > 0:
		return fmt.Errorf("branches are %v before anything was decided", seen)
	case c.prepared == 0 && ready > 0:
		return fmt.Errorf("branches are %v before PREPARE was sent", seen)
	case c.step != coordinator.StepCommitted && c.step != coordinator.StepAllCommitted && count[branchCommitted] > 0:
		return fmt.Errorf("branches are %v before COMMIT was sent", seen)
	}
	return nil
}

// outcome says what must come of the transaction when the proxy dies at the step, by what the branches
// were then; known is false where the shards that were seen do not tell.
func (c stepCase) outcome(seen map[int]branchState) (committed, known bool) {
	if c.mode == twoPhase || c.deciding || c.prepared == 0 {
		return c.deciding, true
	}
	for _, s := range seen {
		if s == branchOpen {
			return false, true // the proxy is dead: this one never prepares
		}
	}
	return true, len(seen) == c.n
}
