package proxy

import (
	"context"
	"time"

	"lockstep/sharding"
)

// ending is the COMMIT of a transaction on one shard, while its answer is waited for on the loop.
type ending struct {
	t       *transaction // nil: the flight is a statement's
	b       *branch
	receive func() error
}

// quickCommit begins the COMMIT of a transaction on one shard: the same steps as commitNow, up to where the answer is waited for.
func (s *session) quickCommit(st *sharding.Statement) quickness {
	t := s.tx
	if len(t.branches) != 1 || t.dead != nil || s.vars.token != "" || st.Chain {
		return quickNot
	}
	b := t.branches[0]
	if b.fresh || b.called || b.wrote && s.returns(b) || !b.conn.MoveTo(s.loop.loop) {
		return quickNot
	}
	s.diag.failed = false
	s.running(s.quickRq.sql)
	s.diag.next()
	s.tx = nil
	t.unwatch()
	s.keepGTRID(t)
	f := &s.flight
	f.l, f.answers, f.on = lease{shard: b.shard, conn: b.conn, branch: b}, b.xa.Ending(), true
	b.conn.Event().Give(f)
	// What could not be sent shows when the answer is read, and a connection that broke is readable.
	f.ending = ending{t, b, b.xa.SendCommitOnePhase(context.Background())}
	if b.conn.Broken() {
		f.leave()
	}
	return quickFlying
}

// landed takes the whole answer.
func (f *flight) landed() {
	s, e := f.s, f.ending
	f.stop()
	f.ending = ending{}
	if s.answeredOnLoop(s.answer(s.okAfter(s.committedAlone(e, e.receive())))) {
		s.serveReady()
	}
}

// await takes the answer on a goroutine.
func (e ending) await(s *session) error {
	ctx, cancel := s.verbTime()
	defer cancel()
	stop := e.b.conn.Interrupt(ctx)
	err := e.receive()
	stop()
	return s.okAfter(s.committedAlone(e, err))
}

// committedAlone ends a transaction on one shard whose COMMIT was answered.
func (s *session) committedAlone(e ending, err error) error {
	if e.b.wrote {
		err = s.onePhaseEnded(e.t, e.b, err)
	} else {
		err = s.finished(e.b, err)
	}
	e.t.end()
	s.p.metrics.commits.WithLabelValues("1pc").Inc()
	return err
}

// slow says whether the flight is a COMMIT that its shard has not answered in time.
func (f *flight) slow(now time.Time) bool {
	return f.on && f.ending.t != nil && now.Sub(f.s.since) > f.s.p.cfg.Timeouts.Commit
}
