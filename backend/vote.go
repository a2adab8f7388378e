package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lockstep/protocol"
)

// Vote writes the marker row inside the active branch (m.Connection, m.Age and m.Committed are not used), and
// prepares the branch: INSERT, XA END, XA PREPARE in one request, of which the server runs none behind one that
// fails. Nil: the branch is prepared and its row is in. A definite error is a NO vote, and the branch has been rolled back
// here: *FencedError, *TokenUsedError, *MarkerTableError or the server's own. Unknown: the branch may be prepared, and
// is not without its row.
func (b *Branch) Vote(ctx context.Context, m Marker) error { return b.SendVote(ctx, m)() }

// SendVote is the first half of Vote.
func (b *Branch) SendVote(ctx context.Context, m Marker) (receive func() error) {
	if err := b.ready(ctx, VerbPrepare, branchActive); err != nil {
		return func() error { return err }
	}
	if err := b.mayMark(VerbPrepare, &m); err != nil {
		return func() error { return err }
	}
	if err := b.hung(ctx, VerbPrepare); err != nil {
		return func() error { return err }
	}
	b.own()
	b.state = branchUnknown
	stop := b.c.Interrupt(ctx)
	n, err := b.sendMarked(&m, "XA PREPARE ", "")
	return func() error {
		defer stop()
		done := 0
		if err == nil {
			done, err = b.readMarked(&m, "XA PREPARE ", n)
		}
		if err != nil && done < n-1 && !b.c.broken.Load() {
			return b.stopped(VerbPrepare, err)
		}
		return b.prepared(err)
	}
}

// CommitOnePhaseMarked is Vote with XA COMMIT ONE PHASE in the place of XA PREPARE: the branch is committed with its row.
// After a definite error it has been rolled back here; unknown: it may be committed.
func (b *Branch) CommitOnePhaseMarked(ctx context.Context, m Marker) error {
	if err := b.ready(ctx, VerbCommitOnePhase, branchActive); err != nil {
		return err
	}
	if err := b.mayMark(VerbCommitOnePhase, &m); err != nil {
		return err
	}
	if err := b.hung(ctx, VerbCommitOnePhase); err != nil {
		return err
	}
	b.own()
	defer b.c.Interrupt(ctx)()
	n, err := b.sendMarked(&m, "XA COMMIT ", " ONE PHASE")
	done := 0
	if err == nil {
		done, err = b.readMarked(&m, "XA COMMIT ", n)
	}
	retryable := done == n-1 && classifyFor(VerbCommitOnePhase, err) == ClassRetryable // but its row is in, and would not go in twice
	if err != nil && !b.c.broken.Load() && (done < n-1 || retryable) {
		return b.stopped(VerbCommitOnePhase, err)
	}
	if err = b.finish(VerbCommitOnePhase, branchActive, err); Classify(err) == ClassDefinite {
		b.abandon()
	}
	return err
}

// mayMark refuses a row that the branch cannot write. Then the branch can only be rolled back.
func (b *Branch) mayMark(v Verb, m *Marker) error {
	err := m.check()
	switch {
	case err != nil:
	case m.GTRID != b.xid.GTRID:
		err = fmt.Errorf("marker of transaction %q in a branch of %q", m.GTRID, b.xid.GTRID)
	case m.State != MarkerVoted && m.State != MarkerToken:
		err = fmt.Errorf("marker in state %v is not for a branch to write", m.State)
	default:
		return nil
	}
	b.refused = true
	return b.c.shard.verdictAs(v, b.xid, ClassDefinite, err)
}

// quietFor is how long a server may have been silent before it is asked whether it is there, in front of a vote.
const (
	quietFor    = time.Second
	pingTimeout = 5 * time.Second
)

// hung is a no where the server is not there any more: nothing is sent then, so nothing can be prepared. After sending, such
// a branch would be one whose vote is not known, and the others would have to wait for its shard to come back. A closed
// connection shows by itself. A machine that has vanished does not: where the client took its time since the server was last
// heard, a round trip finds out.
func (b *Branch) hung(ctx context.Context, v Verb) error {
	c := b.c
	err := errHungUp
	if c.peek.quiet() {
		if c.peek.heard() < quietFor {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		if err = c.ping(ctx); err == nil {
			return nil
		}
	}
	c.broken.Store(true)
	return c.shard.verdictAs(v, b.xid, ClassDefinite, &ConnError{Shard: c.shard.o.Name, ID: c.id, Op: v.String() + ": not sent", Err: err})
}

var errHungUp = errors.New("the server has closed the connection")

// ping is a round trip that changes nothing.
func (c *Conn) ping(ctx context.Context) error {
	defer c.Interrupt(ctx)()
	err := c.send(protocol.ComPing, "")
	if err == nil {
		_, err = c.readOK()
	}
	return c.fail("asking whether the server is there", err)
}

// stopped is for a verb that the server did not come to, or did not do: it will not be done, and the branch is rolled back.
func (b *Branch) stopped(v Verb, err error) error {
	verdict := b.c.shard.verdictAs(v, b.xid, ClassDefinite, err)
	b.state = branchActive
	b.abandon()
	return verdict
}

// sendMarked writes the request: where the client's variables would spoil the row a SET, the INSERT, XA END, and
// the verb. n is the number of statements.
func (b *Branch) sendMarked(m *Marker, verb, suffix string) (n int, err error) {
	c := b.c
	sql, n := c.buf[:0], 1+b.Ending()
	if sql = c.appendUnbending(sql); len(sql) > 0 {
		sql = append(sql, ';')
		n++
	}
	sql = m.appendInsert(sql, c.shard.o.Name)
	if b.plain {
		sql = append(append(sql, ';'), plainVerb(verb)...)
	} else {
		sql = append(append(sql, ";XA END "...), b.sql...)
		sql = append(append(append(append(sql, ';'), verb...), b.sql...), suffix...)
	}
	c.buf = sql
	return n, c.sendMulti(verb, sql)
}

// readMarked reads the answers, and gives an error of the SET or the INSERT its meaning.
func (b *Branch) readMarked(m *Marker, verb string, n int) (done int, err error) {
	c := b.c
	done, err = c.readMulti(verb, n)
	insert := n - 1 - b.Ending() // how many come before it
	if insert > 0 {
		switch {
		case done > 0:
			c.unbent()
		case !c.broken.Load():
			c.dirty, c.state = true, nil // some assignments may have been made
			return done, fmt.Errorf("setting variables for a marker: %w", err)
		}
	}
	if err != nil && done == insert && !c.broken.Load() {
		err = c.markerRefused(m, err)
	}
	return done, err
}

// markerRefused is the error of the INSERT of a branch's own row.
func (c *Conn) markerRefused(m *Marker, err error) error {
	switch {
	case code(err) != protocol.ErrDupEntry:
		return c.shard.markerTableError(err)
	case ofToken(m, err):
		return &TokenUsedError{c.shard.o.Name, m.Token}
	}
	return &FencedError{c.shard.o.Name, m.GTRID}
}

// own has the shard remember whose session the branch is on.
func (b *Branch) own() {
	b.c.shard.own(b.xid, session{b.c.id, b.c.since})
	b.owned = true
}
