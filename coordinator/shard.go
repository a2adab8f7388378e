package coordinator

import (
	"context"

	"lockstep/txlog"
)

// XID of a prepared branch as a shard lists it.
type XID struct {
	FormatID int64
	GTRID    string // raw bytes
	BQUAL    string
}

// setOf XIDs, to look them up.
func setOf(xids []XID) map[XID]bool {
	set := make(map[XID]bool, len(xids))
	for _, x := range xids {
		set[x] = true
	}
	return set
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
