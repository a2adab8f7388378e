package coordinator

import (
	"fmt"

	"lockstep/txlog"
)

// Owners of a transaction, as InDoubtTransaction shows them.
const (
	OwnerOurs    = "ours"
	OwnerOlder   = "ours, older epoch"
	OwnerOther   = "other coordinator"
	OwnerUnknown = "unknown epoch"
	OwnerNobody  = "stranger"
)

// evidence is all that is known of one transaction when its branches are judged.
type evidence struct {
	owner    string
	live     bool
	held     string // why this process may not settle it
	decision txlog.Decision
	decided  bool
	logErr   error
}

// judgement is what to do with the branches of a transaction: a verdict, or
// none to leave them alone.
type judgement struct {
	verdict txlog.Verdict
	why     string
	loud    bool // an operator must act
	open    bool // only if the branch is not three-phase: that is decided by its participants
}

// judge is the rule of recovery.
func judge(e evidence) judgement {
	switch {
	case e.owner == OwnerNobody:
		return judgement{why: "not made by this cluster"}
	case e.live:
		return judgement{why: "being committed right now"}
	case e.held != "":
		return judgement{why: e.held}
	case e.logErr != nil:
		return judgement{why: fmt.Sprintf("the log cannot be asked: %v", e.logErr)}
	case e.decided && e.decision.Verdict == txlog.Commit:
		return judgement{verdict: txlog.Commit, why: "the log says commit"}
	case e.decided && e.decision.Verdict == txlog.Rollback:
		return judgement{verdict: txlog.Rollback, why: "an operator forced the roll-back"}
	case e.decided:
		return judgement{why: fmt.Sprintf("the log has a verdict that is not known here (%d)", e.decision.Verdict), loud: true}
	case e.owner == OwnerOther:
		return judgement{why: "its own coordinator settles it", open: true}
	case e.owner == OwnerUnknown:
		return judgement{why: "the log does not know this epoch: a log was lost or replaced", loud: true, open: true}
	case e.owner == OwnerOurs || e.owner == OwnerOlder:
		return judgement{verdict: txlog.Rollback, why: "no decision in the log, and nobody drives it (presumed abort)", open: true}
	}
	return judgement{why: fmt.Sprintf("owner %q is unknown to the resolver", e.owner)}
}

// ownerOf says who made a branch.
func (c *Coordinator) ownerOf(x XID) string {
	if x.FormatID != FormatID {
		return OwnerNobody
	}
	id, err := ParseGTRID(x.GTRID)
	switch {
	case err != nil || id.Cluster != c.o.Cluster:
		return OwnerNobody
	case id.Coordinator != c.o.ID:
		return OwnerOther
	case id.Epoch == c.o.Epoch && id.Seq >= 1 && id.Seq <= c.seq.Load():
		return OwnerOurs
	case id.Epoch == c.o.Epoch: // never given out: somebody else uses this epoch
		return OwnerUnknown
	case c.epochs[id.Epoch]:
		return OwnerOlder
	}
	return OwnerUnknown
}

// examine gathers the evidence in the order that races with live transactions allow: the
// caller has the prepared list already, then who is live, then the log.
func (c *Coordinator) examine(x XID) evidence {
	e := evidence{owner: c.ownerOf(x)}
	if e.owner == OwnerNobody {
		return e
	}
	t, held := c.driven(x.GTRID)
	e.live, e.held = t != nil, held
	e.decision, e.decided, e.logErr = c.o.Log.Lookup(x.GTRID)
	return e
}
