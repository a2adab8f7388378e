package proxy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

// scatterWrite runs a change on several shards at once: all of it or none.
// Inside a transaction each shard gets a savepoint first, outside an implicit transaction is put around it.
func (s *session) scatterWrite(st *sharding.Statement, rq *request) error {
	if st.Leaves {
		return notSupported("a user variable that is assigned in a change of several shards: it would have another value on each of them")
	}
	if s.plan.SameTime {
		defer s.stopClock()()
	}
	out := s.newReturned(s.plan.Returning)
	if s.tx == nil {
		if s.vars.commitMode == modeSingle {
			return protocol.NewError(erNotSupportedYet, "Lockstep: the statement changes %d shards, which lockstep_commit_mode=single does not allow", len(s.plan.Targets))
		}
		return s.aloneReturning(out, func() (protocol.OK, error) { return s.runWrite(rq, false, out) })
	}
	ok, err := s.runWrite(rq, true, out)
	if err != nil {
		return err
	}
	return s.sent(s.writeChange(ok, out))
}

// alone runs a change as a transaction of its own and answers with its OK once that is committed.
func (s *session) alone(change func() (protocol.OK, error)) error {
	return s.aloneReturning(nil, change)
}

// aloneReturning is alone for a change that may answer with rows.
func (s *session) aloneReturning(out *returnedRows, change func() (protocol.OK, error)) error {
	var ok protocol.OK
	err := s.implicitly(func() (err error) {
		ok, err = change()
		return err
	})
	if err != nil {
		return err
	}
	ok.Warnings = max(ok.Warnings, s.diag.count())
	return s.sent(s.writeChange(ok, out))
}

// stopClock gives all shards the same time for one statement, so that copies of a row are equal. It
// returns what sets the clock going again.
func (s *session) stopClock() (resume func()) {
	if _, own := s.vars.vars["timestamp"]; own {
		return func() {}
	}
	now := time.Now().UnixMicro()
	s.vars.set("timestamp", fmt.Sprintf("%d.%06d", now/1e6, now%1e6))
	return func() { s.vars.unset("timestamp") }
}

// runWrite sends the parts, reads every answer and adds them up.
// Rows that it answers with go to out.
func (s *session) runWrite(rq *request, savepoint bool, out *returnedRows) (protocol.OK, error) {
	parts, err := s.sendParts(rq, savepoint)
	if err != nil {
		return protocol.OK{}, err
	}
	oks := make([]protocol.OK, len(parts))
	lists := make([][][]protocol.Field, len(parts))
	failed := false
	for i := range parts {
		p := &parts[i]
		if p.err == nil {
			oks[i], lists[i], p.err = readWriteOK(p, out)
		}
		s.asWhole(&s.plan.Targets[i], &oks[i], p.err)
		failed = failed || p.err != nil
	}
	if !failed && out != nil {
		if err := out.addParts(s.plan.Targets, lists, s.plan.SumAffected); err != nil {
			return protocol.OK{}, errors.Join(err, s.undoWrite(parts, savepoint))
		}
	}
	if failed {
		return protocol.OK{}, s.failedFirst(parts, func() error { return s.undoWrite(parts, savepoint) })
	}
	sum := oks[0]
	for _, ok := range oks[1:] {
		if s.plan.SumAffected {
			sum.AffectedRows += ok.AffectedRows
			sum.Info = addInfo(sum.Info, ok.Info)
		}
	}
	sum.LastInsertID = s.lastID(oks)
	before := len(s.diag.entries)
	for i := range parts {
		if oks[i].Warnings > 0 && (s.plan.SumAffected || i == 0) {
			s.fetchWarnings(&parts[i].lease, s.plan.Targets[i].Rows)
		}
		s.done(&parts[i].lease)
	}
	s.diag.asWhole(before)
	sum.Info = withWarnings(sum.Info, len(s.diag.entries)-before)
	if err := s.checkAlive(); err != nil {
		return protocol.OK{}, err // a connection broke while its warnings were read
	}
	sum.Warnings = s.diag.count()
	return s.account(sum, rq), nil
}

// readWriteOK reads the answer of one shard to a change, with its rows where they are asked for.
func readWriteOK(p *part, out *returnedRows) (ok protocol.OK, list [][]protocol.Field, err error) {
	rows, err := protocol.ReadRows(p.lease.conn.Wire())
	if err != nil {
		return protocol.OK{}, nil, err
	}
	p.rows = rows
	if out != nil && len(rows.Columns()) > 0 {
		list, err = out.take(rows)
		return rows.Summary().OK, list, err
	}
	if err := rows.Drain(); err != nil {
		return protocol.OK{}, nil, err
	}
	if len(rows.Columns()) > 0 {
		return protocol.OK{}, nil, notSupported("a change that returns rows where it needs a commit of its own (it changes several shards, or lockstep_token is set): use BEGIN and COMMIT, and one shard")
	}
	return rows.Summary().OK, nil, nil
}

// undoWrite takes the statement back on the shards where it succeeded, so that
// it has happened nowhere. If that fails, the transaction is over.
func (s *session) undoWrite(parts []part, savepoint bool) error {
	var undo []*branch
	for i := range parts {
		if p := &parts[i]; p.err == nil && p.lease.branch != nil {
			undo = append(undo, p.lease.branch)
		}
	}
	err := s.endParts(parts, nil)
	if !savepoint || s.tx == nil || s.tx.dead != nil {
		return err
	}
	for _, b := range undo {
		if _, rerr := b.conn.Exec(s.ctx, "ROLLBACK TO SAVEPOINT "+stmtSavepoint); rerr != nil {
			s.doom(fmt.Errorf("take the statement back on shard %s: %w", s.p.shards[b.shard].Name(), rerr))
			return errors.Join(err, s.checkAlive())
		}
	}
	return err
}

// addInfo adds up the numbers of two informational messages of the same form,
// such as "Rows matched: 2  Changed: 1  Warnings: 0"; of other texts the first stays.
func addInfo(a, b string) string {
	var out strings.Builder
	for a != "" {
		at, an, arest, ok := nextNumber(a)
		bt, bn, brest, bok := nextNumber(b)
		if at != bt || ok != bok {
			return out.String() + a
		}
		out.WriteString(at)
		if ok {
			fmt.Fprint(&out, an+bn)
		}
		a, b = arest, brest
	}
	return out.String()
}

// nextNumber splits s into the text before its first number, the number and the rest.
func nextNumber(s string) (text string, n uint64, rest string, ok bool) {
	i := strings.IndexAny(s, "0123456789")
	if i < 0 {
		return s, 0, "", false
	}
	j := i
	for j < len(s) && s[j] >= '0' && s[j] <= '9' {
		n = n*10 + uint64(s[j]-'0')
		j++
	}
	return s[:i], n, s[j:], true
}
