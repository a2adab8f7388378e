// CONTRACT (temporary file): the txlog owner moves each into its own file.

package txlog

import (
	"context"
	"errors"
	"time"
)

var errContract = errors.New("not implemented")

// Verdict of a transaction. Only commit decisions are forced (presumed abort).
type Verdict uint8

const (
	Commit Verdict = iota + 1
	Rollback
)

// Decision is one record of the log.
type Decision struct {
	GTRID        string
	Verdict      Verdict
	Mode         string // "2pc" or "3pc"
	Participants []string
	Time         time.Time
	Token        string
}

// Identity is who a log belongs to.
type Identity struct {
	Cluster     string
	Coordinator string
}

// Options of a log.
type Options struct {
	Path     string
	Identity Identity
	Epoch    string // of this start; recorded durably before Open returns
	MaxBatch int    // decisions in one sync; 0 means 1024
	Queue    int    // decisions that may wait; past it Append answers ErrQueueFull
}

// Log is the decision log. Safe for concurrent use.
type Log struct{}

// Open takes the file's lock, checks format, identity and every checksum, and
// records the epoch. Errors: *LockedError, *CorruptError, *VersionError,
// *IdentityError, each naming the file and the reason.
func Open(o Options) (*Log, error) { return nil, errContract }

// OpenReadOnly opens for the offline CLI; it takes a shared lock.
func OpenReadOnly(path string) (*Log, error) { return nil, errContract }

// Append makes a decision durable: it returns nil only after the sync.
// A failure is one of two: errors.Is(err, ErrNotDurable): the decision is
// certainly not in the log and never will be (roll back); errors.Is(err,
// ErrUnknown): it may be (leave in doubt). After either the log is failed for good
// (fail-stop) and every later Append answers ErrNotDurable at once.
func (l *Log) Append(ctx context.Context, d Decision) error { return errContract }

// Forget removes the record of a finished transaction, some time later, in a batch.
func (l *Log) Forget(gtrid string) {}

func (l *Log) Lookup(gtrid string) (Decision, bool, error) { return Decision{}, false, errContract }
func (l *Log) Decisions(yield func(Decision) bool) error   { return errContract }      // all, in key order
func (l *Log) Epochs() ([]string, error)                   { return nil, errContract } // oldest first, this one last
func (l *Log) Audit(entry AuditEntry) error                { return errContract }      // synced
func (l *Log) AuditEntries() ([]AuditEntry, error)         { return nil, errContract }
func (l *Log) Failed() error                               { return nil } // why the log stopped, nil while it works
func (l *Log) Close() error                                { return errContract }

// AuditEntry is one forced verdict by an operator.
type AuditEntry struct {
	Time    time.Time
	GTRID   string
	Verdict Verdict
	Who     string
	Reason  string
}

var (
	ErrNotDurable = errors.New("decision is not in the log")
	ErrUnknown    = errors.New("decision may or may not be in the log")
	ErrQueueFull  = errors.New("decision queue is full")
)
