package proxy

import (
	"errors"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// single runs a statement on the one shard that it needs and relays the answer.
func (s *session) single(st *sharding.Statement, rq *request) error {
	target := &s.plan.Targets[0]
	if rq.execute != nil && target.SQL != nil || rq.inner && s.binary {
		return s.scatterRead(st, rq) // rewritten, so it runs as text: rows must become binary
	}
	l, err := s.lease(target.Shard, false, rq.preparedText(target))
	if err != nil {
		return err
	}
	if l.branch != nil && s.plan.Write {
		l.branch.wrote = true
	}
	if err := s.writeStatement(&l, target, rq); err != nil {
		return s.lost(&l, err, s.plan.Write)
	}
	return s.finishSingle(&l, st, rq)
}

// finishSingle takes the answer to a statement that was sent.
func (s *session) finishSingle(l *lease, st *sharding.Statement, rq *request) error {
	if l.branch != nil {
		if err := s.opened(l.branch); err != nil {
			s.untrack(l.conn)
			return err
		}
	}
	sum, err := protocol.Relay(s.client, l.conn.Wire(), s.patch(s.more))
	if err != nil {
		return s.relayFailed(l, &sum, err)
	}
	return s.relayed(l, st, rq, sum)
}

// relayFailed is for a connection that broke in mid-answer.
func (s *session) relayFailed(l *lease, sum *protocol.Summary, err error) error {
	var re *protocol.RelayError
	if !errors.As(err, &re) {
		// Not sent on at all, though the answer has been read: a request for a file.
		s.done(l)
		return err
	}
	if !re.Source {
		l.conn.Abort() // the client is gone: its statement's rest is nobody's
		_ = s.lost(l, err, false)
		return &closeError{err}
	}
	lost := s.lost(l, err, s.plan.Write)
	if re.MidPacket {
		return &closeError{lost} // nothing that the client would understand can follow
	}
	if sum.Started {
		// An ERR packet is allowed in the middle of the rows.
		return s.answer(lost)
	}
	return lost
}

// relayed keeps what the session must know of an answer and, for one
// without rows, gives it.
func (s *session) relayed(l *lease, st *sharding.Statement, rq *request, sum protocol.Summary) error {
	if sum.Err != nil {
		s.diag.setError(sum.Err)
		s.rowCount = -1
		s.p.metrics.errors.Inc()
		b := l.branch
		s.afterCall(l, st, rq)
		s.answered(l, sum.Err)
		s.noticeServerError(b, sum.Err)
		return nil //nolint:nilerr // sum.Err has been relayed to the client
	}
	if sum.Started {
		if sum.Tracked {
			s.told()
		}
		s.rowCount = -1
		s.countFound(l, st, uint64(max(sum.Rows, 0)))
	}
	if sum.OK.Warnings > 0 {
		s.fetchWarnings(l, nil)
	}
	s.noteStatus(l, sum.OK.Status)
	if sum.OK.LastInsertID != 0 && s.temps != nil && l.conn == s.temps.conn {
		s.temps.generated(s, l)
	}
	s.afterCall(l, st, rq)
	s.done(l)
	if sum.Started {
		return nil
	}
	return s.sent(s.writeOK(s.account(sum.OK, rq)))
}

// noteStatus looks for what a statement left behind on a connection that is going to
// be somebody else's: a transaction (of a procedure that began one), or autocommit off. Such a
// connection is closed.
func (s *session) noteStatus(l *lease, st protocol.Status) {
	if l.conn != nil && l.branch == nil && (st.Has(protocol.StatusInTrans) || !st.Has(protocol.StatusAutocommit)) {
		l.conn.MarkBroken()
	}
}

// account keeps what LAST_INSERT_ID() and ROW_COUNT() will say. An id that the
// statement itself gave is told to the client but is not LAST_INSERT_ID(): that is for ids which were
// generated, and for those of LAST_INSERT_ID(expression).
func (s *session) account(ok protocol.OK, rq *request) protocol.OK {
	s.rowCount = int64(ok.AffectedRows)
	if s.plan.Generated != nil {
		return s.accountGenerated(ok, rq)
	}
	if s.plan.InsertID != 0 {
		ok.LastInsertID = s.plan.InsertID
		s.lastInsertID = ok.LastInsertID
	} else if ok.LastInsertID != 0 && (s.plan.Numbers || containsFold(rq.sql, "last_insert_id") || containsFold(rq.sql, "select") || containsFold(rq.sql, "call")) {
		s.lastInsertID = ok.LastInsertID
	}
	return ok
}

// containsFold says whether text has word (in lower-case ASCII) in it, in any case.
func containsFold(text []byte, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if strings.EqualFold(string(text[i:i+len(word)]), word) {
			return true
		}
	}
	return false
}
