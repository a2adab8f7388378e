package sim

import (
	"fmt"
	"strings"

	"lockstep/coordinator"
)

// coverage counts what happened, over many histories.
type coverage struct {
	histories, steps, transactions int
	committed, rolledBack, inDoubt int // as clients were told
	left                           int // branches that only a lost log could settle
	lookedUp                       [coordinator.InDoubt + 1]int
	threePhase, mariadb, mysql     int
	faults                         [faultKinds][phaseCount]int
	verbs                          [verbCount]int
	settledCommit, settledRollback uint64
	fenced, purged                 uint64
}

func (w *world) saw(f fault, ph phase) { w.seen.faults[f][ph]++ }

func (c *coverage) add(o *coverage) {
	c.histories += o.histories
	c.steps += o.steps
	c.transactions += o.transactions
	c.committed += o.committed
	c.rolledBack += o.rolledBack
	c.inDoubt += o.inDoubt
	c.left += o.left
	for i, n := range o.lookedUp {
		c.lookedUp[i] += n
	}
	for f := range c.faults {
		for p := range c.faults[f] {
			c.faults[f][p] += o.faults[f][p]
		}
	}
}

func (c *coverage) of(f fault) (n int) {
	for _, k := range c.faults[f] {
		n += k
	}
	return n
}

// table of faults by phase.
func (c *coverage) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-32s", "")
	for _, name := range phaseNames {
		fmt.Fprintf(&b, "%14s", name)
	}
	b.WriteString("\n")
	for f, name := range faultNames {
		fmt.Fprintf(&b, "%-32s", name)
		for _, n := range c.faults[f] {
			fmt.Fprintf(&b, "%14d", n)
		}
		b.WriteString("\n")
	}
	return b.String()
}
