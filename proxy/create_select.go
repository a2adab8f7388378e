package proxy

import (
	"fmt"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// CREATE TABLE … SELECT: a shard makes the definition of the query's columns, the table is created from it as any other, and
// then filled, all rows or none. Where that fails the table is dropped again.

const tableExists = 1050

// createSelect runs CREATE TABLE … SELECT.
func (s *session) createSelect(st *sharding.Statement, rq *request) error {
	if err := s.checkAccess(st); err != nil {
		return err
	}
	if s.readOnly() && !st.DDL.Temporary {
		return protocol.NewError(erReadOnlyTransaction, "Cannot execute statement in a READ ONLY transaction")
	}
	if !st.DDL.Temporary {
		if err := s.implicitCommit(); err != nil {
			return err
		}
	}
	if err := s.planned(st, rq); err != nil {
		return err
	}
	cs := st.CreateSelect
	definition, columns, err := s.shape(cs)
	if err != nil {
		return err
	}
	name := quoteName(cs.Database) + "." + quoteName(cs.Name)
	if _, err := s.captured(cs.Head + name + " " + definition); err != nil {
		return err
	}
	notes := append([]condition(nil), s.diag.entries...)
	for _, n := range notes {
		if n.code == tableExists { // IF NOT EXISTS: it stays as it is
			return s.okAfter(nil)
		}
	}
	for i := range columns {
		columns[i] = quoteName(columns[i])
	}
	ok, err := s.captured(cs.Fill + " INTO " + name + " (" + strings.Join(columns, ", ") + ") " + cs.Query)
	if err == nil && s.tx != nil && !st.DDL.Temporary { // with autocommit=0
		err = s.commitNow()
	}
	if err != nil && st.DDL.Temporary {
		return s.uncreateTemporary(name, err)
	}
	if err != nil {
		return s.uncreate(name, err)
	}
	s.diag.entries = append(notes, s.diag.entries...)
	s.rowCount = int64(ok.AffectedRows)
	ok.Warnings = s.diag.count()
	return s.sent(s.writeOK(ok))
}

// uncreate drops a table that could not be filled.
func (s *session) uncreate(name string, cause error) error {
	if s.tx != nil {
		s.rollbackNow()
	}
	entries := s.diag.entries
	_, err := s.captured("DROP TABLE " + name)
	s.diag.entries = entries
	if err != nil {
		s.p.log.Error("a table that could not be filled could not be dropped", "conn", s.id, "table", name, "err", err)
		se := *toClient(cause)
		se.Message = fmt.Sprintf("%s (and the table %s, which stays, could not be dropped: %v)", se.Message, name, err)
		return &se
	}
	return cause
}

// uncreateTemporary is uncreate for a temporary table, whose transaction goes on.
func (s *session) uncreateTemporary(name string, cause error) error {
	entries := s.diag.entries
	_, err := s.captured("DROP TEMPORARY TABLE " + name)
	s.diag.entries = entries
	if err != nil && s.checkAlive() == nil {
		s.p.log.Warn("a temporary table that could not be filled could not be dropped", "conn", s.id, "table", name, "err", err)
	}
	return cause
}

// shape has a shard make the definition: what follows the table's name, and the names of the query's columns.
func (s *session) shape(cs *sharding.CreateSelect) (definition string, columns []string, err error) {
	defer s.lend(map[string]string{"character_set_results": quote(s.vars.charset())})()
	shard := s.plan.Targets[0].Shard
	create, none := string(s.plan.Targets[0].SQL), string(s.plan.Targets[1].SQL)
	conn, err := s.acquire(shard, true, "")
	if err != nil {
		return "", nil, err
	}
	s.track(conn)
	defer func() {
		s.untrack(conn)
		conn.Release()
	}()
	if _, err := conn.Exec(s.ctx, create); err != nil {
		return "", nil, err
	}
	table := quoteName(s.p.physical(shard, cs.Database)) + "." + quoteName(sharding.ShapeTable)
	defer func() {
		if _, derr := conn.Exec(s.ctx, "DROP TEMPORARY TABLE "+table); derr != nil {
			conn.MarkBroken() // the table goes with it
		}
	}()
	shown, err := conn.Query(s.ctx, "SHOW CREATE TABLE "+table, 1)
	if err != nil {
		return "", nil, err
	}
	_, definition, ok := strings.Cut(string(shown.Rows[0][1]), " (")
	if !ok {
		return "", nil, fmt.Errorf("read the definition of the new table: %q has no columns", shown.Rows[0][1])
	}
	res, err := conn.Query(s.ctx, none, 1)
	if err != nil {
		return "", nil, err
	}
	for i := range res.Columns {
		columns = append(columns, res.Columns[i].Name)
	}
	return "(" + definition, columns, nil
}

// captured runs a statement as if the client had sent it, and keeps its answer, which has no rows.
func (s *session) captured(sql string) (protocol.OK, error) {
	sp := s.p.spools.newSpool(func() {})
	defer func() { _ = sp.Close() }() // cannot fail
	err := s.into(sp, func() error {
		s.diag.failed = false
		st, lits, err := s.planner().Parse(&s.env, []byte(sql), nil)
		if err != nil {
			return err
		}
		return s.run(st, &request{sql: []byte(sql), lits: lits})
	})
	if err != nil {
		return protocol.OK{}, err
	}
	return sumOK(sp, 1)
}
