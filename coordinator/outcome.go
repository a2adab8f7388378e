package coordinator

import "fmt"

// Outcome of a commit. Exactly one of the three verdicts.
type Outcome struct {
	Verdict Verdict
	Err     error    // RolledBack: the cause (the shard's own error where there is one); InDoubt: why
	Pending []string // shards whose branch is left to the resolver
}

// Verdict of a commit.
type Verdict uint8

const (
	Committed Verdict = iota + 1
	RolledBack
	InDoubt // the log cannot tell whether the decision is durable
)

func (v Verdict) String() string {
	switch v {
	case Committed:
		return "committed"
	case RolledBack:
		return "rolled back"
	case InDoubt:
		return "in doubt"
	}
	return "none"
}

// RefusedError explains why a verb was not carried out.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// AssertionError says that the protocol met an event that cannot be. The
// transaction is held as it is: nothing of it is settled by this process.
type AssertionError struct {
	State string
	Event string
}

func (e *AssertionError) Error() string {
	return fmt.Sprintf("commit protocol broken: event %q in state %q", e.Event, e.State)
}
