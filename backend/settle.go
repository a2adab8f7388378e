package backend

import (
	"context"
	"errors"
	"fmt"

	"lockstep/protocol"
)

// GoneError says that the server neither knows nor lists the branch. That proves
// nothing by itself: somebody committed it, somebody rolled it back, or it never was prepared.
type GoneError struct {
	Shard string
	XID   XID
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("shard %s does not know the prepared branch %s: settled by somebody else, or never prepared", e.Shard, e.XID)
}

// ReadOnlyError says that the server is read-only: probably a replica, on which
// settling would break replication.
type ReadOnlyError struct{ Shard string }

func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("shard %s is read-only (a replica?): prepared branches are settled on primaries only", e.Shard)
}

// AttachedError says that a live session holds the branch: only that session can settle it.
type AttachedError struct {
	Shard string
	XID   XID
}

func (e *AttachedError) Error() string {
	return fmt.Sprintf("shard %s: branch %s is still held by a live session", e.Shard, e.XID)
}

// HiddenError says that InnoDB holds prepared transactions that XA RECOVER no longer
// lists: a commit that was sent too soon answered OK and did nothing. They come back
// to XA RECOVER when the server is restarted, and can be settled then; until then nothing that was settled at that
// time may be taken for settled: PreparedXIDs goes on listing it.
type HiddenError struct {
	Shard string
	Count int
}

func (e *HiddenError) Error() string {
	return fmt.Sprintf("shard %s: InnoDB holds %d prepared transactions that XA RECOVER does not list; restart the server to get them back", e.Shard, e.Count)
}

// SettleXID commits or rolls back a prepared branch that FreeXIDs has freed, and
// verifies that the server lists it no more. Nil: settled. Classify tells of errors: retryable for
// *ReadOnlyError, *AttachedError, *DownError, 1205 and 1317; *GoneError (unknown) for the resolver to judge.
func (s *Shard) SettleXID(ctx context.Context, x XID, commit bool) error {
	verb, sql := VerbSettleRollback, "XA ROLLBACK "
	if commit {
		verb, sql = VerbSettleCommit, "XA COMMIT "
	}
	if err := x.check(); err != nil {
		return s.verdictAs(verb, x, ClassDefinite, err)
	}
	sent := false
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		if err := c.checkPrimary(ctx); err != nil {
			return err
		}
		sent = true
		_, err := c.Exec(ctx, sql+x.SQL())
		return err
	})
	switch {
	case !sent && err != nil: // nothing happened, whatever the reason
		return s.verdictAs(verb, x, ClassRetryable, err)
	case err != nil && code(err) != protocol.ErrXAERNota && code(err) != protocol.ErrXARBRollback:
		return s.verdict(verb, x, err)
	}
	// OK; or 1402: a branch that wrote nothing and whose session ended, which
	// the server rolled back, and there was nothing to commit; or 1397.
	after, verr := s.verify(ctx)
	if verr != nil {
		return s.verdictAs(verb, x, ClassUnknown, fmt.Errorf("answered %s, but not verified: %w", answer(err), verr))
	}
	_, still := after.listed[x]
	switch {
	case still && code(err) == protocol.ErrXAERNota:
		return s.verdictAs(verb, x, ClassRetryable, &AttachedError{s.o.Name, x})
	case still:
		return s.verdictAs(verb, x, ClassRetryable, fmt.Errorf("answered %s, but XA RECOVER still lists the branch", answer(err)))
	case after.hidden > 0:
		s.doubt(x)
		return s.verdictAs(verb, x, ClassUnknown, &HiddenError{s.o.Name, after.hidden})
	case code(err) == protocol.ErrXAERNota:
		s.sure(x)
		s.disown(x)
		return s.verdictAs(verb, x, ClassUnknown, &GoneError{s.o.Name, x})
	}
	s.sure(x)
	s.disown(x)
	return s.verdict(verb, x, nil)
}

func answer(err error) string {
	if err == nil {
		return "OK"
	}
	return fmt.Sprint(code(err))
}

// checkPrimary refuses a server that does not take writes. MariaDB 12 answers
// with a word where others have 0 and 1.
func (c *Conn) checkPrimary(ctx context.Context) error {
	res, err := c.Query(ctx, "SELECT @@global.read_only", 1)
	if err != nil {
		return fmt.Errorf("asking whether the server is read-only: %w", err)
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 1 {
		return errors.New("asking whether the server is read-only: unexpected answer")
	}
	switch string(res.Rows[0][0]) {
	case "0", "OFF":
		return nil
	}
	return &ReadOnlyError{c.shard.o.Name}
}
