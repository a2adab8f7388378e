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
	if s.limited || s.tx != nil && s.tx.watched != nil {
		p.Error = s.deadlocked
	}
	if s.endsWithState() {
		p.Track = s.untold()
	}
	if more {
		p.StatusMask |= protocol.StatusMoreResultsExists
		p.StatusValue |= protocol.StatusMoreResultsExists
	}
	return p
}

// writeOK answers with an OK packet that carries the session's status.
func (s *session) writeOK(ok protocol.OK) error {
	ok.Status = ok.Status&^(statusMask|protocol.StatusSessionChanged) | s.status()
	if s.more {
		ok.Status |= protocol.StatusMoreResultsExists
	}
	if list := s.untold(); len(list) > 0 {
		s.out = protocol.AppendTrackedOK(s.out[:0], ok, list)
		s.told()
	} else {
		s.out = protocol.AppendOK(s.out[:0], ok)
	}
	return s.client.WritePacket(s.out)
}

// writeEndOfRows ends rows, or whatever else an EOF packet alone ends.
func (s *session) writeEndOfRows(warnings uint16, flags protocol.Status) error {
	st := s.status() | flags
	if s.more {
		st |= protocol.StatusMoreResultsExists
	}
	if list := s.untold(); len(list) > 0 && s.endsWithState() {
		s.out = protocol.AppendTrackedEnd(s.out[:0], warnings, st, list)
		s.told()
	} else {
		s.out = protocol.AppendEndOfRows(s.out[:0], s.client.Capabilities(), warnings, st)
	}
	return s.client.WritePacket(s.out)
}

// writeEndOfColumns ends column definitions, where the client wants that said.
func (s *session) writeEndOfColumns() error {
	if s.client.Capabilities().Has(protocol.ClientDeprecateEOF) {
		return nil
	}
	return s.writeEndOfRows(0, 0)
}

// writeHead writes the columns of a result without rows; flags say where those are.
func (s *session) writeHead(cols []protocol.Column, flags protocol.Status) error {
	s.out = protocol.AppendColumnCount(s.out[:0], len(cols))
	if err := s.client.WritePacket(s.out); err != nil {
		return err
	}
	for i := range cols {
		s.out = protocol.AppendColumn(s.out[:0], &cols[i])
		if err := s.client.WritePacket(s.out); err != nil {
			return err
		}
	}
	return s.writeEndOfRows(s.diag.count(), flags)
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
	if err := s.writeEndOfColumns(); err != nil {
		w.failed = err
		return err
	}
	return nil
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
	err := w.s.writeEndOfRows(warnings, 0)
	if err != nil {
		w.failed = err
	}
	return err
}
