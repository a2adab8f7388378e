package txlog

// Verdict of a transaction. Only commit decisions are forced (presumed abort);
// a Rollback is recorded only when an operator forces one.
type Verdict uint8

const (
	Commit Verdict = iota + 1
	Rollback
)

func (v Verdict) String() string {
	switch v {
	case Commit:
		return "commit"
	case Rollback:
		return "rollback"
	}
	return "no verdict"
}
