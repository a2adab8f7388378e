package coordinator

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"lockstep/txlog"
)

// describeThreePhase finds out which of these transactions are three-phase, and what
// their participants' shards say of them. It only looks: nothing is fenced, no session is ended.
func (c *Coordinator) describeThreePhase(ctx context.Context, ts []*InDoubtTransaction) {
	ts = slices.DeleteFunc(ts, func(t *InDoubtTransaction) bool {
		return t.Owner == OwnerNobody || t.Live || t.Decision != "none"
	})
	questions, unread := c.questions(ctx, ts)
	var qs []*question
	for _, t := range ts {
		if q := questions[t.GTRID]; q != nil {
			qs = append(qs, q)
		}
	}
	c.inquire(ctx, qs, true)
	for _, t := range ts {
		q := questions[t.GTRID]
		if q == nil {
			if err := unread[t.GTRID]; err != nil {
				t.Plan, t.Why = "leave alone", fmt.Sprintf("it may be three-phase: %v", err)
			}
			continue
		}
		t.Mode = ModeThreePhase
		t.Branches = nil
		for i, name := range q.participants {
			t.Branches = append(t.Branches, BranchState{name, stateOf(q.found[i], q.blocked[i])})
		}
		t.Plan, t.Why = planOf(q), q.why()
	}
}

// questions reads the markers of transactions where they are prepared. Those that are not
// three-phase have none. Of those in unread that is not known now, and two-phase rules must
// not be taken for theirs.
func (c *Coordinator) questions(ctx context.Context, ts []*InDoubtTransaction) (out map[string]*question, unread map[string]error) {
	at := map[string][]string{}
	for _, t := range ts {
		for _, b := range t.Branches {
			if b.State == BranchPrepared {
				at[b.Shard] = append(at[b.Shard], t.GTRID)
			}
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	out, unread = map[string]*question{}, map[string]error{}
	for _, w := range c.watches() {
		gtrids := at[w.shard.Name()]
		if len(gtrids) == 0 || w.markers() == nil {
			continue
		}
		wg.Go(func() {
			rows, err := c.readMarkers(ctx, w, gtrids)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				for _, g := range gtrids {
					unread[g] = err
				}
				return
			}
			for g, m := range rows {
				if m.State == MarkerVoted && out[g] == nil {
					out[g] = newQuestion(g, m.Participants)
				}
			}
		})
	}
	wg.Wait()
	return out, unread
}

func stateOf(f finding, blocked error) string {
	switch f {
	case findPrepared:
		return BranchPrepared
	case findCommitted:
		return BranchCommitted
	case findFenced:
		return BranchFenced
	case findOpen:
		return BranchActive
	case findNothing:
		return BranchNotPrepared
	}
	if blocked != nil {
		return BranchUnreachable
	}
	return "unknown"
}

// planOf says what the resolver will do.
func planOf(q *question) string {
	switch q.verdict() {
	case txlog.Commit:
		return "commit"
	case txlog.Rollback:
		return "roll back"
	}
	for _, r := range q.remedies() {
		switch r.kind {
		case remedyFence:
			return "fence off, then roll back"
		case remedyEnd:
			return "end its session, then look again"
		}
	}
	return "leave alone"
}
