package coordinator

import (
	"context"
	"slices"

	"lockstep/txlog"
)

// Preview says what Settle would do now with the same arguments, and changes nothing. It refuses what
// Settle would refuse. What it says holds for the moment of its look.
func (c *Coordinator) Preview(ctx context.Context, gtrid string, v txlog.Verdict, force bool) ([]Action, error) {
	x, err := c.operable("preview", gtrid, v)
	if err != nil {
		return nil, err
	}
	if t, _ := c.driven(gtrid); t != nil {
		return c.previewLive(t, v, force)
	}
	s := c.survey(ctx)
	e := c.examine(x)
	if actions, err := c.previewThreePhase(ctx, x, v, force, e, s); err != nil || actions != nil {
		return actions, err
	}
	if err := verdictAllowed(e, v, force, s); err != nil {
		return nil, err
	}
	branches := s.branches(gtrid)
	if len(branches) == 0 && !e.decided {
		return nil, notListed("preview", gtrid, s)
	}
	why := "operator's verdict"
	if needsRecord(e, v) {
		why = "operator's verdict, forced: it would be written to the log first"
	}
	var actions []Action
	for _, shard := range branches {
		actions = append(actions, Action{GTRID: gtrid, Shard: shard, Verdict: v, Why: why})
	}
	for _, shard := range s.unreachable() {
		if p := e.decision.Participants; !e.decided || len(p) == 0 || slices.Contains(p, shard) {
			actions = append(actions, Action{GTRID: gtrid, Shard: shard, Verdict: v, Why: why, Err: "the shard cannot be reached, the resolver would settle it later: " + s.errs[shard].Error()})
		}
	}
	return actions, nil
}

// previewThreePhase only looks at the participants, where Settle would also fence. None: the
// transaction is not three-phase, or forced.
func (c *Coordinator) previewThreePhase(ctx context.Context, x XID, v txlog.Verdict, force bool, e evidence, s survey) (actions []Action, err error) {
	q, err := c.questionOf(ctx, x.GTRID, force, e, s)
	if q == nil || err != nil {
		return nil, err
	}
	c.inquire(ctx, []*question{q}, true)
	why := "operator's verdict, as " + q.why()
	switch found := q.verdict(); {
	case found == v:
	case found != 0:
		return nil, refuseContrary(q)
	case v == txlog.Rollback && len(q.remedies()) > 0:
		why = "if it can be fenced off first: " + q.why()
	case !force:
		return nil, refuseUndecided(q)
	default:
		return nil, nil
	}
	for _, shard := range s.branches(x.GTRID) {
		actions = append(actions, Action{GTRID: x.GTRID, Shard: shard, Verdict: v, Why: why})
	}
	return actions, nil
}

// previewLive is for a transaction that this process drives: only its own commit can still be made to fail.
func (c *Coordinator) previewLive(t *Transaction, v txlog.Verdict, force bool) ([]Action, error) {
	t.mu.Lock()
	undecided := t.committed && !t.decided
	t.mu.Unlock()
	if err := liveAllows(t.gtrid, v, force); err != nil {
		return nil, err
	}
	if !undecided {
		return nil, refusePast(t.gtrid)
	}
	return []Action{{GTRID: t.gtrid, Verdict: v, Why: "its own commit would fail and roll it back"}}, nil
}
