package proxy

import "lockstep/protocol"

// statusMask are the status bits that are the session's own, whatever the
// shard's connection says.
const statusMask = protocol.StatusInTrans | protocol.StatusAutocommit | protocol.StatusInTransReadonly

// status is the session's own part of the status flags.
func (s *session) status() protocol.Status {
	var st protocol.Status
	if s.vars.autocommit {
		st |= protocol.StatusAutocommit
	}
	if s.tx != nil && (s.tx.explicit || len(s.tx.branches) > 0) {
		st |= protocol.StatusInTrans
		if s.tx.readOnly {
			st |= protocol.StatusInTransReadonly
		}
	}
	if s.vars.noBackslash {
		st |= protocol.StatusNoBackslashEscapes
	}
	return st
}

func (s *session) patch(more bool) protocol.Patch {
	p := protocol.Patch{StatusMask: statusMask, StatusValue: s.status() & statusMask}
	if s.tx != nil && s.tx.watched != nil {
		p.Error = s.deadlocked
	}
	if more {
		p.StatusMask |= protocol.StatusMoreResultsExists
		p.StatusValue |= protocol.StatusMoreResultsExists
	}
	return p
}

// writeOK answers with an OK packet that carries the session's status.
func (s *session) writeOK(ok protocol.OK) error {
	ok.Status = ok.Status&^statusMask | s.status()
	if s.more {
		ok.Status |= protocol.StatusMoreResultsExists
	}
	s.out = protocol.AppendOK(s.out[:0], ok)
	return s.client.WritePacket(s.out)
}

func (s *session) writeEOF(warnings uint16) error {
	st := s.status()
	if s.more {
		st |= protocol.StatusMoreResultsExists
	}
	s.out = protocol.AppendEOF(s.out[:0], warnings, st)
	return s.client.WritePacket(s.out)
}

func (s *session) writeError(e *protocol.ServerError) error {
	s.out = protocol.AppendError(s.out[:0], e)
	return s.client.WritePacket(s.out)
}

// row is a row of text fields of a result that the proxy makes itself.
type row []string

// writeResult answers with a small result of strings.
func (s *session) writeResult(names []string, rows []row) error {
	cols := make([]protocol.Column, len(names))
	for i, n := range names {
		cols[i] = protocol.Column{Name: n, Type: protocol.TypeVarString, Charset: utf8mb4GeneralCI, Length: 1024}
	}
	return s.writeColumns(cols, rows)
}

// writeColumns answers with a small result whose columns have types of their own.
func (s *session) writeColumns(cols []protocol.Column, rows []row) error {
	w := s.newResultWriter()
	if err := w.Columns(cols); err != nil {
		return err
	}
	fields := make([]protocol.Field, len(cols))
	for _, r := range rows {
		for i := range cols {
			fields[i] = protocol.Field(r[i])
		}
		if err := w.Row(fields); err != nil {
			return err
		}
	}
	s.rowCount, s.foundRows = -1, uint64(len(rows))
	return w.end(0)
}

const utf8mb4GeneralCI = 45

// resultWriter writes a result set to the client: as text, or as binary rows
// for a prepared statement. It is a merge.Sink.
type resultWriter struct {
	s       *session
	binary  bool
	columns []protocol.Column
	started bool
	failed  error // of the client's connection
}

func (s *session) newResultWriter() *resultWriter {
	return &resultWriter{s: s, binary: s.binary}
}

func (w *resultWriter) write(payload []byte) error {
	if err := w.s.client.WritePacket(payload); err != nil {
		w.failed = err
		return err
	}
	return nil
}

// Columns writes the result's head.
func (w *resultWriter) Columns(cols []protocol.Column) error {
	s := w.s
	w.columns, w.started = cols, true
	if w.binary {
		s.named.restore(cols)
	}
	s.out = protocol.AppendColumnCount(s.out[:0], len(cols))
	if err := w.write(s.out); err != nil {
		return err
	}
	for i := range cols {
		s.out = protocol.AppendColumn(s.out[:0], &cols[i])
		if err := w.write(s.out); err != nil {
			return err
		}
	}
	return w.end(0)
}

// Row writes one row of text fields, converted where the client asked for binary ones.
func (w *resultWriter) Row(fields []protocol.Field) error {
	s := w.s
	if !w.binary {
		s.out = protocol.AppendTextRow(s.out[:0], fields)
		return w.write(s.out)
	}
	var err error
	if s.out, err = protocol.AppendBinaryRow(s.out[:0], fields, w.columns); err != nil {
		return err
	}
	return w.write(s.out)
}

// textWriter is a resultWriter that can also pass text rows on as they came (a merge.RawSink).
type textWriter struct{ *resultWriter }

// RawRow passes a text row on as it came.
func (w textWriter) RawRow(payload []byte) error { return w.write(payload) }

func (w *resultWriter) end(warnings uint16) error {
	err := w.s.writeEOF(warnings)
	if err != nil {
		w.failed = err
	}
	return err
}
