package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/coordinator"
	"lockstep/protocol"
)

const modeSingle = config.OneShard

// commitNow ends the open transaction with COMMIT, one-phase where at most
// one branch wrote, otherwise as the session's mode says. It uses up the session's token. nil means committed. An error means
// rolled back, unless it is 1401: then the outcome cannot be known yet and the message names the transaction.
func (s *session) commitNow() error {
	t := s.tx
	if t == nil {
		return nil
	}
	if err := s.checkAlive(); err != nil {
		return err // the client has to say ROLLBACK first
	}
	s.tx = nil
	t.unwatch()
	token := s.vars.token
	s.vars.token = ""
	s.keepGTRID(t)
	if len(t.branches) == 0 {
		t.end()
		s.noteUnused(token)
		return nil
	}
	var writers, readers []*branch
	for _, b := range t.branches {
		if b.wrote {
			writers = append(writers, b)
		} else {
			readers = append(readers, b)
		}
	}
	if len(writers) > 0 {
		if err := s.keptLocks(t, readers); err != nil {
			s.tx = t
			s.rollbackNow()
			return err
		}
	}
	var err error
	switch {
	case len(writers) == 0:
		err = s.endReaders(readers)
		s.noteUnused(token)
	case len(writers) == 1 && (!s.returns(writers[0]) || s.p.shards[writers[0].shard].KeepsMarkers()):
		err = s.onePhase(t, writers[0], token)
		s.endBystanders(t, readers, err == nil)
	default:
		mode := s.vars.commitMode
		if mode == modeSingle || len(writers) == 1 { // chosen after the second shard was touched; or one phase is not enough there
			mode = config.TwoPhase
		}
		if err := s.p.identity.alone(); err != nil {
			s.tx = t
			s.rollbackNow()
			return protocol.NewError(erXARollback, "XA_RBROLLBACK: Transaction branch was rolled back (%v)", err)
		}
		err = s.distributed(t, writers, coordinator.CommitOptions{Mode: mode, Token: token})
		s.endBystanders(t, readers, err == nil)
		s.p.metrics.commits.WithLabelValues(mode).Inc()
		return err // Commit has released the transaction
	}
	t.end()
	s.p.metrics.commits.WithLabelValues("1pc").Inc()
	return err
}

// keepGTRID remembers the id of a transaction that ends, for @@lockstep_gtrid.
func (s *session) keepGTRID(t *transaction) {
	if t.named != nil {
		s.lastGTRID = t.named.GTRID()
	}
}

// noteUnused says that a token stands for nothing: the transaction changed nothing, and left no trace.
func (s *session) noteUnused(token string) {
	if token != "" {
		s.diag.add("Note", erUnknown, "lockstep_token was not used: the transaction changed nothing")
	}
}

// end releases a transaction that no coordinator drives.
func (t *transaction) end() {
	if t.named != nil {
		t.named.Release()
	}
}

// endReaders ends branches that only read. One that is lost had nothing to
// lose; but the locks it may have held were gone too early, so that is an error.
func (s *session) endReaders(readers []*branch) error {
	return s.finish(readers, true)
}

// endBystanders ends the branches that only read once the outcome is known. It
// stands whatever they answer: they have nothing to commit.
func (s *session) endBystanders(t *transaction, readers []*branch, commit bool) {
	if err := s.finish(readers, commit); err != nil {
		s.p.log.Debug("branch that only read could not be ended; its connection is closed", "conn", s.id, "gtrid", t.named.GTRID(), "err", err)
	}
}

// finish ends branches that are not part of the decision, all at once, and
// gives their connections back. The first error is returned.
func (s *session) finish(branches []*branch, commit bool) error {
	if len(branches) == 1 {
		return s.finishOne(branches[0], commit)
	}
	errs := make([]error, len(branches))
	var wait sync.WaitGroup
	for i, b := range branches {
		wait.Go(func() { errs[i] = s.finishOne(b, commit) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) finishOne(b *branch, commit bool) error {
	ctx, cancel := s.verbTime()
	defer cancel()
	var err error
	if commit {
		err = b.xa.CommitOnePhase(ctx)
	} else {
		err = b.xa.Rollback(ctx)
	}
	return s.finished(b, err)
}

// finished is for the answer to the end of a branch that is not part of the decision.
func (s *session) finished(b *branch, err error) error {
	s.giveBack(b)
	if err != nil && backend.Classify(err) == backend.ClassUnknown {
		return lostShard(s.p.shards[b.shard].Name(), err, false)
	}
	return err
}

// returns says whether the branch may be found prepared after its acknowledged commit in one phase.
func (s *session) returns(b *branch) bool {
	return !b.xa.Plain() && s.p.shards[b.shard].OnePhaseReturns()
}

// verbTime bounds a verb that no coordinator drives: a shard that does not answer
// must not hold the session.
func (s *session) verbTime() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.p.ctx, s.p.cfg.Timeouts.Commit)
}

// giveBack returns a branch's connection once the server has acknowledged the
// branch's end; otherwise the connection is closed.
func (s *session) giveBack(b *branch) {
	s.untrack(b.conn)
	if b.xa.Ended() {
		if b.called {
			s.wash(b.conn)
		}
		b.conn.Release()
		return
	}
	b.conn.Discard()
}

// onePhase commits the only branch that wrote.
func (s *session) onePhase(t *transaction, b *branch, token string) error {
	ctx, cancel := s.verbTime()
	defer cancel()
	var err error
	if token != "" || s.returns(b) {
		err = s.commitMarked(ctx, t, b, token)
	} else {
		err = b.xa.CommitOnePhase(ctx)
	}
	return s.onePhaseEnded(t, b, err)
}

// onePhaseEnded is for the answer to the commit of the only branch that wrote.
func (s *session) onePhaseEnded(t *transaction, b *branch, err error) error {
	defer s.giveBack(b)
	switch backend.Classify(err) {
	case backend.ClassNone:
		return nil
	case backend.ClassUnknown:
		s.p.metrics.unknownCommits.Inc()
		return protocol.NewError(erXAInDoubt, "XAER_RMERR: shard %s was lost while transaction %s was being committed: it may or may not be committed - check your data (%v)",
			s.p.shards[b.shard].Name(), t.named.GTRID(), err)
	default:
		ctx, cancel := s.verbTime()
		defer cancel()
		if rerr := b.xa.Rollback(ctx); rerr != nil {
			s.p.log.Debug("branch could not be rolled back after a failed commit; its connection is closed", "gtrid", t.named.GTRID(), "shard", s.p.shards[b.shard].Name(), "err", rerr)
		}
		return rolledBack(t.named.GTRID(), err)
	}
}

// distributed has the coordinator commit the branches that wrote.
func (s *session) distributed(t *transaction, writers []*branch, o coordinator.CommitOptions) error {
	gtrid := t.named.GTRID()
	ps := make([]coordinator.Participant, len(writers))
	for i, b := range writers {
		ps[i] = participant{shard: s.p.shards[b.shard].Name(), branch: b.xa}
	}
	out := t.named.Commit(s.p.ctx, ps, o)
	if out.Verdict == coordinator.InDoubt || len(out.Pending) > 0 {
		s.p.left.keep(&t.trail)
	}
	for _, b := range writers {
		if out.Verdict == coordinator.InDoubt || slices.Contains(out.Pending, s.p.shards[b.shard].Name()) {
			// A verb may still be under way on it.
			b.conn.Discard()
			continue
		}
		s.giveBack(b)
	}
	switch out.Verdict {
	case coordinator.Committed:
		for _, shard := range out.Pending {
			s.diag.warn(erUnknown, fmt.Sprintf("Transaction %s is committed; shard %s could not be reached and will apply it when it is back", gtrid, shard))
		}
		return nil
	case coordinator.RolledBack:
		return rolledBack(gtrid, out.Err)
	default:
		return protocol.NewError(erXAInDoubt, "XAER_RMERR: the outcome of transaction %s is not known yet (%v); it is settled by itself as soon as it can be told - check your data", gtrid, out.Err)
	}
}

// rolledBack is the shard's own error where there is one, otherwise 1402.
func rolledBack(gtrid string, cause error) error {
	if cause == nil {
		return protocol.NewError(erXARollback, "XA_RBROLLBACK: Transaction branch was rolled back (transaction %s)", gtrid)
	}
	var se *protocol.ServerError
	unasked := errors.As(cause, new(*backend.ConnError)) || errors.As(cause, new(*backend.DownError))
	if k := backend.Classify(cause); (k == backend.ClassDefinite || k == backend.ClassRetryable) && !unasked && errors.As(cause, &se) {
		return se
	}
	return protocol.NewError(erXARollback, "XA_RBROLLBACK: Transaction branch was rolled back (transaction %s: %v)", gtrid, cause)
}

// rollbackNow ends the open transaction with ROLLBACK.
func (s *session) rollbackNow() {
	if s.tx == nil {
		return
	}
	s.rollbackBranches()
	s.tx = nil
	s.vars.token = ""
}

// rollbackBranches rolls every branch back. Nothing is prepared here, so a
// branch that cannot be told is rolled back by closing its connection.
func (s *session) rollbackBranches() {
	t := s.tx
	t.unwatch()
	for _, b := range t.branches {
		if b.fresh {
			// XA START was never answered: only closing the connection is sure.
			b.conn.MarkBroken()
		}
	}
	if err := s.finish(t.branches, false); err != nil {
		s.p.log.Debug("branch could not be rolled back; its connection is closed", "conn", s.id, "gtrid", s.gtrid(), "err", err)
	}
	t.branches, t.byShard = nil, make([]*branch, len(s.p.shards))
	s.keepGTRID(t)
	t.end()
	t.named = nil
	s.p.metrics.rollbacks.Inc()
}

// abandon is for a client that left inside a transaction.
func (s *session) abandon() { s.rollbackNow() }

// participant lets the coordinator drive a branch.
type participant struct {
	shard  string
	branch *backend.Branch
}
