package proxy

import (
	"time"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/proxy/merge"
	"lockstep/sharding"
)

// innerQuery is a query that the proxy runs for itself in the midst of a client's statement: it sees what that statement
// would see (the session's variables, the open transaction's own changes), and its locks are the transaction's. The client
// learns nothing of it: what SHOW WARNINGS, FOUND_ROWS() and ROW_COUNT() say, and the statement's own plan, stay as they are.
type innerQuery struct {
	sql  []byte            // a SELECT, in the session's character set and sql_mode
	vars map[string]string // session variables that it shall run with, as literals; nil: the session's own
}

// innerAnswer is what an inner query said beside its rows.
type innerAnswer struct {
	rows     uint64
	warnings []condition
}

// runInner plans the query as if the client had sent it, runs it in whichever way is right, and gives its columns and rows, as
// text fields, to the sink. Rows come as they are read, so inside a transaction a sink must not use the session's branches:
// they are busy until runInner returns. An error of the sink ends the query and is returned as it is.
//
// The error is what the client would have been told; the transaction may be over by it, as by that of any statement.
func (s *session) runInner(q innerQuery, sink merge.Sink) (innerAnswer, error) {
	if err := s.checkAlive(); err != nil {
		return innerAnswer{}, err
	}
	defer s.enterInner(q.vars)()
	st, rq, err := s.planInner(q.sql)
	if err != nil {
		return innerAnswer{}, err
	}
	if s.plan.AnyShard && s.tx != nil && len(s.tx.branches) == 0 {
		s.outside = true
	}
	s.locks = s.locking(st)
	rows, err := s.readInner(rq, sink)
	if err != nil {
		return innerAnswer{}, err
	}
	if err := s.checkAlive(); err != nil {
		return innerAnswer{}, err // a connection broke while its warnings were read
	}
	return innerAnswer{rows: rows, warnings: s.diag.entries}, nil
}

// enterInner puts aside what belongs to the statement that is under way.
func (s *session) enterInner(vars map[string]string) (leave func()) {
	plan, inputs, slots, diag := s.plan, s.inputs, s.slots, s.diag
	foundRows, rowCount := s.foundRows, s.rowCount
	binary, outside, locks := s.binary, s.outside, s.locks
	s.plan, s.diag = sharding.Plan{}, diagnostics{}
	s.binary, s.outside = false, false
	restore := s.lend(vars)
	return func() {
		restore()
		s.plan, s.inputs, s.slots, s.diag = plan, inputs, slots, diag
		s.foundRows, s.rowCount = foundRows, rowCount
		s.binary, s.outside, s.locks = binary, outside, locks
	}
}

// lend gives the session other variables for a while. A client's sql_select_limit is for what it is sent: inner queries
// never have it.
func (s *session) lend(vars map[string]string) (restore func()) {
	type old struct {
		literal string
		set     bool
	}
	before := make(map[string]old, len(vars)+1)
	keep := func(name string) {
		literal, set := s.vars.vars[name]
		before[name] = old{literal, set}
	}
	if _, set := s.vars.vars[varSelectLimit]; set {
		keep(varSelectLimit)
		s.vars.unset(varSelectLimit)
	}
	for name, literal := range vars {
		if name == varSelectLimit {
			continue
		}
		keep(name)
		s.vars.set(name, literal)
	}
	return func() {
		for name, o := range before {
			if o.set {
				s.vars.set(name, o.literal)
			} else {
				s.vars.unset(name)
			}
		}
	}
}

// planInner plans the query into s.plan, which is its own.
func (s *session) planInner(sql []byte) (*sharding.Statement, *request, error) {
	rq := &request{sql: sql}
	begin := time.Now()
	plan := func() (*sharding.Statement, error) {
		st, lits, err := s.planner().Parse(&s.env, sql, nil)
		if err != nil {
			return nil, err
		}
		rq.lits = lits
		if st.Kind != sharding.KindSelect && st.Kind != sharding.KindDo || !st.Select || st.Leaves {
			return nil, notSupported("a query inside a statement that is more than a read")
		}
		if err := s.checkAccess(st); err != nil {
			return nil, err
		}
		return st, s.planned(st, rq)
	}
	st, err := plan()
	if unknownTable(err) && s.p.reloadSince(s.ctx, begin.Add(-staleAfter)) == nil {
		st, err = plan()
	}
	if err != nil {
		return nil, nil, err
	}
	if s.p.catalog.hasFunction(st.Functions) {
		s.plan.Write, s.plan.AnyShard = true, false // a stored function may change data
		if s.tx == nil && len(s.plan.Targets) > 1 {
			return nil, nil, notSupported("a stored function, which may change data, inside a statement that reads several shards")
		}
	}
	return st, rq, nil
}

// readInner reads the planned query's rows into the sink.
func (s *session) readInner(rq *request, sink merge.Sink) (uint64, error) {
	if s.plan.Scratch != nil {
		return s.scratchInto(rq, sink)
	}
	parts, err := s.sendParts(rq, false)
	if err != nil {
		return 0, err
	}
	s.readHeads(parts)
	for i := range parts {
		if err := parts[i].err; err != nil {
			return 0, s.endParts(parts, err)
		}
	}
	stats, err := s.mergeParts(parts, sink)
	if err != nil {
		return 0, s.mergeFailed(parts, &resultWriter{}, err)
	}
	s.endReads(parts)
	return stats.Rows, nil
}

// innerRows is a sink that keeps the first rows of an answer, for inner queries with few.
type innerRows struct {
	backend.Result
	limit int
}

// Columns keeps the columns.
func (k *innerRows) Columns(cols []protocol.Column) error {
	k.Result.Columns = append([]protocol.Column(nil), cols...)
	return nil
}

// Row keeps a copy of a row.
func (k *innerRows) Row(fields []protocol.Field) error {
	if len(k.Rows) >= k.limit {
		return nil
	}
	row := make([]protocol.Field, len(fields))
	for i, f := range fields {
		if f != nil {
			row[i] = append(protocol.Field{}, f...)
		}
	}
	k.Rows = append(k.Rows, row)
	return nil
}
