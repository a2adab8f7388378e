package proxy

import (
	"errors"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// bulkChunk is how long a statement of many rows grows before another is begun, in bytes.
const bulkChunk = 1 << 20

// bulkSavepoint is where a bulk execution inside a transaction can be taken back to.
const bulkSavepoint = "`lockstep_bulk`"

// extended are MariaDB's own capabilities: offered where all shards are MariaDB's.
func (p *Proxy) extended() protocol.Extended {
	for _, s := range p.shards {
		if s.Flavor() != backend.MariaDB {
			return 0
		}
	}
	return protocol.ExtendedBulk
}

// bulk writes the rows of a COM_STMT_BULK_EXECUTE into texts: an INSERT of one row becomes one of many,
// any other statement one for each row.
type bulk struct {
	s        *session
	sql      string
	marks    []int
	from, to int // of the row in an INSERT's text; to 0: none
	packet   protocol.Bulk
	row      []protocol.BulkParam // read, and not written yet; nil: there are no more
	memory   []protocol.BulkParam
}

// stmtBulk answers COM_STMT_BULK_EXECUTE: all rows take effect or none.
func (s *session) stmtBulk(arg []byte) error {
	s.binary, s.named, s.attributes.any = true, named{}, false
	if s.client.Extended()&protocol.ExtendedBulk == 0 {
		return protocol.NewError(erUnsupportedPS, "This command is not supported in the prepared statement protocol yet")
	}
	st, err := s.statementOf(arg, "mysqld_stmt_bulk_execute")
	if err != nil {
		return err
	}
	s.running([]byte(st.sql))
	st.closeCursor()
	st.forgetLong()
	if st.database != s.vars.database {
		defer s.visit(st.database)()
	}
	parsed, err := st.analysis(s)
	if err != nil {
		return err
	}
	b := &bulk{s: s, sql: st.sql, marks: parsed.Marks}
	switch parsed.Kind {
	case sharding.KindInsert:
		if from, to, ok := sharding.ValuesRow(s.env, []byte(st.sql)); ok {
			b.from, b.to = from, to
		}
	case sharding.KindUpdate, sharding.KindDelete:
	default:
		return protocol.NewError(erUnsupportedPS, "This command is not supported in the prepared statement protocol yet")
	}
	if b.packet, err = protocol.ParseBulk(arg, len(st.long), &st.types); err != nil {
		return err
	}
	if err := b.read(); err != nil {
		return err
	}
	first, err := b.next()
	switch {
	case err != nil:
		return err
	case first == nil:
		return s.okAfter(nil) // no rows
	case b.row == nil:
		return b.runOne(first)
	}
	return s.runBulk(b, first)
}

// bulkStatement is one statement of a bulk execution: with parameters, by which its rows find their shards, and
// with their values in it, to be sent where it goes to one shard as it is.
type bulkStatement struct {
	marked, text []byte
	params       []protocol.Param
}

func (b *bulk) runOne(one *bulkStatement) error {
	st := &prepared{sql: string(one.marked)}
	parsed, err := st.analysis(b.s)
	if err != nil {
		return err
	}
	return b.s.run(parsed, &request{sql: []byte(b.sql), stmt: st, execute: &protocol.Execute{Params: one.params}, text: one.text})
}

// runBulk runs several statements as one.
func (s *session) runBulk(b *bulk, first *bulkStatement) error {
	if s.tx == nil && s.vars.autocommit {
		return s.alone(func() (protocol.OK, error) { return b.run(first) })
	}
	if err := s.checkAlive(); err != nil {
		return err
	}
	if err := s.savepoint(bulkSavepoint); err != nil {
		return err
	}
	ok, err := b.run(first)
	if err != nil {
		return errors.Join(err, s.undoBulk())
	}
	if err := s.release(bulkSavepoint); err != nil {
		return err
	}
	return s.sent(s.writeOK(ok))
}

// undoBulk takes a bulk execution back inside its transaction, if that is still alive.
func (s *session) undoBulk() error {
	if s.tx == nil || s.tx.dead != nil {
		return nil //nolint:nilerr // the server has undone all of it
	}
	if err := s.rollbackTo(bulkSavepoint); err != nil {
		return err
	}
	return s.release(bulkSavepoint)
}

// run runs the first statement and those of the other rows, and adds their answers up.
func (b *bulk) run(one *bulkStatement) (protocol.OK, error) {
	s := b.s
	sp := s.p.spools.newSpool(func() {})
	defer func() { _ = sp.Close() }() // cannot fail
	var all []condition
	firstID := uint64(0)
	answers := 0
	err := s.into(sp, func() error {
		for one != nil {
			if err := b.runOne(one); err != nil {
				return err
			}
			answers++
			if s.diag.failed {
				return nil // its error is the last answer
			}
			if len(all) < maxConditions {
				all = append(all, s.diag.entries...)
			}
			if firstID == 0 {
				firstID = s.lastInsertID
			}
			var err error
			if one, err = b.next(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return protocol.OK{}, err
	}
	sum, err := sumOK(sp, answers)
	if err != nil {
		return protocol.OK{}, err
	}
	s.diag.clear()
	for _, c := range all {
		s.diag.add(c.level, c.code, c.text)
	}
	s.rowCount = int64(sum.AffectedRows)
	if firstID != 0 {
		s.lastInsertID = firstID
	}
	sum.Warnings = s.diag.count()
	return sum, nil
}

// sumOK adds up so many answers without rows. The last may be an error.
func sumOK(sp *spool, answers int) (sum protocol.OK, err error) {
	if sp.failed != nil {
		return sum, spoolError(sp.failed)
	}
	src := readSpool(sp)
	for i := range answers {
		rows, err := protocol.ReadRows(src)
		if err != nil {
			return sum, err
		}
		if len(rows.Columns()) > 0 {
			return sum, notSupported("a bulk execution that returns rows")
		}
		ok := rows.Summary().OK
		if i == 0 {
			sum = ok
			continue
		}
		sum.AffectedRows += ok.AffectedRows
		sum.Info = addInfo(sum.Info, ok.Info)
		if sum.LastInsertID == 0 {
			sum.LastInsertID = ok.LastInsertID
		}
	}
	return sum, nil
}

// read reads the next row, past those that are to be left out.
func (b *bulk) read() (err error) {
	for {
		if b.row, err = b.packet.Next(b.memory); err != nil || b.row == nil {
			return err
		}
		b.memory = b.row
		if b.row[0].Indicator != protocol.IndicatorIgnoreRow {
			return nil
		}
	}
}

// next is the next statement; nil: there are no more rows.
func (b *bulk) next() (*bulkStatement, error) {
	if b.row == nil {
		return nil, nil
	}
	one := &bulkStatement{}
	if b.to == 0 {
		if err := b.write(one, 0, len(b.sql)); err != nil {
			return nil, err
		}
		return one, b.read()
	}
	one.add(b.sql[:b.from])
	for {
		if err := b.write(one, b.from, b.to); err != nil {
			return nil, err
		}
		if err := b.read(); err != nil {
			return nil, err
		}
		if b.row == nil || len(one.text) >= bulkChunk {
			one.add(b.sql[b.to:])
			return one, nil
		}
		one.add(", ")
	}
}

// add adds to both texts.
func (o *bulkStatement) add(text string) {
	o.marked, o.text = append(o.marked, text...), append(o.text, text...)
}

// write adds a part of the client's text with the row's values in the place of the marks.
func (b *bulk) write(one *bulkStatement, from, to int) (err error) {
	for i, mark := range b.marks {
		if mark < from || mark >= to {
			continue
		}
		one.add(b.sql[from:mark])
		from = mark + 1
		switch p := &b.row[i]; {
		case p.Indicator == protocol.IndicatorDefault, p.Indicator == protocol.IndicatorIgnore && b.to > 0:
			one.add("DEFAULT") // a new row has no value to keep
		case p.Indicator == protocol.IndicatorIgnore:
			column, ok := sharding.AssignedColumn(b.s.env, []byte(b.sql), mark)
			if !ok {
				return notSupported("the indicator IGNORE for a parameter that is not a column's new value by itself")
			}
			one.add(column)
		default:
			one.marked = append(one.marked, '?')
			one.params = append(one.params, p.Param)
			if one.text, err = protocol.AppendParamLiteral(one.text, &p.Param, b.s.vars.charset()); err != nil {
				return err
			}
		}
	}
	one.add(b.sql[from:to])
	return nil
}
