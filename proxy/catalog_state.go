package proxy

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"lockstep/backend"
	"lockstep/proxy/catalog"
	"lockstep/proxy/definition"
	"lockstep/sharding"
)

// catalogState is what was read of the shards' tables, and when.
type catalogState struct {
	mu         sync.Mutex // one reader at a time
	state      sync.RWMutex
	read       time.Time
	databases  map[string]bool
	functions  map[string]bool // stored ones, lower case
	incomplete bool            // some shard did not answer
	version    uint64          // of the definitions when they were read; 0: not known
}

// isVersion says whether the catalog is of this version of the definitions.
func (c *catalogState) isVersion(version uint64) bool {
	c.state.RLock()
	defer c.state.RUnlock()
	return c.version == version
}

func (c *catalogState) loaded() bool {
	c.state.RLock()
	defer c.state.RUnlock()
	return !c.read.IsZero()
}

// wanting says whether there is something to read that could not be read yet.
func (c *catalogState) wanting() bool {
	c.state.RLock()
	defer c.state.RUnlock()
	return c.read.IsZero() || c.incomplete
}

func (c *catalogState) hasDatabase(name string) bool {
	c.state.RLock()
	defer c.state.RUnlock()
	return c.databases[name]
}

// isServers says whether a database is every server's own.
func isServers(database string) bool {
	switch strings.ToLower(database) {
	case "information_schema", "performance_schema", "mysql", "sys":
		return true
	}
	return false
}

// hasFunction says whether any of the names is a stored function.
func (c *catalogState) hasFunction(names []string) bool {
	if len(names) == 0 {
		return false
	}
	c.state.RLock()
	defer c.state.RUnlock()
	for _, n := range names {
		if c.functions[n] {
			return true
		}
	}
	return false
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
	version, _, err := definition.Version(ctx, p.definitionHome()) // before the definitions: later ones are read again
	if err != nil {
		p.log.Debug("whether definitions have changed is not known", "err", err)
	}
	found, err := catalog.ReadShards(ctx, p.shards, catalog.Options{Logical: p.logicalByName})
	if err != nil {
		return fmt.Errorf("read the catalog: %w", err)
	}
	p.definitions.differ.Store(int64(len(found.Differences)))
	for _, d := range found.Differences {
		p.log.Warn("table is not the same on all shards", "table", d)
	}
	set := map[string]bool{"information_schema": true, "performance_schema": true, "mysql": true, "sys": true}
	for _, d := range found.Databases {
		set[d] = true
	}
	if len(found.Failed) > 0 {
		for name, err := range found.Failed {
			p.log.Warn("catalog of a shard could not be read", "shard", name, "err", err)
		}
		p.keepKnown(found, set)
	}
	routines, err := p.readRoutines(ctx)
	if err != nil {
		return err
	}
	functions := map[string]bool{}
	for _, r := range routines {
		if r.Function {
			functions[strings.ToLower(r.Name)] = true
		}
	}
	schema, problems := sharding.NewSchema(p.cfg, found.Tables)
	schema.AddRoutines(routines)
	schema.MySQL = !p.mariaDB()
	for _, problem := range problems {
		p.log.Warn("sharding rule does not fit", "err", problem)
	}
	p.planner.SetSchema(schema)
	p.catalog.state.Lock()
	p.catalog.functions = functions
	p.catalog.version = version
	p.catalog.read, p.catalog.databases, p.catalog.incomplete = begin, set, len(found.Failed) > 0
	p.catalog.state.Unlock()
	return nil
}

// maxRoutines bounds what is read of stored routines.
const maxRoutines = 100_000

// readRoutines lists the stored procedures and functions of the shards that answer, each once: they are the same on all.
func (p *Proxy) readRoutines(ctx context.Context) ([]sharding.Routine, error) {
	var list []sharding.Routine
	met := map[sharding.Routine]bool{}
	var failed error
	answered := false
	for _, sh := range p.shards {
		if !sh.Up() && answered {
			continue // its tables were not read either
		}
		conn, err := sh.Acquire(ctx, p.states.intern(&backend.State{}), true)
		if err != nil {
			failed = err
			continue
		}
		res, err := conn.Query(ctx, "SELECT routine_schema, routine_name, routine_type = 'FUNCTION', IFNULL(routine_definition, '') FROM information_schema.routines WHERE routine_schema NOT IN ('sys', 'mysql')", maxRoutines)
		conn.Release()
		if err != nil {
			failed = err
			continue
		}
		answered = true
		for _, r := range res.Rows {
			routine := sharding.Routine{Database: p.logicalByName(sh.Name(), string(r[0])), Name: string(r[1]), Function: string(r[2]) == "1", Body: string(r[3])}
			once := routine
			once.Body = ""
			if routine.Database != "" && !met[once] {
				met[once] = true
				list = append(list, routine)
			}
		}
	}
	if !answered {
		return nil, fmt.Errorf("read the stored routines: %w", failed)
	}
	return list, nil
}

// keepKnown adds tables and databases that were known before: they may be on a shard that did not answer.
func (p *Proxy) keepKnown(found *catalog.Reading, databases map[string]bool) {
	have := map[[2]string]bool{}
	for i := range found.Tables {
		have[[2]string{found.Tables[i].Database, found.Tables[i].Name}] = true
	}
	for _, t := range p.planner.Schema().Tables() {
		if !have[[2]string{t.Database, t.Name}] {
			found.Tables = append(found.Tables, t.TableInfo)
		}
	}
	p.catalog.state.RLock()
	defer p.catalog.state.RUnlock()
	for d := range p.catalog.databases {
		databases[d] = true
	}
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
