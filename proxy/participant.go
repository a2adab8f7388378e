package proxy

import (
	"context"
	"errors"
	"time"

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

func (p participant) Vote(ctx context.Context, m coordinator.Marker) coordinator.Reply {
	return reply(p.branch.Vote(ctx, backendMarker(m)))
}

var _ interface {
	coordinator.Voter
	coordinator.Pipelined
} = participant{}

// SendVote, SendPrepare and SendCommit are the first halves of these verbs.
func (p participant) SendVote(ctx context.Context, m coordinator.Marker) func() coordinator.Reply {
	return received(p.branch.SendVote(ctx, backendMarker(m)))
}
func (p participant) SendPrepare(ctx context.Context) func() coordinator.Reply {
	return received(p.branch.SendPrepare(ctx))
}
func (p participant) SendCommit(ctx context.Context) func() coordinator.Reply {
	return received(p.branch.SendCommit(ctx))
}

func received(receive func() error) func() coordinator.Reply {
	return func() coordinator.Reply { return reply(receive()) }
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

// backendMarker and coordinatorMarker turn the one package's row into the other's. Their states have the
// same numbers: those of the table.
func backendMarker(m coordinator.Marker) backend.Marker {
	return backend.Marker{
		GTRID: m.GTRID, State: backend.MarkerState(m.State), Committed: m.Committed, Participants: m.Participants,
		Coordinator: m.Coordinator, Connection: m.Connection, Token: m.Token, Age: m.Age,
	}
}

func coordinatorMarker(m backend.Marker) coordinator.Marker {
	return coordinator.Marker{
		GTRID: m.GTRID, State: coordinator.MarkerState(m.State), Committed: m.Committed, Participants: m.Participants,
		Coordinator: m.Coordinator, Connection: m.Connection, Token: m.Token, Age: m.Age,
	}
}

func coordinatorMarkers(list []backend.Marker, err error) ([]coordinator.Marker, error) {
	if err != nil {
		return nil, err
	}
	markers := make([]coordinator.Marker, len(list))
	for i, m := range list {
		markers[i] = coordinatorMarker(m)
	}
	return markers, nil
}

func (r resolverShard) Markers(ctx context.Context, gtrids []string) ([]coordinator.Marker, error) {
	return coordinatorMarkers(r.Shard.Markers(ctx, gtrids))
}

func (r resolverShard) Fence(ctx context.Context, m coordinator.Marker) coordinator.Reply {
	return fenceReply(r.InsertFence(ctx, backendMarker(m)))
}

func (r resolverShard) FenceAll(ctx context.Context, ms []coordinator.Marker) coordinator.Reply {
	rows := make([]backend.Marker, len(ms))
	for i, m := range ms {
		rows[i] = backendMarker(m)
	}
	return fenceReply(r.InsertFences(ctx, rows))
}

func (r resolverShard) EndOwner(ctx context.Context, m coordinator.Marker) error {
	return r.EndMarkerOwner(ctx, backendMarker(m))
}

func (r resolverShard) OldMarkers(ctx context.Context, keep, keepToken time.Duration, limit int) ([]coordinator.Marker, error) {
	return coordinatorMarkers(r.Shard.OldMarkers(ctx, keep, keepToken, limit))
}

func (r resolverShard) Absent(ctx context.Context, gtrids []string) ([]string, error) {
	return r.AbsentBranches(ctx, gtrids)
}

func (r resolverShard) Purge(ctx context.Context, gtrids []string) error {
	return r.PurgeMarkers(ctx, gtrids)
}

func (r resolverShard) Renew(ctx context.Context, gtrids []string, age time.Duration) error {
	return r.RenewMarkers(ctx, gtrids, age)
}

func (r resolverShard) Token(ctx context.Context, token string) ([]coordinator.Marker, error) {
	return coordinatorMarkers(r.TokenMarkers(ctx, token))
}

func (r resolverShard) FenceToken(ctx context.Context, token string) coordinator.Reply {
	return fenceReply(r.Shard.FenceToken(ctx, token, ""))
}

// fenceReply says what became of a fence. Refused means that a committed row stands there,
// and nothing else: no other error of the server does.
func fenceReply(err error) coordinator.Reply {
	var exists *backend.MarkerExistsError
	switch k := backend.Classify(err); {
	case err == nil:
		return coordinator.Reply{Result: coordinator.Done}
	case errors.As(err, &exists):
		return coordinator.Reply{Result: coordinator.Refused, Err: err}
	case k == backend.ClassUnknown && !errors.As(err, new(*backend.MarkerLockedError)) && !errors.As(err, new(*backend.ReadOnlyError)):
		return coordinator.Reply{Result: coordinator.Unknown, Err: err}
	default:
		return coordinator.Reply{Result: coordinator.Retry, Err: err}
	}
}

var (
	_ coordinator.Voter   = participant{}
	_ coordinator.Markers = resolverShard{}
	_ coordinator.Purger  = resolverShard{}
	_ coordinator.Renewer = resolverShard{}
	_ coordinator.Tokens  = resolverShard{}
)
