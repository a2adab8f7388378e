package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lockstep/protocol"
)

// SetState brings a held connection in line with want, its autocommit apart.
// *protocol.ServerError when the server refused a variable or the database: the
// connection can go on in its transaction, but is closed when released.
func (c *Conn) SetState(ctx context.Context, want *State) error {
	if want == nil {
		want = anyState
	}
	if want.FoundRows != c.foundRows {
		return fmt.Errorf("shard %s: CLIENT_FOUND_ROWS cannot change on an open connection", c.shard.o.Name)
	}
	return c.align(ctx, want, c.autocommit)
}

// fits grades how little must be sent to bring the connection in line: 3 nothing,
// 2 autocommit only, 1 variables or database.
func (c *Conn) fits(want *State, autocommit bool) int {
	grade := 3
	if c.autocommit != autocommit {
		grade = 2
	}
	if c.state != want && !c.inLine(want) {
		grade = 1
	}
	return grade
}

func (c *Conn) inLine(want *State) bool {
	return (want.Database == "" || want.Database == c.db) && slices.Equal(c.vars, want.Vars)
}

// align sends the difference between the connection's session state and want, if
// any: COM_INIT_DB and one SET, in one write.
func (c *Conn) align(ctx context.Context, want *State, autocommit bool) error {
	if c.autocommit == autocommit && !c.dirty && (c.state == want || c.inLine(want)) {
		c.adopt(want)
		return nil
	}
	if err := c.usable(ctx, "setting the session state"); err != nil {
		return err
	}
	if c.dirty {
		return fmt.Errorf("shard %s: the session's variables are unknown after a refused SET", c.shard.o.Name)
	}
	defer c.Interrupt(ctx)()
	initDB := want.Database != "" && want.Database != c.db
	if initDB {
		if err := c.writeCommand(protocol.ComInitDB, want.Database); err != nil {
			return c.fail("setting the session state", err)
		}
	}
	set := append(c.buf[:0], "SET "...)
	empty := len(set)
	if c.autocommit != autocommit {
		set = append(set, "autocommit="...)
		set = append(set, map[bool]byte{true: '1', false: '0'}[autocommit])
	}
	if at := len(set); at > empty {
		set = append(set, ", "...)
		if set = appendVarsDiff(set, c.vars, want.Vars, c.flavor); len(set) == at+2 {
			set = set[:at]
		}
	} else {
		set = appendVarsDiff(set, c.vars, want.Vars, c.flavor)
	}
	c.buf = set
	hasSet := len(set) > empty
	if hasSet {
		if err := c.wire.WriteCommand(protocol.ComQuery, set); err != nil {
			return c.fail("setting the session state", err)
		}
	}
	if err := c.wire.Flush(); err != nil {
		return c.fail("setting the session state", err)
	}
	var refused error
	if initDB {
		if _, err := c.readOK(); err != nil {
			if refused = c.fail("choosing the database", err); c.broken.Load() {
				return refused
			}
		} else {
			c.db = want.Database
		}
	}
	if hasSet {
		if _, err := c.readOK(); err != nil {
			// Some assignments may have been made.
			c.dirty = true
			c.state = nil
			return c.fail("setting session variables", err)
		}
		c.vars, c.autocommit = want.Vars, autocommit
	}
	if refused != nil {
		c.state = nil
		c.statements.context = preparedContext(c.db, c.vars)
		return refused
	}
	c.adopt(want)
	return nil
}

// adopt notes that the session state equals want.
func (c *Conn) adopt(want *State) {
	if c.state != want {
		c.state = want
		c.statements.context = preparedContext(c.db, c.vars)
	}
}

// LeaveDatabase notes that the connection may have no database any more: a server takes it away
// from the session that drops it. The next use chooses one again.
func (c *Conn) LeaveDatabase() {
	c.db, c.state = "", nil
	c.statements.context = preparedContext("", c.vars)
}

// Reset brings the session back to what it was after login: temporary tables,
// user variables, locks and prepared statements are gone, an open transaction is
// rolled back. Refused while a branch is open: on MariaDB it would corrupt a prepared one.
func (c *Conn) Reset(ctx context.Context) error {
	if c.branch != nil {
		return fmt.Errorf("shard %s: resetting a connection with an open branch is refused", c.shard.o.Name)
	}
	if err := c.usable(ctx, "resetting the session"); err != nil {
		return err
	}
	defer c.Interrupt(ctx)()
	// The character set after a reset is the server's business: say it again.
	err := c.writeCommand(protocol.ComResetConnection, "")
	if err == nil {
		err = c.send(protocol.ComQuery, "SET NAMES utf8mb4 COLLATE "+handshakeCollation)
	}
	if err != nil {
		return c.fail("resetting the session", err)
	}
	ok, err := c.readOK()
	_, err2 := c.readOK()
	if err = errors.Join(err, err2); err != nil {
		c.broken.Store(true)
		return &ConnError{Shard: c.shard.o.Name, ID: c.id, Op: "resetting the session", Err: err}
	}
	c.dirty, c.vars, c.state = false, nil, nil
	c.autocommit = ok.Status.Has(protocol.StatusAutocommit)
	c.statements.forget()
	c.statements.context = preparedContext(c.db, nil)
	return nil
}
