package sim

import (
	"context"
	"slices"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// view is a server as one life's resolver sees it. Each request has a connection of its own.
type view struct {
	l *life
	s *server
}

var (
	_ coordinator.Shard   = view{}
	_ coordinator.Markers = view{}
	_ coordinator.Purger  = view{}
	_ coordinator.Tokens  = view{}

	_ coordinator.Voter     = (*member)(nil)
	_ coordinator.Pipelined = pipelined{}
)

func (v view) Name() string { return v.s.name }

func (v view) ask(ctx context.Context, r *request) (result, error) {
	r.to = v.s
	res := v.l.call(ctx, r)
	switch {
	case res.unsent:
		return res, errUnsent
	case res.lost:
		return res, errLost
	}
	return res, res.err
}

// reply of a request that changes something.
func (v view) reply(ctx context.Context, r *request) coordinator.Reply {
	res, err := v.ask(ctx, r)
	switch {
	case res.unsent: // nothing was sent, and the same may succeed later
		return coordinator.Reply{Result: coordinator.Retry, Err: err}
	case err != nil:
		return coordinator.Reply{Result: coordinator.Unknown, Err: err}
	}
	return res.reply
}

func (v view) Prepared(ctx context.Context) ([]coordinator.XID, error) {
	res, err := v.ask(ctx, &request{verb: verbList})
	return res.xids, err
}

func (v view) Free(ctx context.Context, xids []coordinator.XID) error {
	_, err := v.ask(ctx, &request{verb: verbFree, xids: xids})
	return err
}

func (v view) Settle(ctx context.Context, x coordinator.XID, verdict txlog.Verdict) coordinator.Reply {
	return v.reply(ctx, &request{verb: verbSettle, xids: []coordinator.XID{x}, verdict: verdict})
}

func (v view) Markers(ctx context.Context, gtrids []string) ([]coordinator.Marker, error) {
	gtrids = slices.Sorted(slices.Values(gtrids)) // their order means nothing, and must not depend on a map's
	res, err := v.ask(ctx, &request{verb: verbMarkers, gtrids: gtrids})
	return res.markers, err
}

func (v view) Fence(ctx context.Context, m coordinator.Marker) coordinator.Reply {
	return v.reply(ctx, &request{verb: verbFence, gtrid: m.GTRID, marker: m})
}

func (v view) FenceAll(ctx context.Context, ms []coordinator.Marker) coordinator.Reply {
	return v.reply(ctx, &request{verb: verbFenceAll, rows: ms})
}

func (v view) EndOwner(ctx context.Context, m coordinator.Marker) error {
	_, err := v.ask(ctx, &request{verb: verbEndOwner, gtrid: m.GTRID, marker: m})
	return err
}

func (v view) OldMarkers(ctx context.Context, keep, keepToken time.Duration, limit int) ([]coordinator.Marker, error) {
	res, err := v.ask(ctx, &request{verb: verbOldMarkers, keep: [2]time.Duration{keep, keepToken}, limit: limit})
	return res.markers, err
}

func (v view) Absent(ctx context.Context, gtrids []string) ([]string, error) {
	res, err := v.ask(ctx, &request{verb: verbAbsent, gtrids: slices.Sorted(slices.Values(gtrids))})
	return res.gtrids, err
}

func (v view) Purge(ctx context.Context, gtrids []string) error {
	_, err := v.ask(ctx, &request{verb: verbPurge, gtrids: slices.Sorted(slices.Values(gtrids))})
	return err
}

func (v view) Token(ctx context.Context, token string) ([]coordinator.Marker, error) {
	res, err := v.ask(ctx, &request{verb: verbToken, token: token})
	return res.markers, err
}

func (v view) FenceToken(ctx context.Context, token string) coordinator.Reply {
	return v.reply(ctx, &request{verb: verbFenceToken, token: token, marker: coordinator.Marker{Coordinator: v.l.p.name}})
}
