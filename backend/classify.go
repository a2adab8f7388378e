package backend

import (
	"errors"
	"fmt"

	"lockstep/protocol"
)

// Class says what an error means for the verb that met it.
type Class uint8

const (
	ClassNone      Class = iota // nil error
	ClassDefinite               // the server said no; the verb had no effect
	ClassRetryable              // definite, and the same verb may succeed later (1205, 1317 on XA COMMIT; shard read_only)
	ClassUnknown                // connection lost or timed out in mid-verb
)

func (c Class) String() string {
	return [...]string{"none", "definite", "retryable", "unknown"}[c&3]
}

// VerbError is the failure of an XA verb, and what it means.
type VerbError struct {
	Verb  Verb
	Shard string
	XID   XID
	Class Class
	Err   error
}

func (e *VerbError) Error() string {
	return fmt.Sprintf("shard %s: %s %s: %v", e.Shard, e.Verb, e.XID, e.Err)
}
func (e *VerbError) Unwrap() error { return e.Err }

// Classify says what err means. An error of a verb knows its verb; any other
// server error is definite (1205, 1317 and a read-only server: retryable), unless it is the last
// thing the connection said; errors from before anything was sent are retryable; the rest is unknown.
func Classify(err error) Class {
	if err == nil {
		return ClassNone
	}
	var v *VerbError
	if errors.As(err, &v) {
		return v.Class
	}
	return classifyFor(VerbNone, err)
}

func classifyFor(v Verb, err error) Class {
	var (
		down   *DownError
		full   *QueueFullError
		late   *AcquireTimeoutError
		broken *ConnError
		se     *protocol.ServerError
	)
	switch {
	case err == nil:
		return ClassNone
	case errors.As(err, &broken): // before the server's words: they were its last
		return ClassUnknown
	case errors.As(err, &down), errors.As(err, &full), errors.As(err, &late), errors.Is(err, ErrClosed):
		return ClassRetryable
	case errors.As(err, &se):
		return classifyServer(v, se.Code)
	}
	return ClassUnknown
}

// classifyServer reads a server's no. For the verbs that commit, only codes that are
// known to leave the branch uncommitted are definite: an error from inside
// a commit (1180, 1401 "check your data for consistency" …) may have come after it took effect.
func classifyServer(v Verb, code uint16) Class {
	switch code {
	case protocol.ErrLockWaitTimeout, protocol.ErrQueryInterrupted,
		protocol.ErrOptionPreventsStatement, protocol.ErrReadOnlyMode:
		return ClassRetryable
	}
	switch v {
	case VerbCommit, VerbRollback, VerbSettleCommit, VerbSettleRollback:
		switch code {
		case protocol.ErrXAERNota: // proves nothing: done, or attached elsewhere
			return ClassUnknown
		case protocol.ErrXAERInval, protocol.ErrXAERRMFail, protocol.ErrXAEROutside, protocol.ErrParse,
			protocol.ErrXARBRollback, protocol.ErrXARBTimeout, protocol.ErrXARBDeadlock:
			return ClassDefinite
		}
		return ClassUnknown
	case VerbCommitOnePhase:
		switch code {
		case protocol.ErrXAERNota, protocol.ErrXAERInval, protocol.ErrXAERRMFail, protocol.ErrXAEROutside,
			protocol.ErrXARBRollback, protocol.ErrXARBTimeout, protocol.ErrXARBDeadlock, protocol.ErrLockDeadlock,
			protocol.ErrParse, protocol.ErrReadOnlyTransaction,
			3101: // MySQL ER_TRANSACTION_ROLLBACK_DURING_COMMIT
			return ClassDefinite
		}
		return ClassUnknown
	}
	return ClassDefinite
}

// EndsTransaction says whether a server error means that the branch is dead: only
// ROLLBACK may follow. rollbackOnTimeout is the server's innodb_rollback_on_timeout.
func EndsTransaction(e *protocol.ServerError, rollbackOnTimeout bool) bool {
	if e == nil {
		return false
	}
	switch e.Code {
	case protocol.ErrLockWaitTimeout:
		return rollbackOnTimeout
	case protocol.ErrLockDeadlock, protocol.ErrXARBRollback, protocol.ErrXARBTimeout, protocol.ErrXARBDeadlock,
		1020, // ER_CHECKREAD: MariaDB with innodb_snapshot_isolation rolls back the transaction
		1206, // ER_LOCK_TABLE_FULL: InnoDB rolls back the transaction
		3101: // MySQL ER_TRANSACTION_ROLLBACK_DURING_COMMIT
		return true
	}
	return endsConnection(e.Code)
}
