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
	faults                         [faultKinds][phaseCount]int
	settled, fenced, inquiries     uint64 // branches by resolvers; fences; inquiries of live transactions
	traps                          int
}

func (w *world) saw(f fault, ph phase) { w.seen.faults[f][ph]++ }

// summary of one history.
func (w *world) summary() *coverage {
	w.seen.histories, w.seen.steps, w.seen.transactions = 1, w.steps, len(w.txs)
	for _, t := range w.txs {
		for _, b := range t.branches {
			if b.status <= prepared {
				w.seen.left++
			}
		}
	}
	return &w.seen
}

func (c *coverage) add(o *coverage) {
	c.histories += o.histories
	c.steps += o.steps
	c.transactions += o.transactions
	c.committed += o.committed
	c.rolledBack += o.rolledBack
	c.inDoubt += o.inDoubt
	c.left += o.left
	c.settled += o.settled
	c.fenced += o.fenced
	c.inquiries += o.inquiries
	c.traps += o.traps
	for i, n := range o.lookedUp {
		c.lookedUp[i] += n
	}
	for f := range c.faults {
		for p := range c.faults[f] {
			c.faults[f][p] += o.faults[f][p]
		}
	}
}

// died takes the counters of a coordinator whose process ends.
func (c *coverage) died(s coordinator.Stats) {
	c.settled += s.SettledCommit + s.SettledRollback
	c.fenced += s.Fenced
	c.inquiries += s.Inquiries
}

func (c *coverage) of(faults ...fault) (n int) {
	for _, f := range faults {
		for _, k := range c.faults[f] {
			n += k
		}
	}
	return n
}

func (c *coverage) String() string {
	return fmt.Sprintf("%d steps, %d transactions (told: %d committed, %d rolled back, %d in doubt), "+
		"%d proxy and %d server crashes, %d freezes, %d cuts, %d lost messages, %d log failures, %d lost disks, "+
		"%d operator's verdicts, %d tokens looked up, %d branches settled by resolvers, %d inquiries, %d fences, %d branches left because a log was lost",
		c.steps, c.transactions, c.committed, c.rolledBack, c.inDoubt,
		c.of(faultCrashProxy), c.of(faultCrashServer), c.of(faultFreeze), c.of(faultCut, faultReset), c.of(faultLostRequest, faultLostAnswer),
		c.of(faultWriteError, faultDiskFull, faultSyncError, faultQueueFull), c.of(faultLoseDisk),
		c.of(faultOperator), c.lookedUp[coordinator.Committed]+c.lookedUp[coordinator.RolledBack]+c.lookedUp[coordinator.InDoubt],
		c.settled, c.inquiries, c.fenced, c.left)
}

// missing names what should have happened and did not.
func (c *coverage) missing() (out []string) {
	for f, name := range faultNames {
		if c.of(fault(f)) == 0 {
			out = append(out, name)
		}
	}
	for what, n := range map[string]int{
		"a client told COMMITTED": c.committed, "a client told ROLLED BACK": c.rolledBack, "a client told IN DOUBT": c.inDoubt,
		"a look-up answered COMMITTED": c.lookedUp[coordinator.Committed], "a look-up answered ABORTED": c.lookedUp[coordinator.RolledBack],
		"a look-up answered IN DOUBT": c.lookedUp[coordinator.InDoubt], "a branch settled by a resolver": int(c.settled),
		"an inquiry": int(c.inquiries), "a fence": int(c.fenced), "a branch left because a log was lost": c.left,
	} {
		if n == 0 {
			out = append(out, what)
		}
	}
	if c.histories < 10_000 {
		return out // too few for the rarest to be sure of
	}
	for _, f := range []fault{
		faultCrashProxy, faultCrashServer, faultFreeze, faultCut, faultReset, faultKill, faultClientLeaves, faultOperator, faultLostRequest, faultLostAnswer,
	} {
		for ph := phaseVoting; ph < phaseOver; ph++ {
			if c.faults[f][ph] == 0 {
				out = append(out, fmt.Sprintf("%s, with a transaction in phase %q", faultNames[f], phaseNames[ph]))
			}
		}
	}
	return out
}

// table of faults by phase.
func (c *coverage) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-30s", "")
	for _, name := range phaseNames {
		fmt.Fprintf(&b, "%14s", name)
	}
	b.WriteString("\n")
	for f, name := range faultNames {
		fmt.Fprintf(&b, "%-30s", name)
		for _, n := range c.faults[f] {
			fmt.Fprintf(&b, "%14d", n)
		}
		b.WriteString("\n")
	}
	return b.String()
}
