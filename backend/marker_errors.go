package backend

import (
	"errors"
	"fmt"
	"strings"

	"lockstep/protocol"
)

// MarkerTableError says that the table lockstep.branch is missing or may not be
// used, so that three-phase commits and client tokens are not available at this shard.
type MarkerTableError struct {
	Shard string
	Err   *protocol.ServerError // its code, with words for the client
}

func (e *MarkerTableError) Error() string { return e.Err.Message }
func (e *MarkerTableError) Unwrap() error { return e.Err }

// MarkerExistsError says that a committed row is there already: of the fence, of a branch
// that is committed, or of another transaction with the same token.
type MarkerExistsError struct{ Shard, GTRID string }

func (e *MarkerExistsError) Error() string {
	return fmt.Sprintf("shard %s: lockstep.branch has a committed row already that stands against one for %q", e.Shard, e.GTRID)
}

// MarkerLockedError says that a transaction which has not ended has a row there.
type MarkerLockedError struct{ Shard, GTRID string }

func (e *MarkerLockedError) Error() string {
	return fmt.Sprintf("shard %s: a transaction that has not ended has a row in lockstep.branch that stands against one for %q", e.Shard, e.GTRID)
}

// FencedError says that a branch cannot vote any more: somebody ended its transaction.
type FencedError struct{ Shard, GTRID string }

func (e *FencedError) Error() string {
	return fmt.Sprintf("shard %s: transaction %s was ended by another coordinator before this branch voted", e.Shard, e.GTRID)
}

func (e *FencedError) Unwrap() error {
	return &protocol.ServerError{Code: protocol.ErrXARBRollback, SQLState: "XA100",
		Message: "XA_RBROLLBACK: Transaction branch was rolled back: transaction " + e.GTRID + " was ended by another proxy"}
}

// TokenUsedError says that a client's token belongs to another transaction, or was
// declared aborted by a look-up of its outcome.
type TokenUsedError struct{ Shard, Token string }

func (e *TokenUsedError) Error() string {
	return fmt.Sprintf("shard %s: token %q was used by another transaction, or was looked up and declared aborted", e.Shard, e.Token)
}

func (e *TokenUsedError) Unwrap() error {
	return &protocol.ServerError{Code: protocol.ErrDupEntry, SQLState: "23000",
		Message: "lockstep_token: the token was used by another transaction already, or SHOW LOCKSTEP OUTCOME has declared it aborted; the transaction was rolled back"}
}

// TokenLengthError says that a client's token is too long.
type TokenLengthError struct{ Length int }

func (e *TokenLengthError) Error() string {
	return fmt.Sprintf("lockstep_token of %d bytes: at most %d", e.Length, maxMarkerText)
}

// ClientError is what a client is told: 1231 (42000).
func (e *TokenLengthError) ClientError() *protocol.ServerError {
	return &protocol.ServerError{Code: 1231, SQLState: "42000", Message: e.Error()}
}

// markerError gives the server's no to a statement on lockstep.branch its meaning.
func (s *Shard) markerError(m *Marker, err error) error {
	var se *protocol.ServerError
	if !errors.As(err, &se) || endsConnection(se.Code) {
		return err
	}
	switch se.Code {
	case protocol.ErrDupEntry:
		return &MarkerExistsError{s.o.Name, m.GTRID}
	case protocol.ErrLockWaitTimeout, protocol.ErrLockDeadlock,
		3572: // MySQL ER_LOCK_NOWAIT
		return &MarkerLockedError{s.o.Name, m.GTRID}
	}
	return s.markerTableError(err)
}

// markerTableError names the remedy where the table is missing or is not ours to use.
func (s *Shard) markerTableError(err error) error {
	var se *protocol.ServerError
	if !errors.As(err, &se) {
		return err
	}
	var why string
	switch se.Code {
	case protocol.ErrNoSuchTable, protocol.ErrBadDB:
		why = "does not exist"
	case 1142, 1143, protocol.ErrDBAccessDenied, protocol.ErrAccessDenied, 1227: // denied: table, column, database, privilege
		why = "may not be used by the shard's user"
	case protocol.ErrBadField, 1136: // no such column, wrong count
		why = "has another layout than this version's"
	case 1932, 1812: // MariaDB: not in the engine; its tablespace is missing
		why = "is damaged"
	default:
		return err
	}
	return &MarkerTableError{s.o.Name, &protocol.ServerError{Code: se.Code, SQLState: se.SQLState,
		Message: fmt.Sprintf("table lockstep.branch of shard '%s' %s: three-phase commits and lockstep_token need it; 'lockstep init' creates it and says which grants are missing (%s)", s.o.Name, why, se.Message)}}
}

// missingMarkerTable says whether nobody has made the table yet.
func missingMarkerTable(err error) bool {
	k := code(err)
	return k == protocol.ErrNoSuchTable || k == protocol.ErrBadDB
}

// ofToken says which of the two unique keys a 1062 is about. Only words hang on it.
func ofToken(m *Marker, err error) bool {
	var se *protocol.ServerError
	return m.Token != "" && errors.As(err, &se) && !strings.Contains(se.Message, "PRIMARY")
}
