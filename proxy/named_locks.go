package proxy

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// A lock by name (GET_LOCK) belongs to a session of the server. All of them are locks of the first shard, so that sessions of all
// proxies meet there. A session that asks for one gets a connection for such statements alone, which it keeps until it ends or is
// reset: no transaction and no other statement has anything to do with it. Were it lost, the locks would be too, and the
// session ends, as it would with its server.

// lockFunctions are the functions of locks by name.
var lockFunctions = []string{"get_lock", "release_lock", "release_all_locks", "is_free_lock", "is_used_lock"}

// asksForLocks says whether a statement uses locks by name.
func asksForLocks(st *sharding.Statement) bool {
	for _, name := range st.Functions {
		if slices.Contains(lockFunctions, name) {
			return true
		}
	}
	return false
}

// keptConnections counts the server connections that sessions keep.
type keptConnections struct{ n atomic.Int64 }

// take counts one more, within the limit.
func (k *keptConnections) take(limit int) error {
	if k.n.Add(1) > int64(limit) {
		k.n.Add(-1)
		return protocol.NewError(erTooManyConns, "Too many sessions keep a server connection for themselves (limits.max_kept_connections)")
	}
	return nil
}

// lockStatement runs a statement on locks by name, outside any transaction.
func (s *session) lockStatement(st *sharding.Statement, rq *request) error {
	target := &s.plan.Targets[0]
	if rq.execute != nil && target.SQL != nil {
		return notSupported("a prepared statement on locks by name that uses the session's own values, such as CONNECTION_ID()")
	}
	l, err := s.lockLease(st, target.Shard, rq.preparedText(target))
	if err != nil {
		return err
	}
	if err := s.writeStatement(&l, target, rq); err != nil {
		return s.lost(&l, err, false)
	}
	return s.finishSingle(&l, st, rq)
}

// lockLease is the connection for such a statement: the session's own, from the first GET_LOCK on; before, any one will do, because
// there is nothing to release.
func (s *session) lockLease(st *sharding.Statement, shard int, prepare string) (lease, error) {
	l := lease{shard: shard}
	switch {
	case slices.Contains(st.Functions, "is_used_lock"):
		return l, notSupported("IS_USED_LOCK: the id that it gives is that of a connection to the shard, not of a session here; IS_FREE_LOCK says whether the lock is free")
	case s.locksConn == nil && !slices.Contains(st.Functions, "get_lock"):
		return s.beside(shard, prepare)
	default:
		if err := s.ownLocksConn(shard); err != nil {
			return l, err
		}
		l.conn = s.locksConn
		if err := l.conn.SetState(s.ctx, s.vars.state(shard)); err != nil {
			return l, err
		}
		if prepare != "" {
			if _, err := l.conn.Prepare(s.ctx, prepare); err != nil {
				return l, err
			}
		}
	}
	return l, s.begins(&l)
}

// ownLocksConn makes sure that the session has its connection for locks.
func (s *session) ownLocksConn(shard int) error {
	if s.locksConn != nil {
		return nil
	}
	if err := s.p.kept.take(s.p.cfg.Limits.MaxKeptConnections); err != nil {
		return err
	}
	conn, err := s.p.shards[shard].Acquire(s.ctx, s.vars.state(shard), true)
	if err != nil {
		s.p.kept.n.Add(-1)
		return err
	}
	conn.Keep()
	s.locksConn = conn
	return nil
}

// dropLocks releases the session's locks, with their connection.
func (s *session) dropLocks() {
	if s.locksConn == nil {
		return
	}
	s.locksConn.Discard()
	s.locksConn = nil
	s.p.kept.n.Add(-1)
}

// lockValue is the value of an expression on locks by name.
func (s *session) lockValue(st *sharding.Statement, shard int, text string) (*backend.Result, error) {
	l, err := s.lockLease(st, shard, "")
	if err != nil {
		return nil, err
	}
	res, err := l.conn.Query(s.ctx, text, 2)
	var se *protocol.ServerError
	if err != nil && !errors.As(err, &se) {
		return nil, s.lost(&l, err, false)
	}
	s.done(&l)
	return res, err
}

func (k *keptConnections) gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "lockstep", Name: "kept_connections",
		Help: "Server connections that sessions keep for themselves."}, func() float64 { return float64(k.n.Load()) })
}
