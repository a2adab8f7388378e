package backend

import (
	"context"
	"errors"
	"fmt"

	"lockstep/protocol"
)

// WriteMarker writes the marker row inside the active branch (m.Connection, m.Age and m.Committed
// are not used), in one round trip, and has the server end the session by itself when nothing more
// is heard for ParticipantTimeout. Nil: the branch is active and the row is in. Any error of the server is definite:
// *FencedError, *TokenUsedError, *MarkerTableError or its own; then the branch can only be rolled back, and Prepare and
// CommitOnePhase refuse it. Unknown when the connection was lost: nothing is prepared then either.
func (b *Branch) WriteMarker(ctx context.Context, m Marker) error { return b.SendMarker(ctx, m)() }

// SendMarker is the first half of WriteMarker.
func (b *Branch) SendMarker(ctx context.Context, m Marker) (receive func() error) {
	c, s := b.c, b.c.shard
	if err := b.ready(ctx, VerbCanCommit, branchActive); err != nil {
		return func() error { return err }
	}
	err := m.check()
	switch {
	case err != nil:
	case m.GTRID != b.xid.GTRID:
		err = fmt.Errorf("marker of transaction %q in a branch of %q", m.GTRID, b.xid.GTRID)
	case m.State != MarkerVoted && m.State != MarkerToken:
		err = fmt.Errorf("marker in state %v is not for a branch to write", m.State)
	}
	if err != nil {
		b.refused = true
		refusal := s.verdictAs(VerbCanCommit, b.xid, ClassDefinite, err)
		return func() error { return refusal }
	}
	s.own(b.xid, session{c.id, c.since})
	b.owned = true
	stop := c.Interrupt(ctx)
	limited, err := c.sendMarker(&m)
	return func() error {
		defer stop()
		if err == nil {
			err = c.readMarker(&m, limited)
		}
		if err == nil {
			return s.verdict(VerbCanCommit, b.xid, nil)
		}
		b.refused = true
		k := ClassDefinite
		if c.broken.Load() {
			k = ClassUnknown
		}
		return s.verdictAs(VerbCanCommit, b.xid, k, err)
	}
}

// sendMarker sends the row, in one write with the session's time limit where that is not set yet.
func (c *Conn) sendMarker(m *Marker) (limiting bool, err error) {
	limit := c.appendIdleLimit(nil)
	if limit != nil {
		if err := c.wire.WriteCommand(protocol.ComQuery, limit); err != nil {
			return true, c.fail("writing a marker", err)
		}
	}
	c.buf = m.appendInsert(c.buf[:0], c.shard.o.Name)
	err = c.wire.WriteCommand(protocol.ComQuery, c.buf)
	if err == nil {
		err = c.wire.Flush()
	}
	return limit != nil, c.fail("writing a marker", err)
}

// readMarker reads the answers to sendMarker.
func (c *Conn) readMarker(m *Marker, limiting bool) error {
	var limited error
	if limiting {
		if _, limited = c.readOK(); limited != nil {
			if limited = c.fail("limiting the session's idle time", limited); c.broken.Load() {
				return limited
			}
			c.dirty, c.state = true, nil // some assignments may have been made
		} else {
			c.idleLimited()
		}
	}
	_, err := c.readOK()
	if err != nil {
		if err = c.fail("writing a marker", err); c.broken.Load() {
			return err
		}
		switch {
		case code(err) == protocol.ErrDupEntry && ofToken(m, err):
			err = &TokenUsedError{c.shard.o.Name, m.Token}
		case code(err) == protocol.ErrDupEntry:
			err = &FencedError{c.shard.o.Name, m.GTRID}
		default:
			err = c.shard.markerTableError(err)
		}
	}
	if limited != nil {
		limited = fmt.Errorf("limiting the session's idle time: %w", limited)
	}
	return errors.Join(limited, err)
}
