package proxy

import (
	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// lease is a server connection for one statement: the transaction's branch on
// that shard, or one of the pool's for this statement alone.
type lease struct {
	shard  int
	conn   *backend.Conn
	branch *branch // nil outside a transaction

	temporary bool // it has temporary tables: washed before anybody else has it
}

// lease takes the connection that a statement on the shard must run on.
func (s *session) lease(shard int, savepoint bool, prepare string) (lease, error) {
	if s.tx == nil || s.outside {
		return s.beside(shard, prepare)
	}
	l := lease{shard: shard}
	b, err := s.branchOn(shard, savepoint, prepare)
	if err != nil {
		return l, err
	}
	l.conn, l.branch = b.conn, b
	b.locked = b.locked || s.locks
	if !b.fresh {
		if err := s.refresh(b, prepare); err != nil {
			return l, err
		}
	}
	return l, s.begins(&l)
}

// beside takes a connection for what has no part in the open transaction.
func (s *session) beside(shard int, prepare string) (lease, error) {
	l := lease{shard: shard}
	conn, err := s.acquire(shard, true, prepare)
	if err != nil {
		return l, err
	}
	l.conn = conn
	return l, s.begins(&l)
}

// near takes the transaction's branch on the shard where there is one, and otherwise a connection beside it.
func (s *session) near(shard int, prepare string) (lease, error) {
	if s.tx != nil && s.tx.byShard[shard] != nil {
		return s.lease(shard, false, prepare)
	}
	return s.beside(shard, prepare)
}

// begins has a KILL reach the lease's connection. An error: one has hit the statement already, and the lease is given back.
func (s *session) begins(l *lease) error {
	if s.track(l.conn) {
		return s.notSent(l)
	}
	return nil
}

// notSent gives the connection of a statement back that KILL QUERY has hit before it was sent.
func (s *session) notSent(l *lease) error {
	if l.branch != nil && l.branch.fresh {
		s.dropBranch(l.branch) // its XA START is buffered
		l.conn = nil
	}
	s.done(l)
	return protocol.NewError(erQueryInterrupted, "Query execution was interrupted")
}

// acquire takes a connection from a shard's pool, with a statement prepared on it (empty: none). On the loop only one
// that is there and fits as it is: otherwise errNotNow.
func (s *session) acquire(shard int, autocommit bool, prepare string) (*backend.Conn, error) {
	if s.temps != nil && shard == s.temps.shard {
		return s.temps.use(s, autocommit, prepare)
	}
	state := s.vars.state(shard)
	if s.onLoop {
		conn := s.p.shards[shard].TryAcquire(s.loop.loop, state, autocommit)
		if conn == nil {
			return nil, errNotNow
		}
		if prepare != "" && !conn.HasPrepared(prepare) {
			conn.Release()
			return nil, errNotNow
		}
		return conn, nil
	}
	conn, err := s.p.shards[shard].Acquire(s.ctx, state, autocommit)
	if err != nil {
		return nil, err
	}
	if prepare != "" {
		if _, err := conn.Prepare(s.ctx, prepare); err != nil {
			conn.Release()
			return nil, err
		}
	}
	return conn, nil
}

// refresh brings a branch's connection in line with what the session has set since.
func (s *session) refresh(b *branch, prepare string) error {
	if s.onLoop && !b.conn.MoveTo(s.loop.loop) {
		return errNotNow
	}
	if s.onLoop && (!b.conn.Fits(s.vars.state(b.shard)) || prepare != "" && !b.conn.HasPrepared(prepare)) {
		return errNotNow
	}
	if err := b.conn.SetState(s.ctx, s.vars.state(b.shard)); err != nil {
		return s.verbFailedIn(b, err)
	}
	if prepare == "" {
		return nil
	}
	if _, err := b.conn.Prepare(s.ctx, prepare); err != nil {
		return s.verbFailedIn(b, err)
	}
	return nil
}

// verbFailedIn is for a failure of the proxy's own words inside a branch: a refusal is
// the statement's error, a lost connection the transaction's end.
func (s *session) verbFailedIn(b *branch, err error) error {
	told := s.verbFailed(b, err)
	if backend.Classify(err) == backend.ClassUnknown {
		s.doom(told)
	}
	return told
}

// done ends the lease; one that was lost has ended already.
func (s *session) done(l *lease) {
	if l.conn == nil {
		return
	}
	s.untrack(l.conn)
	if l.branch == nil {
		if l.temporary {
			s.wash(l.conn)
		}
		l.conn.Release()
	}
	l.conn = nil
}

// usable says whether the lease still has its connection: a branch loses it when its transaction is doomed.
func (s *session) usable(l *lease) bool {
	return l.conn != nil && (l.branch == nil || s.tx != nil && s.tx.dead == nil)
}

// answered ends the lease of a statement that a server refused. A refusal can be
// the last that a connection says (it was killed, the server shuts down): then it is not handed on.
func (s *session) answered(l *lease, e *protocol.ServerError) {
	if l.conn != nil && l.branch == nil && backend.EndsConnection(e) {
		l.conn.MarkBroken()
	}
	s.done(l)
}

// lost ends the lease of a connection that broke, and the transaction that it was part of.
func (s *session) lost(l *lease, cause error, write bool) error {
	err := lostShard(s.p.shards[l.shard].Name(), cause, write && l.branch == nil)
	if l.conn == nil {
		return err
	}
	s.untrack(l.conn)
	switch {
	case l.branch == nil:
		l.conn.Discard()
	case s.usable(l): // otherwise it went with the rest of its transaction
		l.conn.MarkBroken()
		s.doom(err)
	}
	l.conn = nil
	return err
}

// writeStatement buffers the statement on the lease's connection and sends it.
func (s *session) writeStatement(l *lease, target *sharding.Target, rq *request) error {
	if err := s.bufferStatement(l, target, rq); err != nil {
		return err
	}
	return l.conn.Wire().Flush()
}

// bufferStatement is writeStatement without the sending.
func (s *session) bufferStatement(l *lease, target *sharding.Target, rq *request) error {
	wire := l.conn.Wire()
	switch {
	case rq.execute != nil && target.SQL == nil:
		prep, err := l.conn.Prepare(s.ctx, rq.stmt.sql) // there already: lease had it prepared
		if err != nil {
			return err
		}
		s.out = protocol.AppendExecute(s.out[:0], prep.ID, 0, rq.execute.Params)
		wire.ResetSequence()
		return wire.WritePacket(s.out)
	case target.SQL != nil:
		return wire.WriteCommand(protocol.ComQuery, target.SQL)
	default:
		return wire.WriteCommand(protocol.ComQuery, rq.sql)
	}
}

// preparedText is the text that must be prepared on a target's connection before
// the statement runs there; empty when the statement goes as text.
func (rq *request) preparedText(target *sharding.Target) string {
	if rq.execute != nil && target.SQL == nil {
		return rq.stmt.sql
	}
	return ""
}
