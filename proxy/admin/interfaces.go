package admin

import (
	"context"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// Proxy is what the server shows of the proxy. Safe for concurrent use.
type Proxy interface {
	Readiness() Readiness
	Status() Status
	Shards() []Shard
	Sessions() []Session
}

// Resolver finds and settles what is in doubt (coordinator.Coordinator does).
type Resolver interface {
	InDoubt(ctx context.Context) ([]coordinator.InDoubtTransaction, error)
	Recover(ctx context.Context, dryRun bool) ([]coordinator.Action, error)
	Settle(ctx context.Context, gtrid string, v txlog.Verdict, force bool) ([]coordinator.Action, error)
}

// Previewer is a Resolver that says what Settle would do, without doing it (coordinator.Coordinator does).
type Previewer interface {
	Preview(ctx context.Context, gtrid string, v txlog.Verdict, force bool) ([]coordinator.Action, error)
}

// Log is the decision log to read (txlog.Log).
type Log interface {
	Path() string
	Identity() txlog.Identity
	Failed() error
	Epochs() ([]string, error)
	Lookup(gtrid string) (txlog.Decision, bool, error)
	Decisions(yield func(txlog.Decision) bool) error
	AuditEntries() ([]txlog.AuditEntry, error)
	Ledger
}

// Ledger is what an operator writes to the log.
type Ledger interface {
	Audit(e txlog.AuditEntry) error
	Forget(gtrid string)
}

// Lister lists the prepared branches of one shard (coordinator.Shard).
type Lister interface {
	Name() string
	Prepared(ctx context.Context) ([]coordinator.XID, error)
}
