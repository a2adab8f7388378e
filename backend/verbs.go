package backend

import (
	"errors"
	"sync/atomic"

	"lockstep/protocol"
)

// Verb is an XA statement, or a pair that travels in one write.
type Verb uint8

const (
	VerbNone           Verb = iota
	VerbStart               // XA START, with what is set up before and after it
	VerbPrepare             // XA END | XA PREPARE, or Vote: the marker row before them
	VerbCommit              // XA COMMIT of a prepared branch, on its own connection
	VerbCommitOnePhase      // XA END | XA COMMIT ONE PHASE, with the marker row before them or without
	VerbRollback            // XA END | XA ROLLBACK, or XA ROLLBACK of a prepared branch
	VerbRecover             // XA RECOVER
	VerbSettleCommit        // XA COMMIT from elsewhere, verified
	VerbSettleRollback      // XA ROLLBACK from elsewhere, verified
	verbCount
)

var verbNames = [verbCount]string{"", "XA START", "XA PREPARE", "XA COMMIT", "XA COMMIT ONE PHASE",
	"XA ROLLBACK", "XA RECOVER", "XA COMMIT (recovery)", "XA ROLLBACK (recovery)"}

func (v Verb) String() string {
	if v < verbCount {
		return verbNames[v]
	}
	return "unknown verb"
}

// VerbCount is how often a verb was used, by outcome.
type VerbCount struct{ OK, Refused, Retryable, Unknown uint64 }

// VerbStats are the counts of all verbs since the shard was made.
type VerbStats struct {
	Start, Prepare, Commit, CommitOnePhase, Rollback, Recover, SettleCommit, SettleRollback VerbCount
}

type verbCounters [verbCount][ClassUnknown + 1]atomic.Uint64

func (c *verbCounters) add(v Verb, k Class) { c[v][k].Add(1) }

func (c *verbCounters) of(v Verb) VerbCount {
	n := &c[v]
	return VerbCount{n[ClassNone].Load(), n[ClassDefinite].Load(), n[ClassRetryable].Load(), n[ClassUnknown].Load()}
}

// Verbs counts the XA verbs by outcome.
func (s *Shard) Verbs() VerbStats {
	return VerbStats{
		Start: s.verbs.of(VerbStart), Prepare: s.verbs.of(VerbPrepare), Commit: s.verbs.of(VerbCommit),
		CommitOnePhase: s.verbs.of(VerbCommitOnePhase), Rollback: s.verbs.of(VerbRollback), Recover: s.verbs.of(VerbRecover),
		SettleCommit: s.verbs.of(VerbSettleCommit), SettleRollback: s.verbs.of(VerbSettleRollback),
	}
}

// verdict counts a verb's end and dresses its error.
func (s *Shard) verdict(v Verb, x XID, err error) error {
	return s.verdictAs(v, x, classifyFor(v, err), err)
}

func (s *Shard) verdictAs(v Verb, x XID, k Class, err error) error {
	s.verbs.add(v, k)
	if err == nil {
		return nil
	}
	return &VerbError{Verb: v, Shard: s.o.Name, XID: x, Class: k, Err: err}
}

// code is the server's error code in err; 0 when err is no server error.
func code(err error) uint16 {
	var se *protocol.ServerError
	if errors.As(err, &se) {
		return se.Code
	}
	return 0
}
