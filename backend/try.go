package backend

import (
	"context"
	"encoding/binary"

	"lockstep/protocol"
)

// Try has the server read a statement as it does before it runs one: names that are not there, and what servers do not allow,
// are its refusal. Nothing is run, and nothing of it stays prepared.
func (c *Conn) Try(ctx context.Context, sql string) error {
	if err := c.usable(ctx, "preparing a statement"); err != nil {
		return err
	}
	defer c.Interrupt(ctx)()
	p, err := c.prepare(sql)
	if err != nil {
		return err
	}
	var id [4]byte
	binary.LittleEndian.PutUint32(id[:], p.ID)
	err = c.wire.WriteCommand(protocol.ComStmtClose, id[:]) // it has no answer
	if err == nil {
		err = c.wire.Flush() // what is not sent would have the connection closed when it is given back
	}
	return c.fail("closing a prepared statement", err)
}
