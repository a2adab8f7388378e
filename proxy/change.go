package proxy

import (
	"errors"
	"fmt"
	"strings"

	"lockstep/protocol"
	"lockstep/proxy/merge"
	"lockstep/sharding"
)

// changing is an UPDATE or DELETE under way of which several shards do a part at a time, in several steps: all of it happens
// or nothing. Outside a transaction it is one of its own; inside, each shard gets a savepoint before its first step.
type changing struct {
	s      *session
	rq     *request
	inside bool         // the client's transaction
	marked map[int]bool // shards that have the savepoint
	ok     protocol.OK  // what the answers add up to

	returned *returnedRows // nil: the statement returns none
	held     int           // bytes of what is kept until it is needed
}

// changeByKeys runs a planned Change.
func (s *session) changeByKeys(rq *request) error {
	if v := strings.ToUpper(unquote(s.vars.vars["sql_safe_updates"])); v == "1" || v == "ON" {
		return notSupported("a change by rows of several shards with sql_safe_updates on: whether a server would find its rows by a key is not known")
	}
	if s.plan.SameTime {
		defer s.stopClock()()
	}
	s.p.metrics.keyed.Inc()
	return s.inSteps(rq, s.plan.Change.Returning, func(c *changing) error { return c.byKeys(s.plan.Change) })
}

// inSteps runs a change and answers it.
func (s *session) inSteps(rq *request, returning bool, change func(*changing) error) error {
	c := &changing{s: s, rq: rq, inside: s.tx != nil, marked: map[int]bool{}, returned: s.newReturned(returning)}
	if c.inside {
		if err := change(c); err != nil {
			return c.undo(err)
		}
		return c.answer()
	}
	if err := s.implicitly(func() error { return change(c) }); err != nil {
		return err
	}
	return c.answer()
}

// implicitly runs a change as a transaction of its own.
func (s *session) implicitly(change func() error) error {
	s.tx = s.newTransaction()
	s.tx.implicit = true
	if err := change(); err != nil {
		s.rollbackNow()
		return err
	}
	return s.commitNow()
}

// answer tells the client what has happened.
func (c *changing) answer() error {
	s := c.s
	s.diag.asWhole(0)
	ok := s.account(c.ok, c.rq)
	ok.Info = withWarnings(ok.Info, len(s.diag.entries))
	ok.Warnings = s.diag.count()
	return s.sent(s.writeChange(ok, c.returned))
}

// shardStep is one statement of a change on one shard.
type shardStep struct {
	target sharding.Target
	rows   uint64 // that it must find; 0: as many as there are
	places []int  // where its rows stand among all of the statement's, from 1; nil: not known
}

// step runs one statement on each of several shards, all at once. With sum their affected rows are added up, otherwise
// they are those of the first.
func (c *changing) step(list []shardStep, sum bool) error {
	s := c.s
	parts := make([]part, len(list))
	fresh := make([]bool, len(list)) // the savepoint is to be set
	for i := range list {
		var err error
		shard := list[i].target.Shard
		fresh[i] = c.inside && !c.marked[shard]
		if parts[i].lease, err = s.lease(shard, fresh[i], ""); err != nil {
			return s.unsend(parts[:i], err)
		}
	}
	for i := range parts {
		parts[i].lease.branch.wrote = true
		parts[i].err = s.sendPart(&parts[i], &list[i].target, c.rq, fresh[i])
	}
	for i := range parts {
		if parts[i].err == nil {
			parts[i].err = s.readPrelude(&parts[i], fresh[i])
		}
		if parts[i].err == nil {
			c.marked[list[i].target.Shard] = c.inside
		}
	}
	failed := false
	oks := make([]protocol.OK, len(parts))
	for i := range parts {
		if p := &parts[i]; p.err == nil {
			oks[i], p.err = c.read(p)
		}
		var se *protocol.ServerError
		if errors.As(parts[i].err, &se) {
			se.Message = renumberRow(se.Message, list[i].places)
		}
		failed = failed || parts[i].err != nil
	}
	if failed {
		return s.endParts(parts, nil)
	}
	for i := range parts {
		if oks[i].Warnings > 0 && (sum || i == 0) {
			s.fetchWarnings(&parts[i].lease, list[i].places)
		}
		s.done(&parts[i].lease)
	}
	if err := s.checkAlive(); err != nil {
		return err // a connection broke while its warnings were read
	}
	for i := range oks {
		if err := list[i].found(s, oks[i]); err != nil {
			return err
		}
		if i == 0 || sum {
			c.add(oks[i])
		}
	}
	return nil
}

// found makes sure that a statement by keys has met the rows that it was made for.
func (t *shardStep) found(s *session, ok protocol.OK) error {
	if t.rows == 0 {
		return nil
	}
	n := ok.AffectedRows
	if _, matched, _, known := nextNumber(ok.Info); known {
		n = matched
	}
	if n == t.rows {
		return nil
	}
	return notSupported("this change: %d of %d rows that it means were found on shard %s by their primary keys; nothing was changed", n, t.rows, s.p.shards[t.target.Shard].Name())
}

func (c *changing) add(ok protocol.OK) {
	c.ok.AffectedRows += ok.AffectedRows
	if c.ok.Info == "" {
		c.ok.Info = ok.Info
	} else {
		c.ok.Info = addInfo(c.ok.Info, ok.Info)
	}
	if ok.LastInsertID != 0 {
		c.ok.LastInsertID = ok.LastInsertID
	}
}

// read reads the answer of one shard, and keeps the rows that the client is given.
func (c *changing) read(p *part) (protocol.OK, error) {
	ok, rows, err := readWriteOK(p, c.returned)
	if len(rows) > 0 {
		c.returned.rows = append(c.returned.rows, rows...)
		ok.AffectedRows = uint64(len(rows))
	}
	return ok, err
}

// hold counts bytes that are kept until the statement's end.
func (c *changing) hold(n int) error {
	if c.held += n; c.held > c.s.p.cfg.Limits.MaxMergeBytes {
		return protocol.NewError(erTooBigSelect, "a change of rows on several shards needs more than %d bytes in memory (limits.max_merge_bytes): change fewer rows at a time", c.s.p.cfg.Limits.MaxMergeBytes)
	}
	return nil
}

// undo takes back what the statement has done, on each shard where it has begun. If that fails, the transaction is over.
func (c *changing) undo(cause error) error {
	s := c.s
	if s.tx == nil || s.tx.dead != nil {
		return cause
	}
	for shard := range c.marked {
		b := s.tx.byShard[shard]
		if !c.marked[shard] || b == nil {
			continue
		}
		s.track(b.conn)
		_, err := b.conn.Exec(s.ctx, "ROLLBACK TO SAVEPOINT "+stmtSavepoint)
		s.untrack(b.conn)
		if err != nil {
			s.doom(fmt.Errorf("take the statement back on shard %s: %w", s.p.shards[shard].Name(), err))
			return errors.Join(cause, s.checkAlive())
		}
	}
	return cause
}

// byKeys reads which rows are meant, and changes them.
func (c *changing) byKeys(ch *sharding.Change) error {
	if err := c.tryText(ch); err != nil {
		return err
	}
	if ch.Refused != "" {
		return notSupported("this change: %s", ch.Refused)
	}
	rows := newNamedRows(c, ch)
	answer, err := c.s.runInner(innerQuery{sql: ch.Read, vars: map[string]string{"character_set_results": "'utf8mb4'"}}, rows)
	if err != nil {
		return err
	}
	if err := c.noteWarnings(ch, answer.warnings); err != nil {
		return err
	}
	c.ok.Info = rows.emptyInfo()
	for i := range rows.tables {
		if err := c.changeTable(ch, &rows.tables[i]); err != nil {
			return err
		}
	}
	return nil
}

// tryText has a server say what is wrong with the client's own statement: the query that names its rows may be right where
// the statement is not.
func (c *changing) tryText(ch *sharding.Change) error {
	if ch.Check.Shard < 0 {
		return nil
	}
	s, text := c.s, ch.Check.SQL
	if text == nil {
		text = c.rq.sql
	}
	l, err := s.near(ch.Check.Shard, "")
	if err != nil {
		return err
	}
	err = l.conn.Try(s.ctx, string(text))
	var se *protocol.ServerError
	switch {
	case err == nil:
		s.done(&l)
		return nil
	case !l.conn.Broken() && errors.As(err, &se):
		b := l.branch
		s.answered(&l, se)
		s.noticeServerError(b, se)
		return se
	}
	return s.lost(&l, err, false)
}

// noteWarnings keeps what the query has warned of. In strict mode some of that would have been the statement's error.
func (c *changing) noteWarnings(ch *sharding.Change, list []condition) error {
	for _, w := range list {
		if ch.Strict && !ch.Ignore && w.level == "Warning" {
			return notSupported("a change by rows of several shards where reading them has warnings, which could be errors in strict mode (%d: %s)", w.code, w.text)
		}
		c.s.diag.add(w.level, w.code, w.text)
	}
	return nil
}

var _ merge.Sink = (*namedRows)(nil)
