package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"lockstep/protocol"
	"lockstep/proxy/catalog"
	"lockstep/sharding"
)

// What an event loop serves itself: statements whose plan is cached, that need one shard, and for which a server
// connection is at hand that fits as it is. Everything else is a goroutine's. quick decides before anything is sent or
// changed: a statement that it will not serve is begun anew, as if nothing had been.

type quickness uint8

const (
	quickNot      quickness = iota // a goroutine must serve it
	quickAnswered                  // the answer is in the client's buffer
	quickFlying                    // sent to a shard: its answer goes on
)

// errNotNow is met on the loop where something would have to be waited for.
var errNotNow = errors.New("not without waiting")

var noWait = catalog.NoWait(context.Background())

// maxQuickText bounds statements that the loop sends: they fit in the buffers on the way.
const maxQuickText = 8 << 10

// quick serves a command on the loop, or begins to.
func (s *session) quick(cmd protocol.Command, arg []byte) quickness {
	if len(arg) > maxQuickText || s.keepsAny() {
		return quickNot
	}
	s.onLoop = true
	defer func() { s.onLoop = false }()
	s.more, s.binary = false, false
	switch cmd {
	case protocol.ComQuery:
		text, err := s.queryText(arg)
		if err != nil || s.attributes.any {
			return quickNot
		}
		return s.quickText(text)
	case protocol.ComStmtExecute:
		return s.quickExecute(arg)
	case protocol.ComPing:
		return s.quickAnswer(s.writeOK(protocol.OK{}))
	case protocol.ComStmtClose:
		s.stmtClose(arg)
		return quickAnswered
	}
	return quickNot
}

// quickAnswer is for what only an ended connection can make fail; flushing will tell.
func (s *session) quickAnswer(error) quickness { return quickAnswered }

func (s *session) quickText(sql []byte) quickness {
	if bytes.IndexByte(sql, ';') >= 0 {
		return quickNot
	}
	st, lits := s.planner().Cached(&s.env, sql, s.literals[:0])
	s.literals = lits
	if st == nil {
		return quickNot
	}
	s.quickRq = request{sql: sql, lits: lits}
	return s.quickStatement(st)
}

func (s *session) quickExecute(arg []byte) quickness {
	if len(arg) < 4 {
		return quickNot
	}
	st := s.stmts[binary.LittleEndian.Uint32(arg)]
	if st == nil || st.longSize > 0 || st.longErr != nil || st.database != s.vars.database || st.parsed == nil || st.cursor != nil {
		return quickNot
	}
	for _, piece := range st.long {
		if piece != nil {
			return quickNot
		}
	}
	parsed, err := st.analysis(s)
	if err != nil || parsed.Params > 0 && writtenOut(parsed.Kind) {
		return quickNot
	}
	types := st.types
	if err := s.parseExecute(st, arg); err != nil || s.attributes.any || opensCursor(st.execute.Flags, parsed) {
		st.types = types
		return quickNot
	}
	s.binary, s.named = true, st.named
	s.quickRq = request{sql: st.text, stmt: st, execute: &st.execute}
	return s.quickStatement(parsed)
}

func (s *session) quickStatement(st *sharding.Statement) quickness {
	switch st.Kind {
	case sharding.KindSelect, sharding.KindInsert, sharding.KindUpdate, sharding.KindDelete:
		return s.quickData(st)
	case sharding.KindBegin:
		if s.tx != nil {
			return quickNot // it commits first
		}
	case sharding.KindCommit, sharding.KindRollback:
		switch {
		case st.ReleaseAfter:
			return quickNot
		case s.tx != nil && st.Kind == sharding.KindCommit && len(s.tx.branches) > 0:
			return s.quickCommit(st)
		case s.tx != nil && (len(s.tx.branches) > 0 || s.tx.dead != nil):
			return quickNot
		}
	default:
		return quickNot
	}
	s.diag.failed = false
	s.running(s.quickRq.sql)
	return s.quickAnswer(s.answer(s.run(st, &s.quickRq)))
}

// quickData begins a statement on tables: the same steps as data and single, up to where the answer is waited for.
func (s *session) quickData(st *sharding.Statement) quickness {
	rq := &s.quickRq
	if st.Unknown || s.vars.token != "" || st.SessionSlots || st.Leaves || st.Gathers || s.timeLimit(st) > 0 || s.checkAlive() != nil || s.checkAccess(st) != nil {
		return quickNot
	}
	if s.tx == nil && (s.vars.nextIsolation != "" || s.vars.nextReadOnly != nil) {
		return quickNot
	}
	if s.planned(st, rq) != nil || len(s.plan.Targets) != 1 || s.p.catalog.hasFunction(st.Functions) {
		return quickNot
	}
	target := &s.plan.Targets[0]
	if s.plan.AnyShard && s.tx != nil || s.plan.Write && s.readOnly() || rq.execute != nil && target.SQL != nil {
		return quickNot
	}
	if len(target.SQL) > maxQuickText || leavesState(st, rq.sql, s.plan.AnyShard) != nil || asksForLocks(st) {
		return quickNot
	}
	if s.tx != nil && s.tx.byShard[target.Shard] != nil && !s.tx.byShard[target.Shard].conn.MoveTo(s.loop.loop) {
		return quickNot
	}
	if s.shareable(st) && st.Observed.Cheap() {
		if s.loop.lanes.add(s, st, target, rq.preparedText(target)) {
			s.running(rq.sql)
			s.diag.failed = false
			s.diag.next()
			s.p.metrics.single.Inc()
			s.p.metrics.pipelined.Inc()
			return quickFlying
		}
	}
	if !s.plan.AnyShard {
		s.ensureTransaction()
	}
	s.locks = s.locking(st)
	s.trackWork(st)
	if s.digest = st.Digest; s.tx != nil {
		s.tx.trail.add(st.Digest)
	}
	s.running(rq.sql)
	l, err := s.lease(target.Shard, false, rq.preparedText(target))
	if err != nil {
		if s.tx != nil {
			s.tx.trail.undo()
		}
		return quickNot // a goroutine meets the same, and says so
	}
	s.diag.failed = false
	s.diag.next()
	s.p.metrics.single.Inc()
	return s.flight.begin(l, st, target)
}

// shareable says whether the planned statement may run on a connection that others use at the same moment: a read, outside
// a transaction, that locks nothing.
func (s *session) shareable(st *sharding.Statement) bool {
	return s.tx == nil && s.vars.autocommit && st.Kind == sharding.KindSelect && !st.Opaque && !s.plan.Write && !st.CalcFoundRows &&
		s.vars.pipelining && !s.locking(st)
}
