package coordinator

import (
	"context"
	"time"
)

// MarkerState says why a marker row was written.
type MarkerState uint8

const (
	MarkerVoted   MarkerState = iota + 1 // by a branch of a three-phase transaction, with its yes
	MarkerToken                          // by a branch that a log or its shard alone decides, for its client's token
	MarkerAborted                        // the fence: by somebody who ends the transaction
)

func (s MarkerState) String() string {
	switch s {
	case MarkerVoted:
		return "voted"
	case MarkerToken:
		return "token"
	case MarkerAborted:
		return "aborted"
	}
	return "invalid"
}

// Marker is a row of lockstep.branch, one for each branch (gtrid, shard) of a
// transaction that left one. The branch itself writes it, so that the row is committed
// with the branch, and can be read uncommitted as long as the branch is open or prepared.
type Marker struct {
	GTRID        string
	State        MarkerState
	Committed    bool     // false: only dirty reads see it; its transaction is open or prepared
	Participants []string // all shards of the transaction; empty in a fence made without knowing them
	Coordinator  string   // id of who wrote it
	Connection   uint64   // server's id of the session that wrote it
	Token        string   // of the client; empty: none
	Age          time.Duration
}

// Voter is a participant that can leave a marker with its vote.
type Voter interface {
	Participant
	// Vote writes the marker inside the active branch (m.Connection is the participant's to fill in), and then does
	// what Prepare does, in one request. The order is what the fence rests on: where the row cannot be written, the
	// branch is never prepared, and the reply is Refused. Unknown: it may be prepared, and then its row is in.
	Vote(ctx context.Context, m Marker) Reply
}

// Markers is a Shard that keeps markers.
type Markers interface {
	// Markers reads the rows of these transactions at this shard, those of open and prepared branches
	// too. A transaction without one is left out. No table: no rows, no error.
	Markers(ctx context.Context, gtrids []string) ([]Marker, error)
	// Fence commits a row in state aborted, by itself. Done: from now on no branch of m.GTRID can write its
	// own marker here. Refused: a committed row is there already. Retry: a transaction that is not
	// ended has a row there.
	Fence(ctx context.Context, m Marker) Reply
	// EndOwner ends the server session that wrote the marker, where it is still there,
	// and returns when it is gone. It never ends a session that began after the marker was written.
	EndOwner(ctx context.Context, m Marker) error
}

// Fencer is a Shard that takes many fences at once.
type Fencer interface {
	// FenceAll commits one row in state aborted for each, in one transaction. Done: all are in. With
	// any other reply none is, or it is not known.
	FenceAll(ctx context.Context, ms []Marker) Reply
}

// Purger is a Shard whose old markers can be deleted.
type Purger interface {
	// OldMarkers lists committed rows of this shard that are older than keep, those with a token older than
	// keepToken; at most limit, oldest first.
	OldMarkers(ctx context.Context, keep, keepToken time.Duration, limit int) ([]Marker, error)
	// Absent tells which of these transactions have no branch at this shard, neither prepared nor active. They will
	// have none: all branches of a transaction are open before the first votes.
	Absent(ctx context.Context, gtrids []string) ([]string, error)
	// Purge deletes the rows of these transactions at this shard.
	Purge(ctx context.Context, gtrids []string) error
}

// Renewer is a Shard where the time that markers are kept can begin anew.
type Renewer interface {
	// Renew lets it begin now for the committed rows of these transactions at this shard that are older than age.
	Renew(ctx context.Context, gtrids []string, age time.Duration) error
}

// Tokens is a Shard where a client's token can be looked up.
type Tokens interface {
	// Token reads the rows with this token, uncommitted ones too.
	Token(ctx context.Context, token string) ([]Marker, error)
	// FenceToken commits a row in state aborted that takes the token: Done: no transaction can write a marker
	// with this token here any more. Refused and Retry as of Fence.
	FenceToken(ctx context.Context, token string) Reply
}
