package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"lockstep/eventloop"
	"lockstep/protocol"
)

// Conn is a server connection, owned by one session at a time. Only MarkBroken, Abort,
// PeerGone, ID and Shard may be called by others than the owner.
type Conn struct {
	shard     *Shard
	id        uint32
	flavor    Flavor
	foundRows bool
	side      bool // of the recovery set, not of the pool
	nc        net.Conn
	wire      *protocol.Conn
	event     *eventloop.Conn // nc, where it is one that a loop can own
	peek      *peek

	owned       atomic.Bool
	broken      atomic.Bool
	interrupted atomic.Bool // a context ended while the server may have been at work

	state      *State // what was last brought in line; nil: never
	db         string
	vars       []Variable
	dirty      bool // a refused SET: the session's variables are not known
	autocommit bool
	inTrans    bool // as of the last known status
	stale      bool // the wire was used since the last known status

	branch     *Branch // the one that is open here; nil when none, or ended
	statements statementCache
	since      time.Time // when it was opened
	idleSince  time.Time
	buf        []byte // command text on its way to the wire

	kept bool // Release leaves it with its owner; see Keep
}

// ID is the server's connection id, the one that KILL takes.
func (c *Conn) ID() uint32 { return c.id }

// Shard is the server that the connection goes to.
func (c *Conn) Shard() *Shard { return c.shard }

// Flavor is the server's family.
func (c *Conn) Flavor() Flavor { return c.flavor }

// Wire is the connection itself, for relaying: no CLIENT_DEPRECATE_EOF, no
// CLIENT_MULTI_STATEMENTS; CLIENT_MULTI_RESULTS and PS_MULTI_RESULTS on. The caller
// reads every answer whole, calls MarkBroken where it cannot, and hands the last
// answer's status to NoteStatus.
func (c *Conn) Wire() *protocol.Conn {
	c.stale = true
	return c.wire
}

// NoteStatus records the status flags of an answer that was read from Wire.
// Without it a connection with autocommit=0 and no branch is taken to have an open
// transaction, and is closed when released.
func (c *Conn) NoteStatus(s protocol.Status) {
	c.stale = false
	c.inTrans = s.Has(protocol.StatusInTrans)
}

// InTransaction says whether the last known status has a transaction open.
func (c *Conn) InTransaction() bool { return c.inTrans }

// MarkBroken makes Release close the connection.
func (c *Conn) MarkBroken() { c.broken.Store(true) }

// Broken says whether the connection is unusable.
func (c *Conn) Broken() bool { return c.broken.Load() }

// reusable says whether nothing is left on the connection that the next owner could meet.
func (c *Conn) reusable() bool {
	if c.broken.Load() || c.dirty || c.inTrans || c.branch != nil || c.wire.Buffered() > 0 || c.wire.Unflushed() > 0 {
		return false
	}
	return c.autocommit || !c.stale
}

// Release gives the connection back to the pool. It is closed instead when it is
// broken, when a branch or transaction is open on it, and when bytes wait unread.
func (c *Conn) Release() {
	if c.kept && c.owned.Load() && c.reusable() {
		c.idleSince = time.Now()
		return
	}
	if !c.owned.CompareAndSwap(true, false) {
		return
	}
	if c.reusable() && !c.kept {
		c.shard.put(c)
		return
	}
	c.drop()
}

// Discard closes the connection; the server undoes what was open, except a prepared branch.
func (c *Conn) Discard() {
	if c.owned.CompareAndSwap(true, false) {
		c.drop()
	}
}

// drop closes a connection that nobody owns any more and gives its place away.
func (c *Conn) drop() {
	_ = c.wire.Close() // nothing can be done about a failed close, and nothing depends on it
	if c.interrupted.Load() {
		// The server does not see the closed socket while a statement runs or waits
		// for a lock: without this its locks would stay.
		c.shard.killLater(session{c.id, c.since})
	}
	c.shard.removed(c)
}

// quit closes an idle connection politely, so that the server counts no aborted client.
func (c *Conn) quit() {
	_ = c.nc.SetDeadline(time.Now().Add(100 * time.Millisecond))
	// The connection goes away in either case.
	_ = c.wire.WriteCommand(protocol.ComQuit, nil)
	_ = c.wire.Flush()
	_ = c.wire.Close()
}

// fail turns an error of the wire into what callers see. A server's own error
// passes, unless it is the last thing the connection says.
func (c *Conn) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	var se *protocol.ServerError
	if errors.As(err, &se) && !endsConnection(se.Code) {
		return err
	}
	c.broken.Store(true)
	return &ConnError{Shard: c.shard.o.Name, ID: c.id, Op: op, Err: err}
}

// usable refuses a command that could not be answered.
func (c *Conn) usable(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("shard %s: %s: not sent: %w", c.shard.o.Name, op, err)
	}
	if c.broken.Load() {
		return &ConnError{Shard: c.shard.o.Name, ID: c.id, Op: op, Err: errBroken}
	}
	if c.branch != nil && c.branch.pending > 0 {
		return fmt.Errorf("shard %s: %s: the answers to the branch's opening have not been read", c.shard.o.Name, op)
	}
	return nil
}

var errBroken = errors.New("connection is broken")

// writeCommand buffers a command with a text argument.
func (c *Conn) writeCommand(cmd protocol.Command, arg string) error {
	c.buf = append(c.buf[:0], arg...)
	err := c.wire.WriteCommand(cmd, c.buf)
	if cap(c.buf) > 64<<10 {
		c.buf = nil // one big statement must not stay for the connection's life
	}
	return err
}

// readOK reads one answer that has no rows and records its status.
func (c *Conn) readOK() (protocol.OK, error) {
	ok, err := protocol.ReadOK(c.wire)
	if err == nil {
		c.NoteStatus(ok.Status)
	}
	return ok, err
}
