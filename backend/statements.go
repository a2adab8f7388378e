package backend

import (
	"container/list"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"lockstep/protocol"
)

// Prepared is a statement that is prepared on one connection. It is good until
// MaxStatements others have been prepared there.
type Prepared struct {
	ID      uint32
	Params  []protocol.Column
	Columns []protocol.Column
}

// statementCache holds a connection's prepared statements, least recently used first out.
type statementCache struct {
	context string // of preparedContext: the same text means something else elsewhere
	entries map[statementKey]*list.Element
	order   list.List // of *cachedStatement, most recently used in front
}

type statementKey struct{ context, sql string }

type cachedStatement struct {
	key  statementKey
	stmt *Prepared
}

func (s *statementCache) forget() {
	s.entries = nil
	s.order.Init()
}

// Prepare returns the statement's id on this connection, preparing it if it is not
// cached there. Errors as of Exec. Not between a branch's WriteOpen and ReadOpen:
// prepare first, then open and execute in one write.
func (c *Conn) Prepare(ctx context.Context, sql string) (*Prepared, error) {
	key := statementKey{c.statements.context, sql}
	if e, ok := c.statements.entries[key]; ok {
		c.statements.order.MoveToFront(e)
		return e.Value.(*cachedStatement).stmt, nil
	}
	if err := c.usable(ctx, "preparing a statement"); err != nil {
		return nil, err
	}
	defer c.Interrupt(ctx)()
	if err := c.closeStatements(c.shard.o.MaxStatements - 1); err != nil {
		return nil, err
	}
	p, err := c.prepare(sql)
	var se *protocol.ServerError
	if errors.As(err, &se) && se.Code == protocol.ErrMaxPreparedStmtCount && c.statements.order.Len() > 0 {
		// The server's total over all sessions is used up: give ours back, once.
		if err := c.closeStatements(0); err != nil {
			return nil, err
		}
		p, err = c.prepare(sql)
	}
	if err != nil {
		return nil, err
	}
	if c.statements.entries == nil {
		c.statements.entries = map[statementKey]*list.Element{}
	}
	c.statements.entries[key] = c.statements.order.PushFront(&cachedStatement{key, p})
	return p, nil
}

// closeStatements closes the least recently used until keep are left. COM_STMT_CLOSE
// has no answer, so it travels with whatever is sent next.
func (c *Conn) closeStatements(keep int) error {
	for c.statements.order.Len() > max(keep, 0) {
		e := c.statements.order.Back()
		s := e.Value.(*cachedStatement)
		var id [4]byte
		binary.LittleEndian.PutUint32(id[:], s.stmt.ID)
		if err := c.wire.WriteCommand(protocol.ComStmtClose, id[:]); err != nil {
			return c.fail("closing a prepared statement", err)
		}
		c.statements.order.Remove(e)
		delete(c.statements.entries, s.key)
	}
	return nil
}

func (c *Conn) prepare(sql string) (*Prepared, error) {
	if err := c.send(protocol.ComStmtPrepare, sql); err != nil {
		return nil, c.fail("preparing a statement", err)
	}
	payload, err := c.wire.ReadPacket()
	if err != nil {
		return nil, c.fail("preparing a statement", err)
	}
	if len(payload) > 0 && payload[0] == 0xff {
		e, err := protocol.ParseError(payload)
		if err != nil {
			return nil, c.fail("preparing a statement", err)
		}
		return nil, c.fail("preparing a statement", e)
	}
	ok, err := protocol.ParsePrepareOK(payload)
	if err != nil {
		return nil, c.fail("preparing a statement", err)
	}
	p := &Prepared{ID: ok.StatementID}
	if p.Params, err = c.readDefinitions(int(ok.Params)); err == nil {
		p.Columns, err = c.readDefinitions(int(ok.Columns))
	}
	if err != nil {
		return nil, c.fail("preparing a statement", err)
	}
	return p, nil
}

// readDefinitions reads n column definitions and the EOF behind them.
func (c *Conn) readDefinitions(n int) ([]protocol.Column, error) {
	if n == 0 {
		return nil, nil
	}
	cols := make([]protocol.Column, 0, n)
	for range n {
		payload, err := c.wire.ReadPacket()
		if err != nil {
			return nil, err
		}
		col, err := protocol.ParseColumn(payload)
		if err != nil {
			return nil, err
		}
		cols = append(cols, col)
	}
	payload, err := c.wire.ReadPacket()
	if err != nil {
		return nil, err
	}
	if len(payload) == 0 || len(payload) >= 9 || payload[0] != 0xfe {
		return nil, fmt.Errorf("no end of definitions after %d of them", n)
	}
	return cols, nil
}
