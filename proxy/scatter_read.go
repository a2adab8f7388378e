package proxy

import (
	"errors"
	"slices"
	"sync"

	"lockstep/protocol"
	"lockstep/proxy/merge"
	"lockstep/sharding"
)

// part is one shard's share of a scattered statement.
type part struct {
	lease lease
	rows  *protocol.Rows
	err   error

	computes bool // rows are those of a query about merged groups
}

// scatterRead runs a read on several shards at once and merges their rows as
// they come. It also serves a prepared statement that runs as rewritten text on
// one shard: its rows become binary on the way.
func (s *session) scatterRead(st *sharding.Statement, rq *request) error {
	defer s.limitMerge(st)()
	if s.plan.SameTime {
		defer s.stopClock()()
	}
	parts, err := s.sendParts(rq, false)
	if err != nil {
		return err
	}
	s.readHeads(parts)
	for i := range parts {
		if err := parts[i].err; err != nil {
			return s.endParts(parts, err)
		}
	}
	if len(parts[0].rows.Columns()) == 0 {
		if len(parts) > 1 {
			return s.endParts(parts, notSupported("a statement on several shards that has neither rows nor a plan to change them"))
		}
		return s.oneOK(st, rq, parts)
	}
	w := s.newResultWriter()
	var sink merge.Sink = w
	if !w.binary {
		sink = textWriter{w}
	}
	stats, err := s.mergeParts(parts, sink)
	if err != nil {
		return s.mergeFailed(parts, w, err)
	}
	s.foundRows, s.rowCount = stats.FoundRows, -1
	warnings := s.endReads(parts)
	return s.sent(w.end(warnings))
}

// mergeParts makes one answer of the parts' rows.
func (s *session) mergeParts(parts []part, sink merge.Sink) (merge.Stats, error) {
	streams := make([]merge.Stream, len(parts))
	for i := range parts {
		streams[i] = parts[i].rows
	}
	limits := merge.Limits{Rows: s.p.cfg.Limits.MaxMergeRows, Bytes: s.p.cfg.Limits.MaxMergeBytes}
	return merge.RunWith(&groupEvaluator{s: s, part: &parts[0]}, s.plan.Merge, streams, sink, limits)
}

// oneOK answers a statement that ran as text on one shard and has no rows.
func (s *session) oneOK(st *sharding.Statement, rq *request, parts []part) error {
	for parts[0].rows.Next() {
		// An answer without rows has none; Next reads what ends it.
	}
	if err := parts[0].rows.Err(); err != nil {
		parts[0].err = err
		return s.endParts(parts, err)
	}
	return s.relayed(&parts[0].lease, st, rq, parts[0].rows.Summary())
}

// sendParts has every target's connection ready, then sends every shard its
// statement, then reads what precedes the answers. On an error nothing is left running.
func (s *session) sendParts(rq *request, savepoint bool) ([]part, error) {
	parts := make([]part, len(s.plan.Targets))
	for i := range parts {
		var err error
		if parts[i].lease, err = s.lease(s.plan.Targets[i].Shard, savepoint, ""); err != nil {
			return nil, s.unsend(parts[:i], err)
		}
	}
	for i := range parts {
		if l := &parts[i].lease; l.branch != nil && s.plan.Write {
			l.branch.wrote = true
		}
		parts[i].err = s.sendPart(&parts[i], &s.plan.Targets[i], rq, savepoint)
	}
	for i := range parts {
		if parts[i].err == nil {
			parts[i].err = s.readPrelude(&parts[i], savepoint)
		}
	}
	return parts, nil
}

// unsend gives back connections that were taken but not used yet. A fresh
// branch among them has XA START buffered, so its connection is closed.
func (s *session) unsend(parts []part, cause error) error {
	for i := range parts {
		l := &parts[i].lease
		if l.conn == nil {
			continue
		}
		if b := l.branch; b != nil && b.fresh {
			s.untrack(l.conn)
			s.dropBranch(b)
			continue
		}
		s.done(l)
	}
	return cause
}

// sendPart sends one shard its part, behind a savepoint where the statement must be able to go back.
func (s *session) sendPart(p *part, target *sharding.Target, rq *request, savepoint bool) error {
	if savepoint && p.lease.branch != nil && !p.lease.branch.fresh {
		if err := p.lease.conn.Wire().WriteCommand(protocol.ComQuery, []byte("SAVEPOINT "+stmtSavepoint)); err != nil {
			return err
		}
	}
	sql := target.SQL
	if sql == nil {
		sql = rq.sql
		if rq.execute != nil {
			return errors.New("prepared statement has no text for its shard")
		}
	}
	if err := p.lease.conn.Wire().WriteCommand(protocol.ComQuery, sql); err != nil {
		return err
	}
	return p.lease.conn.Wire().Flush()
}

// readPrelude reads the answers to what was sent ahead of the statement.
func (s *session) readPrelude(p *part, savepoint bool) error {
	b := p.lease.branch
	if b == nil {
		return nil
	}
	if b.fresh {
		if err := s.opened(b); err != nil {
			s.untrack(p.lease.conn)
			p.lease.conn = nil // opened closed it
			return err
		}
		return nil
	}
	if !savepoint {
		return nil
	}
	if _, err := protocol.ReadOK(p.lease.conn.Wire()); err != nil {
		// The statement behind it has run without a way back.
		p.lease.conn.MarkBroken()
		return &prefixError{err}
	}
	return nil
}

// prefixError is a refusal of what the proxy itself sent ahead of a statement: not
// the statement's own error, so it ends the connection. It does not unwrap to the server's.
type prefixError struct{ cause error }

func (e *prefixError) Error() string {
	return "set a savepoint before the statement: " + e.cause.Error()
}

// readHeads reads every answer's head, all at once: one shard's wait is not another's.
func (s *session) readHeads(parts []part) {
	var wait sync.WaitGroup
	for i := range parts {
		p := &parts[i]
		if p.err != nil {
			continue
		}
		if i == len(parts)-1 {
			p.rows, p.err = protocol.ReadRows(p.lease.conn.Wire())
			continue
		}
		wait.Go(func() { p.rows, p.err = protocol.ReadRows(p.lease.conn.Wire()) })
	}
	wait.Wait()
}

// unwantedBytes of rows are read that nobody wants, which costs less than to end a statement.
const unwantedBytes = 256 << 10

// endPart reads what a LIMIT left of a part, or has its statement ended where that is much.
func (s *session) endPart(p *part) error {
	for left := unwantedBytes; left > 0 && p.rows.Next(); {
		left -= len(p.rows.Payload())
	}
	switch {
	case p.rows.Done():
		return p.rows.Drain()
	case p.lease.branch == nil:
		p.lease.conn.Abort() // ends it on the server too
		return errUnwanted
	}
	s.interrupt(p.lease.conn)
	err := p.rows.Drain()
	if interrupted(err) {
		return nil
	}
	return err
}

var errUnwanted = errors.New("the rest of an answer is not wanted")

// endReads ends what a LIMIT left unread, gathers warnings and gives the connections back.
func (s *session) endReads(parts []part) (warnings uint16) {
	for i := range parts {
		parts[i].err = s.endPart(&parts[i])
	}
	// Only now that no answer is left unread may a broken connection end the transaction.
	for i := range parts {
		p := &parts[i]
		se := s.refusal(p)
		b := p.lease.branch
		switch {
		case p.err == nil:
			s.partWarnings(p, i > 0 || p.computes)
			s.done(&p.lease)
		case se != nil:
			// The rows that were needed have been read; but the server may have ended the transaction.
			s.answered(&p.lease, se)
			s.noticeServerError(b, se)
		default:
			_ = s.lost(&p.lease, p.err, false) // as above
		}
	}
	return s.diag.count()
}

// aboutText are the warnings that a server gives for what a statement says, not for its rows: ambiguous names (1052), deprecated syntax, character
// sets and collations.
var aboutText = []uint16{1052, 1287, 1681, 3719, 3778}

// partWarnings takes a part's warnings. Another part's have said already what the text deserves.
func (s *session) partWarnings(p *part, another bool) {
	if p.rows.Summary().OK.Warnings == 0 {
		return
	}
	before := len(s.diag.entries)
	s.fetchWarnings(&p.lease, nil)
	if !another {
		return
	}
	fresh := slices.DeleteFunc(s.diag.entries[before:], func(c condition) bool { return slices.Contains(aboutText, c.code) })
	s.diag.entries = s.diag.entries[:before+len(fresh)]
}

// mergeFailed ends a read in the middle.
func (s *session) mergeFailed(parts []part, w *resultWriter, err error) error {
	for i := range parts {
		p := &parts[i]
		switch {
		case p.err != nil: // what failed was asked of it after its rows
		case p.rows.Err() != nil:
			p.err = p.rows.Err()
		case p.rows.Done():
		case p.lease.branch == nil:
			// Nobody wants the rest, however much it is: ended on the server too.
			p.lease.conn.Abort()
			_ = s.lost(&p.lease, err, false)
			p.rows = nil
		case w.failed != nil:
			p.lease.conn.Abort()
			p.err = err
		default:
			// The transaction may go on: what is left is read, once the shard has stopped.
			s.interrupt(p.lease.conn)
			var se *protocol.ServerError
			if p.err = p.rows.Drain(); errors.As(p.err, &se) && se.Code == erQueryInterrupted {
				p.err = nil
			}
			p.rows = nil
		}
	}
	err = s.endParts(parts, err)
	if w.failed != nil {
		return &closeError{w.failed}
	}
	if w.started {
		return s.answer(err)
	}
	return err
}

// endParts ends every part after a failure: answers are read to their end, so
// that connections stay usable, and the cause is returned as the client shall see it: what
// ended the transaction where something did, otherwise the first part's error.
func (s *session) endParts(parts []part, cause error) error {
	for i := range parts {
		if p := &parts[i]; p.err == nil && p.rows != nil {
			p.err = p.rows.Drain()
		}
	}
	// Only now that no answer is left unread may anything end the transaction.
	var result, fatal error
	for i := range parts {
		p := &parts[i]
		if p.err == nil {
			s.done(&p.lease)
			continue
		}
		se := s.refusal(p)
		err := p.err
		switch b := p.lease.branch; {
		case p.lease.conn == nil: // it ended when the branch could not be opened
		case se != nil:
			s.answered(&p.lease, se)
			if s.noticeServerError(b, se) && fatal == nil {
				fatal = se
			}
		default:
			err = s.lost(&p.lease, err, s.plan.Write)
		}
		if result == nil || interrupted(result) && !interrupted(err) {
			result = err // what is lost, not what was ended for it
		}
	}
	switch {
	case fatal != nil:
		return fatal
	case result != nil:
		return result
	}
	return cause
}

func interrupted(err error) bool {
	var se *protocol.ServerError
	return errors.As(err, &se) && se.Code == erQueryInterrupted
}
