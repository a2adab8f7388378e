package proxy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/proxy/definition"
	"lockstep/sharding"
)

// definitions is what this proxy knows of changes to definitions, its own and those of other proxies.
type definitions struct {
	mu      sync.Mutex
	held    map[string]chan struct{} // databases that a session of ours changes definitions in; closed when it is done
	number  atomic.Uint64            // of the last statement, for its id
	running atomic.Int64
	failed  atomic.Uint64 // statements that were done on some of their shards
	differ  atomic.Int64  // things that were not the same on all shards when the catalog was read last
}

// take holds the databases among our own sessions, in the order given.
func (d *definitions) take(ctx context.Context, databases []string, wait time.Duration) (release func(), err error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var had []string
	release = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, database := range had {
			close(d.held[database])
			delete(d.held, database)
		}
	}
	for _, database := range databases {
		for {
			d.mu.Lock()
			busy := d.held[database]
			if busy == nil {
				if d.held == nil {
					d.held = map[string]chan struct{}{}
				}
				d.held[database] = make(chan struct{})
				had = append(had, database)
			}
			d.mu.Unlock()
			if busy == nil {
				break
			}
			select {
			case <-busy:
			case <-timer.C:
				release()
				return nil, &definition.BusyError{Database: database, Waited: wait, Err: errors.New("a session of this proxy has not finished its own")}
			case <-ctx.Done():
				release()
				return nil, fmt.Errorf("wait for another definition in database %s: %w", database, context.Cause(ctx))
			}
		}
	}
	return release, nil
}

// definitionHome is the shard whose locks and version all proxies go by, with connections of its own.
func (p *Proxy) definitionHome() *backend.Shard { return p.idShards[p.sequenceHome()] }

// lockDefinitions takes databases for one statement that changes definitions in them, among all proxies.
func (p *Proxy) lockDefinitions(ctx context.Context, databases []string) (release func(), err error) {
	wait := p.cfg.Timeouts.Definition
	local, err := p.definitions.take(ctx, databases, wait)
	if err != nil {
		return nil, busyError(err)
	}
	remote, err := definition.Lock(ctx, p.definitionHome(), p.cfg.Cluster, databases, wait)
	if err != nil {
		local()
		return nil, busyError(err)
	}
	return func() {
		remote()
		local()
	}, nil
}

// untilStopped ends a context when the running statement is asked to end, as by KILL QUERY, while no server works for it.
func (s *session) untilStopped() (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	finished := make(chan struct{})
	go func() {
		tick := time.NewTicker(stopPause)
		defer tick.Stop()
		for {
			select {
			case <-finished:
				return
			case <-tick.C:
			}
			if err := s.stopped(); err != nil {
				cancel(err)
				return
			}
		}
	}()
	return ctx, func() {
		close(finished)
		cancel(nil)
	}
}

// stopPause is how often somebody who waits for a lock looks whether he shall go on.
const stopPause = 50 * time.Millisecond

func busyError(err error) error {
	var busy *definition.BusyError
	if errors.As(err, &busy) {
		return protocol.NewError(erLockWaitTimeout, "Lock wait timeout exceeded; try restarting transaction (%v; SHOW LOCKSTEP DDL tells of it)", busy)
	}
	return err
}

// names maps databases for package definition.
func (p *Proxy) names() definition.Names {
	if !p.mapped() {
		return definition.Names{}
	}
	return definition.Names{Physical: p.physicalByName, Logical: p.logicalByName}
}

// definitionsChanged tells the other proxies. They find out later, by a table that they do not know, where it fails.
func (p *Proxy) definitionsChanged() {
	ctx, cancel := context.WithTimeout(p.ctx, definitionTime)
	defer cancel()
	if err := definition.Bump(ctx, p.definitionHome()); err != nil {
		p.log.Warn("other proxies were not told that definitions have changed", "err", err)
	}
}

// definitionTime bounds what is written down about one statement.
const definitionTime = 10 * time.Second

// refreshCatalog reads the catalog again if a proxy has changed definitions since it was read.
func (p *Proxy) refreshCatalog(ctx context.Context) (changed bool, err error) {
	version, ok, err := definition.Version(ctx, p.definitionHome())
	if err != nil {
		return false, err
	}
	if ok && p.catalog.loaded() && p.catalog.isVersion(version) {
		return false, nil
	}
	return true, p.reload(ctx)
}

// watchDefinitions notices what other proxies define.
func (p *Proxy) watchDefinitions() {
	tick := time.NewTicker(p.cfg.Timeouts.Catalog)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
		if !p.definitionHome().Up() {
			continue
		}
		ctx, cancel := context.WithTimeout(p.ctx, definitionTime)
		version, ok, err := definition.Version(ctx, p.definitionHome())
		if err == nil && ok && !p.catalog.isVersion(version) {
			err = p.reload(ctx)
		}
		cancel()
		if err != nil && p.ctx.Err() == nil {
			p.log.Debug("whether definitions have changed is not known", "err", err)
		}
	}
}

// withTables is a statement under a catalog that has its tables. One that the catalog does not know may have been made
// through another proxy since, and its rows are not all on the shard that would say that it does not exist.
func (s *session) withTables(st *sharding.Statement, rq *request) (*sharding.Statement, error) {
	if !st.Unknown {
		return st, nil
	}
	begin, version := time.Now(), s.planner().Schema().Version()
	switch changed, err := s.p.refreshCatalog(s.ctx); {
	case err != nil:
		err = s.p.reloadSince(s.ctx, begin) // without the shard that knows the version
		if err != nil {
			return nil, err
		}
	case !changed && st.Opaque: // most of these use tables that are known
	case !changed:
		if err := s.p.reloadSince(s.ctx, begin.Add(-staleAfter)); err != nil {
			return nil, err
		}
	}
	if s.planner().Schema().Version() == version {
		return st, nil
	}
	return s.parseAgain(rq)
}
