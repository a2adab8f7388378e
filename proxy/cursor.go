package proxy

import (
	"errors"

	"lockstep/protocol"
	"lockstep/sharding"
)

// cursor is the rest of an answer that a client fetches piece by piece. As on a server, the statement has
// run to its end when its cursor opens: the rows wait in a spool, and neither the shards nor the transaction are
// held by them.
type cursor struct {
	spool *spool
	rows  *protocol.Rows
}

// cursorReadBuffer is the read window of a cursor, in bytes.
const cursorReadBuffer = 4 << 10

// maxRow is more than any server sends in one row, in bytes.
const maxRow = 1<<30 + 1<<20

// opensCursor says whether an execution asks for a cursor and the statement can have one. Other
// statements answer with their rows at once, as on a server.
func opensCursor(flags byte, parsed *sharding.Statement) bool {
	return flags&protocol.CursorReadOnly != 0 && (parsed.Kind == sharding.KindSelect || parsed.Kind == sharding.KindDo)
}

// openCursor runs the statement with its answer going to a spool, and answers with the columns only.
func (s *session) openCursor(st *prepared, parsed *sharding.Statement, rq *request) error {
	s.mu.Lock()
	number := s.number
	s.mu.Unlock()
	sp := s.p.spools.newSpool(func() {
		// Not waited for: the statement's own goroutine is the one that writes here.
		s.p.running.Go(func() { s.killStatementNumber(number) })
	})
	opened := false
	defer func() {
		if !opened {
			_ = sp.Close() // cannot fail
		}
	}()
	if err := s.into(sp, func() error { return s.run(parsed, rq) }); err != nil {
		return err
	}
	if sp.failed != nil {
		return spoolError(sp.failed)
	}
	if s.diag.failed {
		return s.lastWords(sp)
	}
	rows, err := protocol.ReadRows(readSpool(sp))
	if err != nil {
		return err
	}
	if len(rows.Columns()) == 0 {
		rows.Next() // reads no more; the summary is complete
		return s.sent(s.writeOK(rows.Summary().OK))
	}
	st.cursor, opened = &cursor{spool: sp, rows: rows}, true
	return s.sent(s.writeHead(rows.Columns(), protocol.StatusCursorExists))
}

// into has run answer into a spool instead of to the client. What is left of an error has not been said.
func (s *session) into(sp *spool, run func() error) error {
	client := s.client
	s.client = protocol.NewConn(sp, protocol.Options{MaxPacket: client.MaxPacket()})
	// Read again by this process only, so it has the framing that shards' answers have.
	s.client.SetCapabilities(client.Capabilities() &^ (protocol.ClientDeprecateEOF | protocol.ClientSessionTrack))
	err := run()
	flushed := s.client.Flush()
	s.client = client
	var end *closeError
	if errors.As(err, &end) {
		// The client has seen nothing of an answer that broke off: it can be told.
		return end.err
	}
	return errors.Join(err, flushed)
}

func readSpool(sp *spool) *protocol.Conn {
	return protocol.NewConn(sp, protocol.Options{MaxPacket: maxRow, ReadBuffer: cursorReadBuffer, WriteBuffer: 1})
}

// lastWords answers with the error that an answer in a spool ends in.
func (s *session) lastWords(sp *spool) error {
	rows, err := protocol.ReadRows(readSpool(sp))
	if err == nil {
		err = rows.Drain()
	}
	var se *protocol.ServerError
	if errors.As(err, &se) {
		return s.sent(s.writeError(se)) // it is in the diagnostics already
	}
	return errors.Join(errors.New("a failed answer has no error"), err)
}

func spoolError(err error) error {
	if errors.Is(err, errSpoolFull) {
		return protocol.NewError(erRecordFileFull, "The rows of open cursors take more than limits.max_cursor_bytes")
	}
	return err
}

// stmtFetch answers COM_STMT_FETCH.
func (s *session) stmtFetch(arg []byte) error {
	_, limit, err := protocol.ParseFetch(arg)
	if err != nil {
		return err
	}
	st, err := s.statementOf(arg, "mysqld_stmt_fetch")
	if err != nil {
		return err
	}
	c := st.cursor
	if c == nil {
		return protocol.NewError(erNoOpenCursor, "The statement (%d) has no open cursor.", st.id)
	}
	status := protocol.StatusCursorExists
	for ; limit > 0; limit-- {
		if !c.rows.Next() {
			err := c.rows.Err()
			st.closeCursor()
			if err != nil {
				return err
			}
			status = protocol.StatusLastRowSent
			break
		}
		if err := s.client.WritePacket(c.rows.Payload()); err != nil {
			return s.sent(err)
		}
	}
	return s.sent(s.writeEndOfRows(0, status))
}

// closeCursor ends the statement's cursor, if it has one.
func (st *prepared) closeCursor() {
	if st.cursor != nil {
		_ = st.cursor.spool.Close() // cannot fail
		st.cursor = nil
	}
}

// closeCursors ends those of all statements.
func (s *session) closeCursors() {
	for _, st := range s.stmts {
		st.closeCursor()
	}
}
