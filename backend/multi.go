package backend

import (
	"errors"

	"lockstep/protocol"
)

// A request of several statements: the server runs one after the other, and stops at the first that fails. Statements
// that are written one by one, in one write, are not so: the server goes on behind one that failed.
//
// Connections are dialed without CLIENT_MULTI_STATEMENTS, so that a client's text, which goes to the server as it is, can
// never become two statements. It is switched on in front of such a request and off behind it, in the same write:
//
//	COM_SET_OPTION on │ COM_QUERY a; b; c │ COM_SET_OPTION off
//
// Where it cannot be switched on, the text is refused as a whole.

// sendMulti writes the request.
func (c *Conn) sendMulti(op string, sql []byte) error {
	c.awaitTogether(eofSize + errSize + eofSize)
	err := protocol.WriteMultiStatements(c.wire, true)
	if err == nil {
		err = c.wire.WriteCommand(protocol.ComQuery, sql)
	}
	if err == nil {
		err = protocol.WriteMultiStatements(c.wire, false)
	}
	if err == nil {
		err = c.wire.Flush()
	}
	return c.fail(op, err)
}

// readMulti reads the answers of n statements without rows: done is how many succeeded, and err the error
// of the one behind them, or of the connection. A connection that is lost after the last answer shows in c.broken only.
func (c *Conn) readMulti(op string, n int) (done int, err error) {
	refused := c.switched(op)
	if c.broken.Load() {
		return 0, refused
	}
	for done < n {
		ok, err := c.readOK()
		if err == nil && ok.Status.Has(protocol.StatusMoreResultsExists) != (done < n-1) {
			err = errMultiAnswers
		}
		if err != nil {
			if err = c.fail(op, err); c.broken.Load() {
				return done, err
			}
			_ = c.switched(op) // the statement's error says it all
			if refused != nil {
				err = errors.Join(refused, err)
			}
			return done, err
		}
		done++
	}
	_ = c.switched(op) // done is done
	return done, nil
}

var errMultiAnswers = errors.New("the server answered another number of statements than it was sent")

// switched reads the answer to COM_SET_OPTION. A connection where it was refused has no next owner.
func (c *Conn) switched(op string) error {
	err := c.fail(op, protocol.ReadEOF(c.wire))
	if err != nil && !c.broken.Load() {
		c.dirty, c.state = true, nil
	}
	return err
}
