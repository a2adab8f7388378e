package txlog

import (
	"errors"
	"fmt"
)

var (
	// ErrNotDurable: the decision is certainly not in the log and never will be.
	ErrNotDurable = errors.New("decision is not in the log")
	// ErrUnknown: the decision may be in the log; the next start will tell.
	ErrUnknown = errors.New("decision may or may not be in the log")
	// ErrQueueFull: too many decisions wait for the log; this one was not taken.
	ErrQueueFull = errors.New("decision queue is full")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("decision log is closed")
	// ErrReadOnly: the log was opened with OpenReadOnly.
	ErrReadOnly = errors.New("decision log is open for reading only")
)

// LockedError says that another process has the log open.
type LockedError struct {
	Path   string
	Holder string // what is known of the holder, such as "process 4711"; empty: unknown
}

func (e *LockedError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("decision log %s is in use by another process", e.Path)
	}
	return fmt.Sprintf("decision log %s is in use by %s", e.Path, e.Holder)
}

// CorruptError says that the file is not a whole decision log. It is never
// read in part. Nothing was changed.
type CorruptError struct {
	Path   string
	Reason string
	Err    error // cause from the operating system, where there is one
}

func (e *CorruptError) Error() string {
	s := fmt.Sprintf("decision log %s is damaged: %s", e.Path, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *CorruptError) Unwrap() error { return e.Err }

// VersionError says that the log has a format that this program does not know.
type VersionError struct {
	Path   string
	Have   string
	Expect string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("decision log %s has format %s, this program reads %s", e.Path, e.Have, e.Expect)
}

// IdentityError says that the log belongs to another cluster or coordinator.
type IdentityError struct {
	Path   string
	Have   Identity
	Expect Identity
}

func (e *IdentityError) Error() string {
	return fmt.Sprintf("decision log %s belongs to cluster %q coordinator %q, not to cluster %q coordinator %q",
		e.Path, e.Have.Cluster, e.Have.Coordinator, e.Expect.Cluster, e.Expect.Coordinator)
}

// LimitError says that one decision or the whole log would grow past a limit.
// errors.Is(err, ErrNotDurable) holds, and the log goes on working.
type LimitError struct {
	Setting string // the field of Options
	What    string
	Limit   int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: more than %d (%s)", e.What, e.Limit, e.Setting)
}

func (e *LimitError) Is(target error) bool { return target == ErrNotDurable }

// ConflictError says that the log holds the opposite verdict, forced by an operator.
// It is neither ErrNotDurable nor ErrUnknown: the transaction is decided, the other way.
type ConflictError struct {
	GTRID string
	Have  Verdict
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("transaction %s is already decided: %s", e.GTRID, e.Have)
}
