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
	if e.live || e.held != "" || e.decided {
		return "", nil
	}
	gtrid := x.GTRID
	t := &InDoubtTransaction{GTRID: gtrid, Owner: e.owner, Decision: "none"}
	for _, shard := range s.branches(gtrid) {
		t.add(shard, BranchPrepared)
	}
	questions, unread := c.questions(ctx, []*InDoubtTransaction{t})
	q := questions[gtrid]
	switch {
	case q == nil && unread[gtrid] != nil && !force:
		return "", refuseUnread(gtrid, unread[gtrid])
	case q == nil:
		return "", nil
	}
	c.inquire(ctx, []*question{q}, v == txlog.Commit)
	switch q.verdict() {
	case 0:
		if !force {
			return "", refuse("%s is three-phase and %s; a verdict now could leave it half committed", gtrid, q.why())
		}
		return "", nil
	case v:
		return "operator's verdict, as " + q.why(), nil
	}
	return "", refuse("%s is three-phase and ends the other way: %s", gtrid, q.why())
}

// refuseUnread is for a transaction whose marker cannot be read now.
func refuseUnread(gtrid string, err error) error {
	return refuse("%s may be three-phase, and a verdict now could leave it half committed: %v", gtrid, err)
}
