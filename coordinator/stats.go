package coordinator

import (
	"sync/atomic"

	"lockstep/txlog"
)

type counters struct {
	committed, rolledBack, inDoubt, handedOver atomic.Uint64
	settledCommit, settledRollback             atomic.Uint64
	passes, failedPasses                       atomic.Uint64
	inquiries, fenced, purged                  atomic.Uint64
}

func (c *counters) settle(v txlog.Verdict) {
	if v == txlog.Commit {
		c.settledCommit.Add(1)
		return
	}
	c.settledRollback.Add(1)
}

// Stats are counters since New, for metrics.
type Stats struct {
	Committed, RolledBack, InDoubt uint64 // transactions, by what Commit returned
	HandedOver                     uint64 // branches left to the resolver
	SettledCommit, SettledRollback uint64 // branches, by the resolver or an operator
	Passes, FailedPasses           uint64 // of the resolver, over one shard each
	Inquiries                      uint64 // of commits in three-phase mode with a silent participant
	Fenced                         uint64 // branches that were kept from being prepared
	Purged                         uint64 // markers deleted after their retention

	Live       int // transactions begun and not ended
	Held       int // transactions that wait for the next start
	Unfinished int // decisions that wait for a branch
	Prepared   int // branches at the last look, strangers included
}

// Stats returns a snapshot.
func (c *Coordinator) Stats() Stats {
	n := &c.counters
	s := Stats{
		Committed: n.committed.Load(), RolledBack: n.rolledBack.Load(), InDoubt: n.inDoubt.Load(), HandedOver: n.handedOver.Load(),
		SettledCommit: n.settledCommit.Load(), SettledRollback: n.settledRollback.Load(),
		Passes: n.passes.Load(), FailedPasses: n.failedPasses.Load(), Unfinished: c.unfinished.len(),
		Inquiries: n.inquiries.Load(), Fenced: n.fenced.Load(), Purged: n.purged.Load(),
	}
	c.mu.Lock()
	s.Live, s.Held = len(c.live), len(c.held)
	c.mu.Unlock()
	c.shardsMu.Lock()
	for _, w := range c.shards {
		s.Prepared += len(w.seen)
	}
	c.shardsMu.Unlock()
	return s
}
