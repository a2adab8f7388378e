package proxy

import (
	"context"
	"errors"

	"lockstep/backend"
	"lockstep/coordinator"
	"lockstep/txlog"
)

func (p participant) Shard() string { return p.shard }

func (p participant) Prepare(ctx context.Context) coordinator.Reply {
	return reply(p.branch.Prepare(ctx))
}
func (p participant) Commit(ctx context.Context) coordinator.Reply {
	return reply(p.branch.Commit(ctx))
}
func (p participant) Rollback(ctx context.Context) coordinator.Reply {
	return reply(p.branch.Rollback(ctx))
}

// reply says what an error means to the coordinator.
func reply(err error) coordinator.Reply {
	switch backend.Classify(err) {
	case backend.ClassNone:
		return coordinator.Reply{Result: coordinator.Done}
	case backend.ClassDefinite:
		return coordinator.Reply{Result: coordinator.Refused, Err: err}
	case backend.ClassRetryable:
		return coordinator.Reply{Result: coordinator.Retry, Err: err}
	default:
		return coordinator.Reply{Result: coordinator.Unknown, Err: err}
	}
}

// resolverShard is a shard as the resolver sees it.
type resolverShard struct{ *backend.Shard }

// resolverShards adapts the shards for the coordinator.
func resolverShards(shards []*backend.Shard) []coordinator.Shard {
	list := make([]coordinator.Shard, len(shards))
	for i, s := range shards {
		list[i] = resolverShard{s}
	}
	return list
}

func (r resolverShard) Prepared(ctx context.Context) ([]coordinator.XID, error) {
	xids, err := r.PreparedXIDs(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]coordinator.XID, len(xids))
	for i, x := range xids {
		list[i] = coordinator.XID(x)
	}
	return list, nil
}

func (r resolverShard) Free(ctx context.Context, xids []coordinator.XID) error {
	list := make([]backend.XID, len(xids))
	for i, x := range xids {
		list[i] = backend.XID(x)
	}
	return r.FreeXIDs(ctx, list)
}

func (r resolverShard) Settle(ctx context.Context, x coordinator.XID, v txlog.Verdict) coordinator.Reply {
	err := r.SettleXID(ctx, backend.XID(x), v == txlog.Commit)
	if gone := new(backend.GoneError); errors.As(err, &gone) {
		// Somebody else settled it, or the server answered without saying what it did: the resolver looks again.
		return coordinator.Reply{Result: coordinator.Unknown, Err: err}
	}
	return reply(err)
}
