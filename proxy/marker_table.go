package proxy

import (
	"context"
	"errors"
	"sync"
	"time"

	"lockstep/backend"
	"lockstep/proxy/definition"
)

// markerTableTime is how long a start waits for the table of markers. A shard that
// takes longer gets it when it is reached.
const markerTableTime = time.Second

// makeMarkerTables sees to it, before clients come, that three-phase commits and tokens find their table on
// the shards that answer.
func (p *Proxy) makeMarkerTables(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, markerTableTime)
	defer cancel()
	var wait sync.WaitGroup
	for _, s := range p.shards {
		wait.Go(func() { p.makeMarkerTable(ctx, s) })
	}
	wait.Wait()
}

// makeMarkerTable makes the table of markers on one shard where it is missing and the user may. Without it
// the proxy works, but for three-phase commits and tokens: those say what is missing.
func (p *Proxy) makeMarkerTable(ctx context.Context, s *backend.Shard) {
	if err := s.LookAtOnePhase(ctx); err != nil {
		p.log.Debug("a shard was not asked what its one-phase commits are worth; until then they leave a marker", "shard", s.Name(), "err", err)
	}
	made, err := s.CreateMarkerTable(ctx)
	var replica *backend.ReadOnlyError
	switch {
	case made:
		p.log.Info("created table lockstep.branch", "shard", s.Name())
	case err == nil, p.ctx.Err() != nil:
	case errors.As(err, &replica), errors.As(err, new(*backend.DownError)), ctx.Err() != nil:
		p.log.Debug("table lockstep.branch could not be looked at", "shard", s.Name(), "err", err)
	default:
		p.log.Warn("three-phase commits and tokens are not available on a shard: its table is missing or cannot be used; lockstep init says what to do", "shard", s.Name(), "err", err)
	}
	if replica != nil || !s.Up() {
		return
	}
	if _, err := definition.MakeTables(ctx, s); err != nil && s.Up() && ctx.Err() == nil {
		p.log.Warn("changes of definitions leave no record on a shard: its table lockstep.ddl is missing or cannot be used; lockstep init says what to do", "shard", s.Name(), "err", err)
	}
}
