package proxy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lockstep/proxy/catalog"
	"lockstep/sharding"
)

// catalogState is what was read of the shards' tables, and when.
type catalogState struct {
	mu        sync.Mutex // one reader at a time
	state     sync.RWMutex
	read      time.Time
	databases map[string]bool
}

func (c *catalogState) loaded() bool {
	c.state.RLock()
	defer c.state.RUnlock()
	return !c.read.IsZero()
}

func (c *catalogState) hasDatabase(name string) bool {
	c.state.RLock()
	defer c.state.RUnlock()
	return c.databases[name]
}

func (c *catalogState) readSince(t time.Time) bool {
	c.state.RLock()
	defer c.state.RUnlock()
	return c.read.After(t)
}

// staleAfter is how old the catalog must be before a statement on an unknown
// table has it read again: another proxy, or a person on a shard, may have made the table.
const staleAfter = time.Second

// reload reads the catalog and hands the planner a new schema.
func (p *Proxy) reload(ctx context.Context) error {
	return p.reloadSince(ctx, time.Now())
}

// reloadSince is reload unless the catalog was read after t.
func (p *Proxy) reloadSince(ctx context.Context, t time.Time) error {
	p.catalog.mu.Lock()
	defer p.catalog.mu.Unlock()
	if p.catalog.readSince(t) {
		return nil
	}
	begin := time.Now()
	tables, databases, err := catalog.Read(ctx, p.shards, p.logicalByName)
	if err != nil {
		return fmt.Errorf("read the catalog: %w", err)
	}
	schema, problems := sharding.NewSchema(p.cfg, tables)
	for _, problem := range problems {
		p.log.Warn("sharding rule does not fit", "err", problem)
	}
	p.planner.SetSchema(schema)
	set := map[string]bool{"information_schema": true, "performance_schema": true, "mysql": true, "sys": true}
	for _, d := range databases {
		set[d] = true
	}
	p.catalog.state.Lock()
	p.catalog.read, p.catalog.databases = begin, set
	p.catalog.state.Unlock()
	return nil
}

// logicalByName is the name under which clients know a shard's database; empty: they do not see it.
func (p *Proxy) logicalByName(shard, physical string) string {
	cfg := &p.cfg.Shards[p.byName[shard]]
	if cfg.Database == "" || len(p.cfg.Schemas) != 1 {
		return physical
	}
	if physical == cfg.Database {
		return p.cfg.Schemas[0].Name
	}
	return ""
}
