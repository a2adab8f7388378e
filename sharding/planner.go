package sharding

import (
	"hash/maphash"
	"sync/atomic"
)

// Limits of a Planner.
type Limits struct {
	Plans int // cached statements; 0 means 4096
}

const defaultPlans = 4096

// maxCachedText bounds what one cached statement may hold: longer texts are parsed each time. Large multi-row inserts are
// such texts, and seldom come twice in one shape.
const maxCachedText = 32 << 10

// Planner parses and caches. Safe for concurrent use. The schema is swapped after DDL.
type Planner struct {
	limit int
	state atomic.Pointer[plannerState]
}

// plannerState joins a schema with the plans made for it, so that no plan outlives its schema.
type plannerState struct {
	schema *Schema
	cache  *planCache
}

// NewPlanner makes a planner for a schema.
func NewPlanner(s *Schema, l Limits) *Planner {
	p := &Planner{limit: l.Plans}
	if p.limit <= 0 {
		p.limit = defaultPlans
	}
	p.SetSchema(s)
	return p
}

// SetSchema swaps the schema; cached plans of the old one are dropped. Statements made before stay usable.
func (p *Planner) SetSchema(s *Schema) {
	p.state.Store(&plannerState{schema: s, cache: newPlanCache(p.limit)})
}

// Schema is the schema that Parse works with.
func (p *Planner) Schema() *Schema { return p.state.Load().schema }

// Parse returns the statement's analysis and, for a text statement, its literals in order.
// The plan cache is keyed by the text with literals lifted out, env and schema version; a hit costs no parse. lits is
// emptied, filled and returned; the literals are positions in sql. Errors are *Error with MySQL's code (1064 …).
func (p *Planner) Parse(env *Env, sql []byte, lits []Literal) (*Statement, []Literal, error) {
	state := p.state.Load()
	key := shapeKey{env: env, text: sql}
	var ok bool
	if lits, ok = key.scan(lits[:0]); ok {
		key.lits = lits
		if st := state.cache.get(&key); st != nil {
			return st, lits, nil
		}
	}
	st, cacheable, err := compile(state.schema, env, sql, false)
	if err != nil {
		return nil, lits, err
	}
	if cacheable && ok && len(sql) <= maxCachedText {
		state.cache.put(&key, st)
	}
	return st, lits, nil
}

// Cached is Parse where the statement's plan is in the cache; otherwise it returns no statement.
func (p *Planner) Cached(env *Env, sql []byte, lits []Literal) (*Statement, []Literal) {
	key := shapeKey{env: env, text: sql}
	var ok bool
	if lits, ok = key.scan(lits[:0]); !ok {
		return nil, lits
	}
	key.lits = lits
	return p.state.Load().cache.get(&key), lits
}

// ParsePrepared is Parse for COM_STMT_PREPARE: '?' are parameters, literals stay constants. The statement keeps its text:
// Inputs.SQL and Inputs.Literals are not used.
func (p *Planner) ParsePrepared(env *Env, sql []byte) (*Statement, error) {
	state := p.state.Load()
	key := shapeKey{env: env, text: sql, prepared: true}
	key.hash = maphash.Bytes(shapeSeed, sql)
	if st := state.cache.get(&key); st != nil {
		return st, nil
	}
	st, cacheable, err := compile(state.schema, env, sql, true)
	if err != nil {
		return nil, err
	}
	if cacheable && len(sql) <= maxCachedText {
		state.cache.put(&key, st)
	}
	return st, nil
}
