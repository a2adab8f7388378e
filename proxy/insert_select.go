package proxy

import (
	"bytes"
	"errors"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// INSERT … SELECT whose rows are not where they belong: the query is answered like any other, its rows wait in a spool, and
// then they are inserted in statements of many rows each, all of them or none. Reading is over before writing begins, so a
// table can be filled from itself.

// filler writes kept rows.
type filler struct {
	s       *session
	fill    *sharding.Fill
	rows    *keptRows
	head    []byte // with VALUES
	tail    []byte
	columns []*sharding.ColumnInfo
	charset string

	one    bulkStatement
	count  int // rows in one
	before int // rows in the statements before it
	sum    protocol.OK
	sent   int    // statements
	first  uint64 // id that was generated
	out    *returnedRows
}

// fillTable runs INSERT … SELECT whose rows are read first.
func (s *session) fillTable() error {
	f := s.plan.Fill
	if f.Clock {
		defer s.stopClock()()
	}
	out := s.newReturned(f.Returning)
	if s.tx == nil {
		return s.aloneReturning(out, func() (protocol.OK, error) { return s.runFill(f, out) })
	}
	if err := s.savepoint(fillSavepoint); err != nil {
		return err
	}
	ok, err := s.runFill(f, out)
	if err != nil {
		return errors.Join(err, s.undoTo(fillSavepoint))
	}
	if err := s.release(fillSavepoint); err != nil {
		return err
	}
	return s.sent(s.writeChange(ok, out))
}

// fillSavepoint is where INSERT … SELECT inside a transaction can be taken back to.
const fillSavepoint = "`lockstep_fill`"

// undoTo takes back what came behind a savepoint of the proxy's own, if the transaction is still alive.
func (s *session) undoTo(savepoint string) error {
	if s.tx == nil || s.tx.dead != nil {
		return nil //nolint:nilerr // the server has undone all of it
	}
	if err := s.rollbackTo(savepoint); err != nil {
		return err
	}
	return s.release(savepoint)
}

func (s *session) runFill(f *sharding.Fill, out *returnedRows) (protocol.OK, error) {
	charset, speak, err := s.writingCharset(f)
	if err != nil {
		return protocol.OK{}, err
	}
	query := f.Query
	if f.Locks && s.locksReads() {
		query = append(bytes.Clone(query), " LOCK IN SHARE MODE"...)
	}
	rows, answer, err := s.keepRows(innerQuery{sql: query, vars: map[string]string{"character_set_results": quote(charset)}})
	if err != nil {
		return protocol.OK{}, err
	}
	defer rows.close()
	if err := s.keepReading(answer, f.Strict); err != nil {
		return protocol.OK{}, err
	}
	if f.Columns != nil && len(rows.columns) != len(f.Columns) {
		return protocol.OK{}, protocol.NewError(1136, "Column count doesn't match value count at row 1")
	}
	defer speak()()
	w := &filler{s: s, fill: f, rows: rows, head: append(bytes.Clone(f.Head), " VALUES "...), tail: f.Tail, columns: f.Columns, charset: charset, out: out}
	return w.run()
}

// locksReads says whether the rows that a statement reads to write them are locked: as on a server, unless the isolation level leaves that out.
func (s *session) locksReads() bool {
	level := s.vars.vars["tx_isolation"]
	if s.tx != nil && s.tx.isolation != "" {
		level = s.tx.isolation
	}
	return !strings.Contains(strings.ToUpper(level), "COMMITTED") // READ COMMITTED, READ UNCOMMITTED
}

// writingCharset is the character set in which rows are read and written: the client's where that has all characters. speak
// makes it the session's for a while.
func (s *session) writingCharset(f *sharding.Fill) (charset string, speak func() (restore func()), err error) {
	const all = "utf8mb4"
	if s.vars.charset() == all {
		return all, func() func() { return func() {} }, nil
	}
	for _, text := range [][]byte{f.Head, f.Tail} {
		for _, b := range text {
			if b >= 0x80 {
				return "", nil, notSupported("INSERT … SELECT whose text has other characters than those of ASCII, with character_set_client not utf8mb4")
			}
		}
	}
	return all, func() func() {
		before := s.vars.clone()
		s.vars.setNames(quote(all), "")
		s.vars.changed()
		s.syncEnv()
		return func() {
			s.vars.vars = before.vars
			s.vars.changed()
			s.syncEnv()
		}
	}, nil
}

// run writes all rows.
func (w *filler) run() (protocol.OK, error) {
	for {
		row, err := w.rows.next()
		if err != nil {
			return protocol.OK{}, err
		}
		if row == nil {
			break
		}
		if err := w.add(row); err != nil {
			return protocol.OK{}, err
		}
		if w.count >= fillRows || len(w.one.text) >= bulkChunk {
			if err := w.flush(); err != nil {
				return protocol.OK{}, err
			}
		}
	}
	if w.count > 0 {
		if err := w.flush(); err != nil {
			return protocol.OK{}, err
		}
	}
	s := w.s
	if w.sent == 0 {
		w.sum.Info = "Records: 0  Duplicates: 0  Warnings: 0"
	}
	if w.first != 0 {
		w.sum.LastInsertID, s.lastInsertID = w.first, w.first
	}
	s.rowCount = int64(w.sum.AffectedRows)
	w.sum.Warnings = s.diag.count()
	w.sum.Info = withWarnings(w.sum.Info, len(s.diag.entries))
	return w.sum, nil
}

// fillRows is how many rows a statement has at most: with as many the same text comes again, and is not parsed again.
const fillRows = 250

// add puts a row into the statement.
func (w *filler) add(row []protocol.Field) error {
	if w.count == 0 {
		w.one = bulkStatement{marked: w.one.marked[:0], text: w.one.text[:0], params: w.one.params[:0]}
		w.one.add(string(w.head))
	} else {
		w.one.add(", ")
	}
	w.one.add("(")
	for i, f := range row {
		if i > 0 {
			w.one.add(", ")
		}
		var target *sharding.ColumnInfo
		if w.columns != nil {
			target = w.columns[i]
		}
		p, err := readValue(&w.rows.columns[i], f, target)
		if err != nil {
			return err
		}
		p.Value = bytes.Clone(p.Value) // the row's memory is the next one's
		w.one.marked = append(w.one.marked, '?')
		w.one.params = append(w.one.params, p)
		if w.one.text, err = protocol.AppendParamLiteral(w.one.text, &p, w.charset); err != nil {
			return err
		}
	}
	w.one.add(")")
	w.count++
	return nil
}

// flush runs the statement.
func (w *filler) flush() error {
	s := w.s
	w.one.add(string(w.tail))
	stmt := &prepared{sql: string(w.one.marked)}
	st, err := stmt.analysis(s)
	if err != nil {
		return err
	}
	rq := &request{sql: []byte(stmt.sql), stmt: stmt, execute: &protocol.Execute{Params: w.one.params}, text: w.text()}
	s.inputs.OfQuery = true
	err = s.planned(st, rq)
	s.inputs.OfQuery = false
	if err != nil {
		return w.inWhole(err)
	}
	if s.plan.Evaluate != nil || s.plan.Fill != nil {
		return errors.New("rows of constants cannot be planned as they are")
	}
	conditions := len(s.diag.entries)
	id, generated, byShard := s.lastInsertID, s.plan.InsertID, s.plan.Numbers || s.plan.Generated != nil
	ok, err := s.runWrite(rq, false, w.out)
	if err != nil {
		return w.inWhole(err)
	}
	if w.count == 1 && ok.Info == "" {
		ok.Info = oneRowInfo(ok, w.fill.Ignore)
	}
	for i := conditions; i < len(s.diag.entries); i++ {
		s.diag.entries[i].text = shiftRow(s.diag.entries[i].text, w.before)
	}
	if w.sent == 0 {
		w.sum = ok
	} else {
		w.sum.AffectedRows += ok.AffectedRows
		w.sum.Info = addInfo(w.sum.Info, ok.Info)
		if ok.LastInsertID != 0 {
			w.sum.LastInsertID = ok.LastInsertID
		}
	}
	if byShard {
		generated = ok.LastInsertID
	}
	if generated != 0 && w.first == 0 {
		w.first = generated
	}
	s.lastInsertID = id // until all is done
	w.sent++
	w.before += w.count
	w.count = 0
	return nil
}

// text is the statement with its values. As in a planner's parts, the only row goes as a query to a server that would take it
// otherwise.
func (w *filler) text() []byte {
	f := w.fill
	if w.count > 1 || f.Strict && !f.Ignore || f.Table.Rule.Kind != sharding.Single {
		return w.one.text
	}
	row := w.one.text[len(w.head)+1 : len(w.one.text)-len(w.tail)-1] // without its parentheses
	return bytes.Join([][]byte{f.Head, []byte(" SELECT "), row, w.tail}, nil)
}

// inWhole has the row that an error names counted in the whole statement.
func (w *filler) inWhole(err error) error {
	var se *protocol.ServerError
	if !errors.As(err, &se) || w.before == 0 {
		return err
	}
	shifted := *se
	shifted.Message = shiftRow(se.Message, w.before)
	return &shifted
}
