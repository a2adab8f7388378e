package proxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"lockstep/protocol"
)

// execute answers one command. An error ends the session.
func (s *session) execute(cmd protocol.Command, arg []byte) error {
	s.more, s.binary = false, false
	switch cmd {
	case protocol.ComQuery:
		text, err := s.queryText(arg)
		if err != nil {
			return s.answer(err)
		}
		return s.query(text)
	case protocol.ComStmtPrepare:
		return s.answer(s.stmtPrepare(arg))
	case protocol.ComStmtExecute:
		return s.answer(s.stmtExecute(arg))
	case protocol.ComStmtSendLongData:
		s.stmtLongData(arg)
		return nil
	case protocol.ComStmtBulkExecute:
		return s.answer(s.stmtBulk(arg))
	case protocol.ComStmtFetch:
		return s.answer(s.stmtFetch(arg))
	case protocol.ComStmtReset:
		return s.answer(s.stmtReset(arg))
	case protocol.ComStmtClose:
		s.stmtClose(arg)
		return nil
	case protocol.ComQuit:
		return errQuit
	case protocol.ComPing:
		return s.writeOK(protocol.OK{})
	case protocol.ComInitDB:
		s.diag.clear()
		return s.answer(s.okAfter(s.use(string(arg))))
	case protocol.ComFieldList:
		return s.answer(s.fieldList(arg))
	case protocol.ComStatistics:
		return s.statistics()
	case protocol.ComSetOption:
		return s.answer(s.setOption(arg))
	case protocol.ComResetConnection:
		return s.answer(s.resetConnection())
	case protocol.ComChangeUser:
		return s.changeUser(arg)
	case protocol.ComProcessKill:
		return s.answer(s.processKill(arg))
	default:
		if cmd.Served() {
			return s.answerError(protocol.NewError(erNotSupportedYet, "Lockstep does not support the command %s", cmd))
		}
		return s.answerError(protocol.NewError(erUnknownCommand, "Unknown command: %s", cmd))
	}
}

var errQuit = errors.New("client has quit")

// statistics answers COM_STATISTICS with one line of text, as a server does.
func (s *session) statistics() error {
	s.out = fmt.Appendf(s.out[:0], "Uptime: %d  Threads: %d  Sessions: %d", int(time.Since(s.p.started).Seconds()), s.p.sessions.count(), s.p.sessions.count())
	return s.client.WritePacket(s.out)
}

// setOption is COM_SET_OPTION: 0 allows several statements in a query, 1 forbids them. What follows
// the option is passed over, as a server does.
func (s *session) setOption(arg []byte) error {
	if len(arg) < 2 {
		return protocol.NewError(erMalformedPacket, "Malformed communication packet: COM_SET_OPTION takes two bytes")
	}
	switch option := binary.LittleEndian.Uint16(arg); option {
	case 0:
		s.client.SetCapabilities(s.client.Capabilities() | protocol.ClientMultiStatements)
	case 1:
		s.client.SetCapabilities(s.client.Capabilities() &^ protocol.ClientMultiStatements)
	default:
		return protocol.NewError(erUnknownCommand, "Unknown command: option %d", option)
	}
	return s.sent(s.writeEndOfRows(0, 0))
}

// resetConnection rolls back and forgets everything but who the client is and its database.
func (s *session) resetConnection() error {
	s.rollbackNow()
	database, foundRows := s.vars.database, s.vars.foundRows
	charset := s.loginCharset
	s.reset()
	s.vars.setLoginCharset(s.p, charset)
	s.vars.database, s.vars.foundRows = database, foundRows
	s.vars.changed()
	s.syncMode(s.p.defaultMode())
	return s.okAfter(nil)
}

// changeUser is COM_CHANGE_USER: a new login on the same connection.
func (s *session) changeUser(arg []byte) error {
	s.rollbackNow()
	login, err := s.p.auth.ChangeUser(s.client, arg, s.p.greeting(s.id))
	if err != nil {
		return s.notAuthenticated(err)
	}
	if err := s.enter(login); err != nil {
		return s.turnAway(err)
	}
	return s.writeOK(protocol.OK{})
}

// use is USE and COM_INIT_DB.
func (s *session) use(database string) error {
	if err := s.checkDatabase(database); err != nil {
		return err
	}
	s.vars.database = database
	s.vars.changed()
	s.syncEnv()
	s.show()
	s.trackSchema()
	return nil
}

// fieldList is COM_FIELD_LIST: the columns of a table that match a pattern, from the shard itself.
func (s *session) fieldList(arg []byte) error {
	if s.vars.database == "" {
		return protocol.NewError(erNoDB, "No database selected")
	}
	list, err := protocol.ParseFieldList(arg)
	if err != nil {
		return err
	}
	l, err := s.metadataLease(list.Table)
	if err != nil {
		return err
	}
	wire := l.conn.Wire()
	if err := errors.Join(wire.WriteCommand(protocol.ComFieldList, arg), wire.Flush()); err != nil {
		return s.lost(&l, err, false)
	}
	for {
		p, err := wire.ReadPacket()
		if err != nil {
			return &closeError{s.lost(&l, err, false)} // some columns may be with the client already
		}
		last := len(p) > 0 && (p[0] == 0xff || p[0] == 0xfe && len(p) < 9)
		if last && p[0] == 0xfe {
			err = s.writeEndOfRows(0, 0)
		} else {
			err = s.client.WritePacket(p)
		}
		if err != nil {
			_ = s.lost(&l, err, false)
			return &closeError{err}
		}
		if last {
			s.done(&l)
			return nil
		}
	}
}

// metadataLease is a connection outside any transaction to a shard that has the table.
func (s *session) metadataLease(table string) (lease, error) {
	shard := 0
	if t, ok := s.planner().Schema().Table(s.vars.database, table); ok && len(t.Rule.Shards) > 0 {
		shard = t.Rule.Shards[0]
	}
	return s.beside(shard, "")
}
