package coordinator

import (
	"context"

	"lockstep/txlog"
)

// threePhaseAllows holds an operator's verdict against the participants of a three-phase
// transaction. A reason: they imply it, and it may be carried out. An error: they imply
// the other, which force does not move, or nobody can tell now, which it does. Neither: the
// transaction is not three-phase, or forced; then the rules of two-phase apply.
//
// To roll back what is undecided it fences, as the resolver would: that makes it safe where it succeeds.
func (c *Coordinator) threePhaseAllows(ctx context.Context, x XID, v txlog.Verdict, force bool, e evidence, s survey) (why string, err error) {
	q, err := c.questionOf(ctx, x.GTRID, force, e, s)
	if q == nil || err != nil {
		return "", err
	}
	c.inquire(ctx, []*question{q}, v == txlog.Commit)
	switch q.verdict() {
	case 0:
		if !force {
			return "", refuseUndecided(q)
		}
		return "", nil
	case v:
		return "operator's verdict, as " + q.why(), nil
	}
	return "", refuseContrary(q)
}

// questionOf is nil for a transaction that its participants do not decide. Where a marker cannot be read now,
// it may be one that they do: that is refused, unless forced.
func (c *Coordinator) questionOf(ctx context.Context, gtrid string, force bool, e evidence, s survey) (*question, error) {
	if e.live || e.held != "" || e.decided {
		return nil, nil
	}
	t := &InDoubtTransaction{GTRID: gtrid, Owner: e.owner, Decision: "none"}
	for _, shard := range s.branches(gtrid) {
		t.add(shard, BranchPrepared)
	}
	questions, unread := c.questions(ctx, []*InDoubtTransaction{t})
	q := questions[gtrid]
	if q == nil && unread[gtrid] != nil && !force {
		return nil, refuse("%s may be three-phase, and a verdict now could leave it half committed: %v", gtrid, unread[gtrid])
	}
	return q, nil
}

// refuseContrary is for a verdict that is not the one of the participants.
func refuseContrary(q *question) error {
	return refuse("%s is three-phase and ends the other way: %s", q.gtrid, q.why())
}

// refuseUndecided is for a verdict where they have none yet.
func refuseUndecided(q *question) error {
	return refuse("%s is three-phase and %s; a verdict now could leave it half committed", q.gtrid, q.why())
}
