package coordinator

import "context"

// Result of one XA verb at one participant.
type Result uint8

const (
	Done    Result = iota + 1 // acknowledged
	Refused                   // a definite no: the verb did not and will not take effect
	Retry                     // definitely not done yet, the branch is unchanged (1205, 1317 to XA COMMIT)
	Unknown                   // no answer: it may have taken effect
)

func (r Result) String() string {
	switch r {
	case Done:
		return "done"
	case Refused:
		return "refused"
	case Retry:
		return "retry"
	case Unknown:
		return "unknown"
	}
	return "invalid"
}

// Reply is a verb's result with the cause of anything but Done.
type Reply struct {
	Result Result
	Err    error // the shard's own error where there is one
}

// Participant is the branch of a live transaction, driven over the server
// connection that holds it. One verb at a time is called on it. A verb should
// return soon after its ctx ends; one that does not for a second is given up as Unknown.
type Participant interface {
	Shard() string
	Prepare(ctx context.Context) Reply // XA END, XA PREPARE
	Commit(ctx context.Context) Reply  // XA COMMIT of a prepared branch
	Rollback(ctx context.Context) Reply
}
