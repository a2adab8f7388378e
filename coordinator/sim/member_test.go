package sim

import (
	"context"
	"errors"

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

// send a verb over the branch's connection.
func (m *member) send(ctx context.Context, r *request) (receive func() result) {
	r.to, r.sess, r.gtrid = m.s, m.sess, m.gtrid
	return m.l.send(ctx, r)
}

// atOnce is a reply that needs no request.
func atOnce(result coordinator.Result, err error) func() coordinator.Reply {
	return func() coordinator.Reply { return coordinator.Reply{Result: result, Err: err} }
}

func unknown(err error) coordinator.Reply {
	return coordinator.Reply{Result: coordinator.Unknown, Err: err}
}

func (m *member) sendVote(ctx context.Context, mark coordinator.Marker) func() coordinator.Reply {
	return m.sendPreparing(ctx, &request{verb: verbVote, marker: mark})
}

func (m *member) sendPrepare(ctx context.Context) func() coordinator.Reply {
	return m.sendPreparing(ctx, &request{verb: verbPrepare})
}

func (m *member) sendPreparing(ctx context.Context, r *request) func() coordinator.Reply {
	if m.state != memberActive || m.sess.closed.Load() {
		m.stopped = true
		return atOnce(coordinator.Refused, errLost) // not sent, and never will be
	}
	m.state = memberUnknown
	receive := m.send(ctx, r)
	return func() coordinator.Reply {
		res := receive()
		switch {
		case res.unsent:
			m.state, m.stopped = memberActive, true
			m.sess.closed.Store(true)
			return coordinator.Reply{Result: coordinator.Refused, Err: errUnsent}
		case res.lost:
			m.sess.closed.Store(true)
			return unknown(errLost)
		case res.reply.Result == coordinator.Done:
			m.state = memberPrepared
		case errors.Is(res.reply.Err, errRefused): // by PREPARE: the branch is gone
			m.state, m.stopped = memberEnded, true
		case res.reply.Result == coordinator.Refused: // before PREPARE, which the server did not come to
			m.state, m.stopped = memberActive, true
			if errors.Is(res.reply.Err, errLockWait) {
				m.sess.closed.Store(true) // its transaction is of no use
			}
		}
		return res.reply
	}
}

// sendVerdict is for a prepared branch.
func (m *member) sendVerdict(ctx context.Context, v verb, verdict txlog.Verdict) func() coordinator.Reply {
	if m.state != memberPrepared || m.sess.closed.Load() {
		return atOnce(coordinator.Unknown, errLost)
	}
	receive := m.send(ctx, &request{verb: v, verdict: verdict})
	return func() coordinator.Reply {
		res := receive()
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
}

func (m *member) Vote(ctx context.Context, mark coordinator.Marker) coordinator.Reply {
	return m.sendVote(ctx, mark)()
}

func (m *member) Prepare(ctx context.Context) coordinator.Reply { return m.sendPrepare(ctx)() }

func (m *member) Commit(ctx context.Context) coordinator.Reply {
	return m.sendVerdict(ctx, verbCommit, txlog.Commit)()
}

func (m *member) Rollback(ctx context.Context) coordinator.Reply {
	switch m.state {
	case memberEnded:
		return coordinator.Reply{Result: coordinator.Done}
	case memberUnknown:
		return unknown(errLost)
	case memberActive:
		if !m.sess.closed.Load() {
			m.send(ctx, &request{verb: verbRollback, verdict: txlog.Rollback})()
		}
		m.state = memberEnded
		m.sess.closed.Store(true) // the disconnect does it where the answer does not come
		return coordinator.Reply{Result: coordinator.Done}
	}
	return m.sendVerdict(ctx, verbRollback, txlog.Rollback)()
}

// pipelined is a member whose verbs come in two halves.
type pipelined struct{ *member }

func (p pipelined) SendVote(ctx context.Context, mark coordinator.Marker) func() coordinator.Reply {
	return p.sendVote(ctx, mark)
}

func (p pipelined) SendPrepare(ctx context.Context) func() coordinator.Reply {
	return p.sendPrepare(ctx)
}

func (p pipelined) SendCommit(ctx context.Context) func() coordinator.Reply {
	return p.sendVerdict(ctx, verbCommit, txlog.Commit)
}

// onePhase is for a transaction on one shard that leaves a marker.
func (m *member) onePhase(ctx context.Context, mark coordinator.Marker) coordinator.Verdict {
	if m.sess.closed.Load() {
		return coordinator.RolledBack
	}
	res := m.send(ctx, &request{verb: verbOnePhase, verdict: txlog.Commit, marker: mark})()
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
