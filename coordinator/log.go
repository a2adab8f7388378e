package coordinator

import (
	"context"

	"lockstep/txlog"
)

// Log is the part of the decision log that commit needs (txlog.Log satisfies it).
type Log interface {
	Append(ctx context.Context, d txlog.Decision) error
	Forget(gtrid string)
	Lookup(gtrid string) (txlog.Decision, bool, error)
	Epochs() ([]string, error)
}

// expecter is a Log that gathers decisions which are on their way into one sync (txlog.Log does).
type expecter interface {
	Expect() // an append is about to come; each is followed by one of the others
	AppendExpected(ctx context.Context, d txlog.Decision) error
	Unexpect()
}

// decisionLister is a Log that can name all its decisions (txlog.Log can). With it the
// resolver forgets decisions of earlier starts once all their branches are settled;
// without it they stay in the log.
type decisionLister interface {
	Decisions(yield func(txlog.Decision) bool) error
}
