package backend

import (
	"context"
	"errors"
	"fmt"

	"lockstep/protocol"
)

// Prepare is XA END | XA PREPARE in one write. A definite error is a NO vote, and the
// branch has been rolled back here. Unknown: the branch may be prepared.
func (b *Branch) Prepare(ctx context.Context) error { return b.SendPrepare(ctx)() }

// SendPrepare is the first half of Prepare; receive, to be called once, is the other. Nothing may
// be done with the branch in between. The same goes for SendCommit and SendVote.
func (b *Branch) SendPrepare(ctx context.Context) (receive func() error) {
	if err := b.ready(ctx, VerbPrepare, branchActive); err != nil {
		return func() error { return err }
	}
	b.own()
	b.state = branchUnknown
	stop := b.c.Interrupt(ctx)
	err := b.sendPair("XA END ", "XA PREPARE ", "")
	return func() error {
		defer stop()
		if err == nil {
			err = b.readPair("XA END ", "XA PREPARE ")
		}
		return b.prepared(err)
	}
}

// prepared takes the answer to XA PREPARE.
func (b *Branch) prepared(err error) error {
	s := b.c.shard
	if err == nil {
		b.state = branchPrepared
		return s.verdict(VerbPrepare, b.xid, nil)
	}
	verdict := s.verdict(VerbPrepare, b.xid, err)
	if Classify(verdict) != ClassUnknown {
		b.state = branchActive
		b.abandon() // its own error would hide the vote's, and the disconnect does the same
	}
	return verdict
}

// Commit is XA COMMIT of a prepared branch. Retryable: it is still prepared. Any
// other error leaves it to recovery; the connection must not be used again.
func (b *Branch) Commit(ctx context.Context) error { return b.SendCommit(ctx)() }

// SendCommit is the first half of Commit.
func (b *Branch) SendCommit(ctx context.Context) (receive func() error) {
	if err := b.ready(ctx, VerbCommit, branchPrepared); err != nil {
		return func() error { return err }
	}
	stop := b.c.Interrupt(ctx)
	const verb = "XA COMMIT "
	err := b.c.fail(verb, b.c.send(protocol.ComQuery, verb+b.sql))
	return func() error {
		defer stop()
		if err == nil {
			_, err = b.c.readOK()
			err = b.c.fail(verb, err)
		}
		return b.finish(VerbCommit, branchPrepared, err)
	}
}

// CommitOnePhase is XA END | XA COMMIT ONE PHASE of an active branch, in one write.
// After a definite error the branch has been rolled back here; retryable: it is unchanged.
func (b *Branch) CommitOnePhase(ctx context.Context) error { return b.SendCommitOnePhase(ctx)() }

// SendCommitOnePhase is the first half of CommitOnePhase; Ending answers follow.
func (b *Branch) SendCommitOnePhase(ctx context.Context) (receive func() error) {
	if err := b.ready(ctx, VerbCommitOnePhase, branchActive); err != nil {
		return func() error { return err }
	}
	stop := b.c.Interrupt(ctx)
	err := b.sendEnd("XA COMMIT ", " ONE PHASE")
	return func() error {
		defer stop()
		if err == nil {
			err = b.readEnd("XA COMMIT ")
		}
		verdict := b.finish(VerbCommitOnePhase, branchActive, err)
		if Classify(verdict) == ClassDefinite {
			b.abandon()
		}
		return verdict
	}
}

// Rollback ends the branch from any state: XA END, whatever it answers, then XA
// ROLLBACK; where that cannot be, a branch that is not prepared is rolled back by closing
// its connection, and Rollback succeeds. It fails only for a branch that is, or may be, prepared.
func (b *Branch) Rollback(ctx context.Context) error {
	switch b.state {
	case branchEnded:
		return nil
	case branchNew:
		b.end()
		return nil
	case branchOpening, branchFailed:
		b.hangUp()
		b.c.shard.verbs.add(VerbRollback, ClassNone)
		return nil
	case branchActive:
		if b.c.usable(ctx, "rolling back") != nil {
			b.hangUp()
		} else {
			defer b.c.Interrupt(ctx)()
			b.abandon()
		}
		b.c.shard.verbs.add(VerbRollback, ClassNone)
		return nil
	case branchUnknown:
		err := &ConnError{Shard: b.c.shard.o.Name, ID: b.c.id, Op: "rolling back a branch that may be prepared", Err: errBroken}
		return b.c.shard.verdict(VerbRollback, b.xid, err)
	}
	if err := b.ready(ctx, VerbRollback, branchPrepared); err != nil {
		return err
	}
	defer b.c.Interrupt(ctx)()
	return b.finish(VerbRollback, branchPrepared, b.single("XA ROLLBACK "))
}

// ready refuses a verb that the branch's state does not allow, before anything is sent.
func (b *Branch) ready(ctx context.Context, v Verb, want branchState) error {
	s := b.c.shard
	if b.state != want {
		return s.verdictAs(v, b.xid, ClassUnknown, fmt.Errorf("branch is %s, not %s", b.state, want))
	}
	if b.plain && (v == VerbPrepare || v == VerbCommit) {
		return s.verdictAs(v, b.xid, ClassDefinite, errPlain)
	}
	if b.refused && v != VerbCommit && v != VerbRollback {
		return s.verdictAs(v, b.xid, ClassDefinite, errors.New("its marker could not be written: the branch can only be rolled back"))
	}
	if err := b.c.usable(ctx, v.String()); err != nil {
		k := ClassRetryable // nothing was sent
		switch {
		case v == VerbPrepare || v == VerbCommitOnePhase && b.c.broken.Load():
			k = ClassDefinite // and never will be; the disconnect rolls it back
		case b.c.broken.Load():
			k = ClassUnknown // prepared on a lost connection: recovery settles it
		}
		return s.verdictAs(v, b.xid, k, err)
	}
	return nil
}

// finish takes a finishing verb's error and moves the branch's state.
func (b *Branch) finish(v Verb, from branchState, err error) error {
	verdict := b.c.shard.verdict(v, b.xid, err)
	switch {
	case err == nil:
		b.end()
	case Classify(verdict) == ClassUnknown:
		b.state = branchUnknown
		b.c.broken.Store(true)
	default:
		b.state = from
	}
	return verdict
}

// end frees the connection.
func (b *Branch) end() {
	if b.owned {
		b.c.shard.disown(b.xid)
	}
	b.state = branchEnded
	if b.c.branch == b {
		b.c.branch = nil
	}
}

// abandon rolls an unprepared branch back: XA END and XA ROLLBACK (OK, or 1397:
// the server did it), else by closing the connection.
func (b *Branch) abandon() {
	err := b.sendEnd("XA ROLLBACK ", "")
	if err == nil {
		err = b.readEnd("XA ROLLBACK ")
	}
	if err != nil && (b.c.broken.Load() || code(err) != protocol.ErrXAERNota) {
		b.hangUp()
		return
	}
	b.c.inTrans, b.c.stale = false, false
	b.end()
}

// hangUp closes the connection under an unprepared branch; the server rolls it
// back. A statement that still runs there is ended too: the server would
// not see the closed socket before it is done.
func (b *Branch) hangUp() {
	b.c.broken.Store(true)
	_ = b.c.wire.Close() // nothing depends on it
	b.c.shard.killLater(session{b.c.id, b.c.since})
	b.end()
}

// single sends one verb and reads its answer.
func (b *Branch) single(verb string) error {
	if err := b.c.send(protocol.ComQuery, verb+b.sql); err != nil {
		return b.c.fail(verb, err)
	}
	_, err := b.c.readOK()
	return b.c.fail(verb, err)
}

// sendPair sends two verbs in one write. The second's answer counts: after a failed
// first it fails too, and the first alone (END of a branch that is IDLE already) may fail harmlessly.
// Where both fail, the first's error says why (1614, 1402 …).
func (b *Branch) sendPair(first, second, suffix string) error {
	c := b.c
	c.awaitTogether(okSize + 1)
	err := c.writeCommand(protocol.ComQuery, first+b.sql)
	if err == nil {
		err = c.send(protocol.ComQuery, second+b.sql+suffix)
	}
	return c.fail(second, err)
}

func (b *Branch) readPair(first, second string) error {
	c := b.c
	_, endErr := c.readOK()
	if endErr = c.fail(first, endErr); c.broken.Load() {
		return endErr
	}
	_, err := c.readOK()
	if err = c.fail(second, err); err == nil || c.broken.Load() {
		return err
	}
	if endErr != nil && code(err) == protocol.ErrXAERRMFail {
		return endErr
	}
	return err
}

// own remembers which server session a branch is, or will be, prepared on.
func (s *Shard) own(x XID, t session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.owners) < maxOwners {
		s.owners[x] = t // past the limit recovery goes by what the server shows
	}
}

func (s *Shard) disown(x XID) {
	s.mu.Lock()
	delete(s.owners, x)
	s.mu.Unlock()
}
