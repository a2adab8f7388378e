package sim

import (
	"slices"
	"strings"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// transaction is what really happens to one: what an all-seeing observer knows.
type transaction struct {
	gtrid    string
	token    string
	bit      uint64
	mode     string // or onePhase
	proxy    *proxy
	life     *life
	client   *client
	shards   []*server // that take part in the commit
	branches []*branch
	members  []*member // those that were told to commit
	fenced   []*server // that hold a fence against it

	committing bool          // its commit has begun
	decided    bool          // the decision is, or was, durable
	logLost    bool          // with the disk
	reached    [3]bool       // verdicts that reached a server
	must       txlog.Verdict // promised to a client
	why        string
	over       bool // its client heard of it, or never will
}

const onePhase = "one-phase"

// name of a transaction in the trace.
func (t *transaction) name() string { return short(t.gtrid) + "(" + t.mode + ")" }

func (w *world) committed(b *branch) {
	t := b.tx
	if t == nil {
		w.violation("the stranger %q was committed at %s", b.x.GTRID, b.s.name)
		return
	}
	switch {
	case t.mode == coordinator.ModeTwoPhase && !t.decided:
		w.violation("%s commits at %s, and its decision is not durable", t.name(), b.s.name)
	case t.mode == coordinator.ModeThreePhase && !t.allPrepared():
		w.violation("%s commits at %s, and not all of its participants were prepared", t.name(), b.s.name)
	case t.must == txlog.Rollback:
		w.violation("%s commits at %s, and is rolled back: %s", t.name(), b.s.name, t.why)
	}
	for _, o := range t.branches {
		if o.status == rolledBack {
			w.violation("%s is committed at %s and rolled back at %s", t.name(), b.s.name, o.s.name)
		}
	}
}

// rolledBack by a verdict on a prepared branch, or because the branch was dropped before it was prepared.
func (w *world) rolledBack(b *branch, verdict bool) {
	t := b.tx
	if t == nil {
		w.violation("the stranger %q was rolled back at %s", b.x.GTRID, b.s.name)
		return
	}
	for _, o := range t.branches {
		if o.status == committed {
			w.violation("%s is rolled back at %s and committed at %s", t.name(), b.s.name, o.s.name)
		}
	}
	switch {
	case t.must == txlog.Commit:
		w.violation("%s is rolled back at %s, and is committed: %s", t.name(), b.s.name, t.why)
	case verdict && t.decided:
		w.violation("%s is rolled back at %s, and the decision to commit it is durable", t.name(), b.s.name)
	case verdict && t.mode == coordinator.ModeThreePhase && !w.cannotCommit(t):
		w.violation("%s is rolled back where it was prepared, at %s, while every participant may still become prepared", t.name(), b.s.name)
	}
}

// allPrepared says whether all participants are, or were, prepared.
func (t *transaction) allPrepared() bool {
	for _, s := range t.shards {
		if b := t.at(s); b == nil || !b.was {
			return false
		}
	}
	return len(t.shards) > 0
}

func (t *transaction) at(s *server) *branch {
	for _, b := range t.branches {
		if b.s == s {
			return b
		}
	}
	return nil
}

// cannotCommit says whether some participant never was prepared, and never will be.
func (w *world) cannotCommit(t *transaction) bool {
	for i, s := range t.shards {
		b := t.at(s)
		if b != nil && b.was {
			continue
		}
		if b == nil || b.status == rolledBack || slices.Contains(t.fenced, s) || t.members[i].stopped {
			return true
		}
	}
	return false
}

// verdictReaches a server, whatever the server does with it.
func (w *world) verdictReaches(x coordinator.XID, s *server, b *branch, v txlog.Verdict) {
	t := w.byGTRID[x.GTRID]
	if x.FormatID != coordinator.FormatID || t == nil || x.BQUAL != s.name {
		w.violation("%s of %+v, which is not ours, reaches %s", v, x, s.name)
		return
	}
	if b != nil && b.status == active && v == txlog.Rollback && !t.committing {
		return // its client gave it up before COMMIT
	}
	t.reached[v] = true
	if t.reached[txlog.Commit] && t.reached[txlog.Rollback] {
		w.violation("%s gets both verdicts: %s reaches %s", t.name(), v, s.name)
	}
}

// touches checks that a fence or a KILL is for one of ours.
func (w *world) touches(gtrid, what string, s *server) {
	if w.byGTRID[gtrid] == nil {
		w.violation("%s %q, which is not ours, at %s", what, gtrid, s.name)
	}
}

// decided: its decision to commit is durable from now on.
func (w *world) decided(gtrid string) {
	t := w.byGTRID[gtrid]
	t.decided = true
	switch {
	case t.must == txlog.Rollback:
		w.violation("the decision to commit %s is durable, and it is rolled back: %s", t.name(), t.why)
	case !t.allPrepared():
		w.violation("the decision to commit %s is durable, and not all of its branches were prepared", t.name())
	}
}

// forgotten: its decision is in the log no more.
func (w *world) forgotten(t *transaction, v txlog.Verdict) {
	w.tell(t.proxy.name, "its log holds %s no more", short(t.gtrid))
	for _, b := range t.branches {
		if v == txlog.Commit && b.status != committed {
			w.violation("the decision to commit %s was removed from the log while its branch at %s is %s", t.name(), b.s.name, b.status)
		}
	}
}

// purged: its marker at a server is deleted.
func (w *world) purged(gtrid string, s *server) {
	if strings.HasPrefix(gtrid, "token:") {
		return
	}
	w.touches(gtrid, "purge", s)
	t := w.byGTRID[gtrid]
	w.saw(faultPurge, w.phaseOf(t))
	for _, b := range t.branches {
		if b.status == prepared {
			w.violation("the marker of %s at %s is purged while its branch at %s is prepared", t.name(), s.name, b.s.name)
		}
	}
}

// promise is what a client was told, or found out.
func (w *world) promise(t *transaction, v txlog.Verdict, why string) {
	w.tell(t.client.name, "%s: %s", t.name(), why)
	if t.must != 0 && t.must != v {
		w.violation("%s: first %s, then %s", t.name(), t.why, why)
		return
	}
	t.must, t.why = v, why
	for _, b := range t.branches {
		if v == txlog.Commit && b.status == rolledBack || v == txlog.Rollback && b.status == committed {
			w.violation("%s, and %s is %s at %s", why, t.name(), b.status, b.s.name)
		}
	}
	switch {
	case v == txlog.Commit && t.mode == coordinator.ModeTwoPhase && !t.decided:
		w.violation("%s, and its decision is not durable: %s", why, t.name())
	case v == txlog.Commit && t.mode == coordinator.ModeThreePhase && !t.allPrepared():
		w.violation("%s, and not all of its participants were prepared: %s", why, t.name())
	case v == txlog.Rollback && t.decided:
		w.violation("%s, and the decision to commit %s is durable", why, t.name())
	case v == txlog.Rollback && t.mode == coordinator.ModeThreePhase && t.allPrepared():
		w.violation("%s, and all participants of %s were prepared", why, t.name())
	}
}

// phase of a transaction, for the coverage.
type phase uint8

const (
	phaseIdle     phase = iota // no transaction is concerned
	phaseWorking               // before COMMIT
	phaseVoting                // some have voted, none is prepared
	phasePartly                // some are prepared
	phasePrepared              // all are
	phaseDecided               // the decision is durable
	phaseEnding                // some are committed or rolled back
	phaseOver
	phaseCount
)

var phaseNames = [phaseCount]string{"idle", "working", "voting", "some prepared", "all prepared", "decided", "some ended", "over"}

func (w *world) phaseOf(t *transaction) phase {
	if t == nil {
		return phaseIdle
	}
	was, ended := 0, 0
	for _, b := range t.branches {
		if b.was {
			was++
		}
		if b.status > prepared {
			ended++
		}
	}
	switch {
	case ended == len(t.branches) && (t.over || ended > 0):
		return phaseOver
	case ended > 0:
		return phaseEnding
	case t.decided:
		return phaseDecided
	case was > 0 && was == len(t.branches):
		return phasePrepared
	case was > 0:
		return phasePartly
	case t.committing:
		return phaseVoting
	}
	return phaseWorking
}

// tooOld is how late a message may arrive: connections do not live longer without an answer.
const tooOld = time.Minute
