package sim

import (
	"context"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// member is a branch as the connection that holds it sees it: what backend.Branch is to the
// real thing, with the same answers for what cannot be sent or was not answered.
type member struct {
	l       *life
	s       *server
	gtrid   string
	sess    *session
	state   memberState
	stopped bool // prepare was not sent, and never will be
}

type memberState uint8

const (
	memberActive memberState = iota
	memberPrepared
	memberUnknown // may be prepared, or ended
	memberEnded
)

func (m *member) Shard() string { return m.s.name }

// ask sends a verb over the branch's connection.
func (m *member) ask(ctx context.Context, r *request) result {
	r.to, r.sess, r.gtrid = m.s, m.sess, m.gtrid
	return m.l.call(ctx, r)
}

func unknown(err error) coordinator.Reply {
	return coordinator.Reply{Result: coordinator.Unknown, Err: err}
}

func refuse(err error) coordinator.Reply {
	return coordinator.Reply{Result: coordinator.Refused, Err: err}
}

func (m *member) CanCommit(ctx context.Context, mark coordinator.Marker) coordinator.Reply {
	if m.state != memberActive || m.sess.closed.Load() {
		return refuse(errLost)
	}
	res := m.ask(ctx, &request{verb: verbVote, marker: mark})
	if res.lost || res.reply.Result == coordinator.Refused && res.reply.Err == errLockWait {
		m.sess.closed.Store(true) // the connection is broken, or its transaction of no use
	}
	if res.lost {
		return unknown(errLost)
	}
	return res.reply
}

func (m *member) Prepare(ctx context.Context) coordinator.Reply {
	if m.state != memberActive || m.sess.closed.Load() {
		m.stopped = true
		return refuse(errLost) // not sent, and never will be
	}
	m.state = memberUnknown
	res := m.ask(ctx, &request{verb: verbPrepare})
	switch {
	case res.unsent:
		m.state, m.stopped = memberActive, true
		m.sess.closed.Store(true)
		return refuse(errUnsent)
	case res.lost:
		m.sess.closed.Store(true)
		return unknown(errLost)
	case res.reply.Result == coordinator.Done:
		m.state = memberPrepared
	case res.reply.Result == coordinator.Refused:
		m.state = memberEnded
	}
	return res.reply
}

func (m *member) Commit(ctx context.Context) coordinator.Reply {
	return m.finish(ctx, verbCommit, txlog.Commit)
}

func (m *member) Rollback(ctx context.Context) coordinator.Reply {
	switch m.state {
	case memberEnded:
		return coordinator.Reply{Result: coordinator.Done}
	case memberUnknown:
		return unknown(errLost)
	case memberActive:
		if !m.sess.closed.Load() {
			m.ask(ctx, &request{verb: verbRollback, verdict: txlog.Rollback})
		}
		m.state = memberEnded
		m.sess.closed.Store(true) // the disconnect does it where the answer does not come
		return coordinator.Reply{Result: coordinator.Done}
	}
	return m.finish(ctx, verbRollback, txlog.Rollback)
}

// finish gives a prepared branch its verdict.
func (m *member) finish(ctx context.Context, v verb, verdict txlog.Verdict) coordinator.Reply {
	if m.state != memberPrepared || m.sess.closed.Load() {
		return unknown(errLost)
	}
	res := m.ask(ctx, &request{verb: v, verdict: verdict})
	switch {
	case res.lost:
		m.state = memberUnknown
		m.sess.closed.Store(true)
		return unknown(errLost)
	case res.reply.Result == coordinator.Done:
		m.state = memberEnded
	case res.reply.Result == coordinator.Unknown:
		m.state = memberUnknown
		m.sess.closed.Store(true)
	}
	return res.reply
}

// onePhase is for a transaction on one shard.
func (m *member) onePhase(ctx context.Context) coordinator.Verdict {
	if m.sess.closed.Load() {
		return coordinator.RolledBack
	}
	res := m.ask(ctx, &request{verb: verbOnePhase, verdict: txlog.Commit})
	m.state = memberEnded
	m.sess.closed.Store(true)
	switch {
	case res.unsent:
		return coordinator.RolledBack
	case res.lost:
		return coordinator.InDoubt
	case res.reply.Result == coordinator.Done:
		return coordinator.Committed
	}
	return coordinator.RolledBack
}
