// CONTRACT (temporary file): the coordinator owner moves each into its own file.

package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"lockstep/txlog"
)

var errContract = errors.New("not implemented")

// FormatID is the formatID of all our XIDs ("LKSP").
const FormatID = 1280004944

// Result of one XA verb at one participant.
type Result uint8

const (
	Done    Result = iota + 1 // acknowledged
	Refused                   // a definite no: the verb did not and will not take effect
	Retry                     // definitely not done yet, the branch is unchanged (1205, 1317 to XA COMMIT)
	Unknown                   // no answer: it may have taken effect
)

// Reply is a verb's result with the cause of anything but Done.
type Reply struct {
	Result Result
	Err    error // the shard's own error where there is one
}

// Participant is the branch of a live transaction, driven over the server
// connection that holds it.
type Participant interface {
	Shard() string
	Prepare(ctx context.Context) Reply // XA END, XA PREPARE
	Commit(ctx context.Context) Reply  // XA COMMIT of a prepared branch
	Rollback(ctx context.Context) Reply
}

// Log is the part of the decision log that commit needs (txlog.Log satisfies it).
type Log interface {
	Append(ctx context.Context, d txlog.Decision) error
	Forget(gtrid string)
	Lookup(gtrid string) (txlog.Decision, bool, error)
	Epochs() ([]string, error)
}

// Clock is time, replaceable in tests.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// XID of a prepared branch as a shard lists it.
type XID struct {
	FormatID int64
	GTRID    string // raw bytes
	BQUAL    string
}

// Shard is a database server seen by the resolver. It settles branches whose
// owner is not this process's live transaction. Safe for concurrent use.
type Shard interface {
	Name() string
	// Prepared lists all prepared branches, strangers included.
	Prepared(ctx context.Context) ([]XID, error)
	// Free returns once no server session owns any of these branches any more and
	// settling them is safe (ends owners where it knows them; waits out the server's gate).
	Free(ctx context.Context, xids []XID) error
	// Settle commits or rolls back one free prepared branch and verifies it.
	Settle(ctx context.Context, xid XID, v txlog.Verdict) Reply
}

// Step is a named place of the commit where a test may stop the process.
type Step string

const (
	StepBeforePrepare   Step = "before-prepare" // k = 0
	StepPrepared        Step = "prepared"       // k participants prepared
	StepAllPrepared     Step = "all-prepared"
	StepDecisionWritten Step = "decision-written" // in the file, not synced (raised by txlog's hook)
	StepDecisionDurable Step = "decision-durable"
	StepCommitted       Step = "committed"     // k participants committed
	StepAllCommitted    Step = "all-committed" // not yet forgotten
)

// Options of a coordinator. Durations of zero take their defaults.
type Options struct {
	Cluster, ID, Epoch string
	Log                Log
	Shards             []Shard
	Clock              Clock // nil: the real one
	Logger             *slog.Logger
	PrepareTimeout     time.Duration       // a vote that takes longer is Unknown; default 10s
	CommitTimeout      time.Duration       // phase 2 at one participant, before it is handed to the resolver; default 10s
	ResolveInterval    time.Duration       // timer of the resolver; default 5s
	MaxParallel        int                 // branches settled at once per shard; default 32
	Hook               func(s Step, k int) // tests only; nil in production
}

// NewEpoch draws a random epoch, unique for each start.
func NewEpoch() string { return "" }

// Coordinator drives the commits of one proxy process and settles what is in doubt.
type Coordinator struct{}

func New(o Options) (*Coordinator, error) { return nil, errContract }

// Begin names a transaction and registers it as live: the resolver leaves it alone.
func (c *Coordinator) Begin() *Transaction { return nil }

// Transaction is a live distributed transaction.
type Transaction struct{}

func (t *Transaction) GTRID() string { return "" }

// Release ends a transaction that was never prepared anywhere (one phase, or rolled back before Commit).
func (t *Transaction) Release() {}

// CommitOptions of one transaction.
type CommitOptions struct {
	Mode  string // "2pc"
	Token string
}

// Outcome of a commit. Exactly one of the three verdicts.
type Outcome struct {
	Verdict Verdict
	Err     error    // RolledBack: the cause (the shard's own error where there is one); InDoubt: why
	Pending []string // shards whose branch is left to the resolver
}

type Verdict uint8

const (
	Committed Verdict = iota + 1
	RolledBack
	InDoubt // the log cannot tell whether the decision is durable
)

// Commit runs two-phase commit over the participants (two or more) and returns
// when the outcome is known and phase 2 has been tried everywhere. It releases the
// transaction. ctx bounds nothing after the decision: a decided transaction is finished.
func (t *Transaction) Commit(ctx context.Context, ps []Participant, o CommitOptions) Outcome {
	return Outcome{}
}

// Run is the resolver: recovery at start, then whenever ShardUp, a hand-over or the timer calls. Ends with ctx.
func (c *Coordinator) Run(ctx context.Context) error { return errContract }

// ShardUp tells the resolver that a shard can be reached (again).
func (c *Coordinator) ShardUp(name string) {}

// Ready says whether recovery after start is complete on all shards.
func (c *Coordinator) Ready() bool { return false }

// BranchState is what is known of one branch of an in-doubt transaction.
type BranchState struct {
	Shard string
	State string // "prepared", "not prepared", "unreachable"
}

// InDoubtTransaction is a transaction with prepared branches, as the operator sees it.
type InDoubtTransaction struct {
	GTRID    string
	Owner    string // "ours", "ours, older epoch", "other coordinator", "unknown epoch", "stranger"
	Live     bool   // being driven right now
	Decision string // "commit", "none", "unknown"
	Branches []BranchState
	Plan     string    // what the resolver will do: "commit", "roll back", "leave alone"
	Why      string    // the reason for Plan, or what blocks it
	Since    time.Time // first seen prepared by this process
}

// InDoubt lists all prepared transactions on all reachable shards, joined with the log.
func (c *Coordinator) InDoubt(ctx context.Context) ([]InDoubtTransaction, error) { return nil, errContract }

// Recover makes one pass of the resolver now and returns what it did, or would do.
func (c *Coordinator) Recover(ctx context.Context, dryRun bool) ([]Action, error) {
	return nil, errContract
}

// Action is one settled (or to be settled) branch.
type Action struct {
	GTRID, Shard string
	Verdict      txlog.Verdict
	Why          string
	Err          string // empty: done (or dry run)
}

// Settle is the operator's verdict on one transaction. Refused (*RefusedError, saying why) where
// it would break atomicity, unless force is set. The audit entry is the caller's duty.
func (c *Coordinator) Settle(ctx context.Context, gtrid string, v txlog.Verdict, force bool) ([]Action, error) {
	return nil, errContract
}

// RefusedError explains why a verb was not carried out.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }
