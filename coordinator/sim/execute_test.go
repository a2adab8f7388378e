package sim

import (
	"slices"
	"time"

	"lockstep/coordinator"
)

// execute runs a request at its server. False: it waits, for a lock or for sessions to end.
func (s *server) execute(r *request) bool {
	w := s.w
	if r.state == sent {
		w.tell(s.name, "runs %s (%s)", r, r.life.name)
	}
	r.state = waiting
	switch r.verb {
	case verbOpen:
		return s.open(r)
	case verbVote, verbPrepare, verbOnePhase:
		return s.vote(r)
	case verbCommit, verbRollback:
		return s.finishBranch(r)
	case verbList:
		r.result.xids = s.listed()
	case verbFree:
		return s.free(r)
	case verbSettle:
		r.result.reply = s.settle(r.xids[0], r.verdict)
	case verbMarkers:
		for _, m := range s.markers {
			if slices.Contains(r.gtrids, m.GTRID) {
				r.result.markers = append(r.result.markers, s.seen(m))
			}
		}
	case verbToken:
		for _, m := range s.markers {
			if m.Token == r.token {
				r.result.markers = append(r.result.markers, s.seen(m))
			}
		}
	case verbFence, verbFenceToken:
		return s.fence(r)
	case verbFenceAll:
		return s.fenceAll(r)
	case verbEndOwner:
		return s.endOwner(r)
	case verbOldMarkers:
		r.result.markers = s.oldMarkers(r.keep[0], r.keep[1], r.limit)
	case verbAbsent:
		for _, g := range r.gtrids {
			if s.branch(coordinator.XID{FormatID: coordinator.FormatID, GTRID: g, BQUAL: s.name}) == nil {
				r.result.gtrids = append(r.result.gtrids, g)
			}
		}
	case verbPurge:
		s.purge(r.gtrids)
	}
	return true
}

func (s *server) open(r *request) bool {
	if r.sess == nil {
		r.sess = s.begin(r.life, r.gtrid)
		if r.orphan {
			r.sess.closed.Store(true)
		}
		if r.sess.b == nil {
			s.w.violation("%s is used twice: XA START answered 1440 at %s", short(r.gtrid), s.name)
		}
	}
	if r.sess.b != nil && !r.sess.b.change(r.key) {
		return false
	}
	r.result = result{sess: r.sess, reply: coordinator.Reply{Result: coordinator.Done}}
	return true
}

// finishBranch is COMMIT or ROLLBACK by the branch's own session.
func (s *server) finishBranch(r *request) bool {
	w, b := s.w, r.sess.b
	x := coordinator.XID{FormatID: coordinator.FormatID, GTRID: r.gtrid, BQUAL: s.name}
	w.verdictReaches(x, s, s.branch(x), r.verdict)
	switch {
	case b == nil || b.status > prepared:
		// a branch that was never prepared is gone with its session; the other may have been settled by anybody
		r.result.reply = coordinator.Reply{Result: coordinator.Unknown, Err: errNota}
	case b.status == active && r.verb == verbRollback:
		b.drop("its client gave it up")
		r.result.reply = coordinator.Reply{Result: coordinator.Done}
	case b.status == active:
		w.violation("%s of %s, which is active at %s", r.verb, short(r.gtrid), s.name)
		r.result.reply = coordinator.Reply{Result: coordinator.Unknown, Err: errNota}
	case w.chance(w.luck.retries):
		w.saw(faultRetry, w.phaseOf(b.tx))
		r.result.reply = coordinator.Reply{Result: coordinator.Retry, Err: pick(w, []error{errLockWait, errQuery})}
	default:
		b.verdict(r.verdict)
		r.result.reply = coordinator.Reply{Result: coordinator.Done}
	}
	return true
}

// free ends the sessions of the asking process that hold these branches, and waits until no
// session of anybody else holds a branch that was prepared when it began.
func (s *server) free(r *request) bool {
	if s.family == mysql {
		return true
	}
	if r.held == nil {
		r.held = []*branch{}
		for _, x := range r.xids {
			if b := s.branch(x); b != nil && b.owner != nil && b.owner.life == r.life {
				b.owner.killed = true
				b.owner.closed.Store(true)
			}
		}
		for _, b := range s.hosted() {
			ours := b.owner != nil && b.owner.life == r.life && !b.owner.closed.Load()
			if b.status == prepared && !ours && (b.owner != nil || b.gap) {
				r.held = append(r.held, b)
			}
		}
	}
	r.held = slices.DeleteFunc(r.held, func(b *branch) bool { return b.status > prepared || b.owner == nil && !b.gap })
	return len(r.held) == 0
}

// mayGoOn says whether a waiting request would get on now.
func (s *server) mayGoOn(r *request) bool {
	switch r.verb {
	case verbOpen:
		if r.sess.b == nil {
			return true
		}
		o := s.locks[r.key]
		return o == nil || o == r.sess.b
	case verbFree:
		return !slices.ContainsFunc(r.held, func(b *branch) bool { return b.status <= prepared && (b.owner != nil || b.gap) })
	case verbVote, verbOnePhase:
		return r.marked || r.sess.b == nil || s.conflict(r.sess.b, r.gtrid, r.marker.Token) != rowOpen
	case verbEndOwner:
		return s.owner(r.marker) == nil
	}
	return true
}

// expired is the end of a wait: a lock wait timeout, or the gate's.
func (w *world) expired(r *request) {
	switch r.verb {
	case verbOpen, verbVote, verbOnePhase:
		r.result = result{reply: coordinator.Reply{Result: coordinator.Refused, Err: errLockWait}, sess: r.sess}
	case verbFree, verbEndOwner:
		r.result = result{err: errHeld}
	}
}

// patience is how long a request waits at the server at most.
func (r *request) patience() time.Duration {
	switch r.verb {
	case verbFree, verbEndOwner:
		return 5 * time.Second
	}
	return 20 * time.Second
}
