package proxy

import (
	"errors"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/proxy/merge"
	"lockstep/sharding"
)

// A query that no shard can answer, and whose rows cannot be merged, runs on a connection of its own to one server, where
// temporary tables of the tables' own names hold the rows that it needs: those are read as any client's query would read them,
// in the open transaction, before the query itself runs as it was written.
//
//	shards ──inner queries──▶ INSERT … ──▶ temporary tables ──the query──▶ client
//
// The connection is never a branch's, and is reset before anybody else has it: the temporary tables are gone then.

// scratchDesk is the connection with its temporary tables.
type scratchDesk struct {
	s     *session
	l     lease
	plan  *sharding.Scratch
	rows  int
	bytes int

	loaded map[*sharding.ScratchLoad]uint64 // rows
}

// scratch answers a query that needs the scratch server.
func (s *session) scratch(st *sharding.Statement, rq *request) error {
	leave, err := s.enterScratch()
	if err != nil {
		return err
	}
	defer leave()
	if s.plan.SameTime {
		defer s.stopClock()()
	}
	s.p.metrics.scratch.Inc()
	d, err := s.fillDesk()
	if errors.Is(err, errScratchDefinition) && s.p.reload(s.ctx) == nil {
		// A table was changed by somebody else.
		if st, err = s.parseAgain(rq); err == nil {
			err = s.planned(st, rq)
		}
		if err == nil {
			if s.plan.Scratch == nil {
				return errScratchDefinition
			}
			d, err = s.fillDesk()
		}
	}
	if err != nil {
		return err
	}
	return d.answer(st, rq)
}

// fillDesk takes a connection and loads the plan's tables.
func (s *session) fillDesk() (*scratchDesk, error) {
	d, err := s.openDesk(s.plan.Scratch)
	if err != nil {
		return nil, err
	}
	for i := range d.plan.Loads {
		if err := d.fill(&d.plan.Loads[i]); err != nil {
			return nil, d.failed(err)
		}
	}
	return d, nil
}

// openDesk takes a connection of its own for the plan.
func (s *session) openDesk(plan *sharding.Scratch) (*scratchDesk, error) {
	conn, err := s.p.scratch[plan.Shard].Acquire(s.ctx, s.loadState(), true)
	if err != nil {
		return nil, err
	}
	s.track(conn)
	return &scratchDesk{s: s, plan: plan, l: lease{shard: plan.Shard, conn: conn, temporary: true}, loaded: map[*sharding.ScratchLoad]uint64{}}, nil
}

// loadState is the session state in which rows are written to temporary tables: no value is converted, checked or replaced.
func (s *session) loadState() *backend.State {
	return s.p.states.intern(&backend.State{FoundRows: s.vars.foundRows, Vars: scratchVariables})
}

// scratchVariables are in the order of their names.
var scratchVariables = []backend.Variable{
	{Name: "character_set_client", Value: "'utf8mb4'"},
	{Name: "character_set_results", Value: "'utf8mb4'"},
	{Name: "collation_connection", Value: "'utf8mb4_general_ci'"},
	{Name: "sql_mode", Value: "'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"},
	{Name: "time_zone", Value: "'+00:00'"},
}

// failed ends the desk before it has answered.
func (d *scratchDesk) failed(err error) error {
	if d.l.conn != nil {
		d.s.untrack(d.l.conn)
		d.l.conn.Discard()
		d.l.conn = nil
	}
	return err
}

// exec runs one of the proxy's own statements on the desk.
func (d *scratchDesk) exec(sql string) error {
	if err := d.s.stopped(); err != nil {
		return err
	}
	_, err := d.l.conn.Exec(d.s.ctx, sql)
	return d.verb(err)
}

// verb is a server's refusal as it is, and a broken connection as a lost shard.
func (d *scratchDesk) verb(err error) error {
	var se *protocol.ServerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &se):
		if told := d.s.deadlocked(se); told != nil {
			return told
		}
		return se
	}
	return lostShard(d.s.p.shards[d.l.shard].Name(), err, false)
}

// stopped says whether the running statement was asked to end while no server worked for it.
func (s *session) stopped() error {
	s.mu.Lock()
	stop := s.stop == s.number && s.stop != 0
	s.mu.Unlock()
	if !stop {
		return s.ctx.Err()
	}
	e := &protocol.ServerError{Code: erQueryInterrupted, SQLState: "70100", Message: "Query execution was interrupted"}
	if told := s.deadlocked(e); told != nil {
		e = told
		if backend.EndsTransaction(e, s.p.rollbackOnTimeout.Load()) {
			s.doom(e)
		}
	}
	return e
}

// count counts a row against the limits.
func (d *scratchDesk) count(size int) error {
	limits := &d.s.p.cfg.Limits
	d.rows++
	d.bytes += size
	d.s.p.metrics.scratchRows.Inc()
	d.s.p.metrics.scratchBytes.Add(float64(size))
	const advice = "narrow the statement with conditions on single tables"
	switch {
	case d.rows > limits.MaxScratchRows:
		return protocol.NewError(erTooBigSelect, "The statement needs more than %d rows brought to one server (limits.max_scratch_rows): %s", limits.MaxScratchRows, advice)
	case d.bytes > limits.MaxScratchBytes:
		return protocol.NewError(erTooBigSelect, "The statement needs more than %d bytes of rows brought to one server (limits.max_scratch_bytes): %s", limits.MaxScratchBytes, advice)
	}
	return nil
}

// answer runs the query itself.
func (d *scratchDesk) answer(st *sharding.Statement, rq *request) error {
	s := d.s
	if err := s.stopped(); err != nil {
		return d.failed(err)
	}
	if err := d.l.conn.SetState(s.ctx, s.vars.state(d.l.shard)); err != nil {
		return d.failed(d.verb(err))
	}
	if err := d.write(rq); err != nil {
		var se *protocol.ServerError
		if errors.As(err, &se) {
			return d.failed(se)
		}
		return s.lost(&d.l, err, false)
	}
	return s.finishSingle(&d.l, st, rq)
}

// scratchInto is scratch for an inner query.
func (s *session) scratchInto(rq *request, sink merge.Sink) (uint64, error) {
	leave, err := s.enterScratch()
	if err != nil {
		return 0, err
	}
	defer leave()
	s.p.metrics.scratch.Inc()
	d, err := s.fillDesk()
	if err != nil {
		return 0, err
	}
	if err := s.stopped(); err != nil {
		return 0, d.failed(err)
	}
	if err := d.l.conn.SetState(s.ctx, s.vars.state(d.l.shard)); err != nil {
		return 0, d.failed(d.verb(err))
	}
	if err := d.write(rq); err != nil {
		return 0, s.lost(&d.l, err, false)
	}
	parts := []part{{lease: d.l}}
	s.readHeads(parts)
	if err := parts[0].err; err != nil {
		return 0, s.endParts(parts, err)
	}
	stats, err := merge.Run(nil, []merge.Stream{parts[0].rows}, sink, merge.Limits{})
	if err != nil {
		return 0, s.mergeFailed(parts, &resultWriter{}, err)
	}
	s.endReads(parts)
	return stats.Rows, nil
}

// write sends the query: as text, or prepared and executed where the client does that, because only then the values of
// its rows are all those that a server would send.
func (d *scratchDesk) write(rq *request) error {
	wire := d.l.conn.Wire()
	if rq.execute == nil {
		text := d.plan.SQL
		if text == nil {
			text = rq.sql
		}
		if err := wire.WriteCommand(protocol.ComQuery, text); err != nil {
			return err
		}
		return wire.Flush()
	}
	text := rq.stmt.sql
	if d.plan.SQL != nil {
		text = string(d.plan.SQL)
	}
	prep, err := d.l.conn.Prepare(d.s.ctx, text)
	if err != nil {
		return err
	}
	wire.ResetSequence()
	if err := wire.WritePacket(protocol.AppendExecute(nil, prep.ID, 0, rq.execute.Params)); err != nil {
		return err
	}
	return wire.Flush()
}

// scratchOff says that a refusal is the session's choice.
func scratchOff(err error) error {
	if err == nil {
		return nil // before refused is made: it is on the heap
	}
	var refused *sharding.Error
	if errors.As(err, &refused) && refused.Scratch {
		return &sharding.Error{Code: refused.Code, Message: refused.Message + " (rows would have to be brought to one server, and lockstep_scratch is OFF)"}
	}
	return err
}
