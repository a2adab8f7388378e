package proxy

import (
	"errors"
	"slices"
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// fill makes and loads the temporary table of one table.
func (d *scratchDesk) fill(load *sharding.ScratchLoad) error {
	if load.InPlace {
		return nil
	}
	if load.Uses > 1 && d.l.conn.Flavor() == backend.MySQL {
		return notSupported("the table %s is used more than once in a query whose rows have to be brought to one server; MySQL cannot open a temporary table twice", load.Table.Name)
	}
	table, err := d.define(load)
	if err != nil {
		return err
	}
	known, err := d.following(load)
	if err != nil {
		return err
	}
	query := load.Query(true, known)
	if query == nil {
		return nil // no row can matter
	}
	loader := newScratchLoader(d, load, table)
	warned, err := d.read(query, loader)
	if load.Filtered() && (warned || loader.failed == nil && d.mayReadWhole(err)) {
		// A condition does more than leave rows out: where the whole query tests it, it does so as on one server.
		if err := loader.again(); err != nil {
			return err
		}
		_, err = d.read(load.Query(false, known), loader)
	}
	d.loaded[load] = loader.rows
	return err
}

// define makes the temporary table.
func (d *scratchDesk) define(load *sharding.ScratchLoad) (*scratchTable, error) {
	definition, err := d.definition(load)
	if err != nil {
		return nil, err
	}
	table, err := newScratchTable(load, definition)
	if err != nil {
		return nil, err
	}
	if !table.fits(load.Table) {
		return nil, errScratchDefinition
	}
	err = d.exec(table.create)
	var se *protocol.ServerError
	if errors.As(err, &se) && se.Code != erQueryInterrupted {
		return nil, notSupported("bringing the rows of %s to the scratch server, which has no temporary table like it: %s", load.Table.Name, se.Message)
	}
	return table, err
}

// definition is what SHOW CREATE TABLE says where the table is.
func (d *scratchDesk) definition(load *sharding.ScratchLoad) (string, error) {
	s, shard, conn := d.s, d.l.shard, d.l.conn
	on := load.Table.On()
	if len(on) == 0 {
		return "", errScratchDefinition
	}
	switch {
	case load.Table.Temporary:
		shard, conn = s.temps.shard, s.temps.conn
	case !slices.Contains(on, shard):
		shard = on[0]
		var err error
		if conn, err = s.p.scratch[shard].Acquire(s.ctx, s.loadState(), true); err != nil {
			return "", err
		}
		defer conn.Release()
		s.track(conn)
		defer s.untrack(conn)
	}
	if err := s.stopped(); err != nil {
		return "", err
	}
	name := quoteName(s.p.physical(shard, load.Table.Database)) + "." + quoteName(load.Table.Name)
	if load.Table.View {
		return d.viewDefinition(conn, name)
	}
	res, err := conn.Query(s.ctx, "SHOW CREATE TABLE "+name, 1)
	if err != nil {
		return "", d.verb(err)
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) < 2 {
		return "", errScratchDefinition
	}
	return string(res.Rows[0][1]), nil
}

// viewDefinition is that of a table with a view's columns: a temporary one under its name, without rows, says it.
func (d *scratchDesk) viewDefinition(conn *backend.Conn, name string) (string, error) {
	if _, err := conn.Exec(d.s.ctx, "CREATE TEMPORARY TABLE "+name+" AS SELECT * FROM "+name+" LIMIT 0"); err != nil {
		return "", d.verb(err)
	}
	res, err := conn.Query(d.s.ctx, "SHOW CREATE TABLE "+name, 1)
	if err == nil {
		_, err = conn.Exec(d.s.ctx, "DROP TEMPORARY TABLE "+name)
	}
	if err != nil {
		conn.MarkBroken() // with the table
		return "", d.verb(err)
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) < 2 {
		return "", errScratchDefinition
	}
	return strings.Replace(string(res.Rows[0][1]), "CREATE TEMPORARY TABLE ", "CREATE TABLE ", 1), nil
}

// read loads the rows of one query. warned: their shards had something to say about it.
func (d *scratchDesk) read(sql []byte, loader *scratchLoader) (warned bool, err error) {
	if err := d.s.stopped(); err != nil {
		return false, err
	}
	answer, err := d.s.runInner(innerQuery{sql: sql, vars: d.s.plainResults()}, loader)
	if err == nil {
		err = loader.flush()
	}
	return len(answer.warnings) > 0, err
}

// plainResults are the variables by which numbers and dates come as ASCII.
func (s *session) plainResults() map[string]string {
	switch strings.ToLower(unquote(s.vars.vars["character_set_results"])) {
	case "ucs2", "utf16", "utf16le", "utf32":
		return map[string]string{"character_set_results": "'utf8mb4'"}
	}
	return nil
}

// mayReadWhole says whether a condition can be what a shard refused: the query itself may not come to test it.
func (d *scratchDesk) mayReadWhole(err error) bool {
	var se *protocol.ServerError
	var refused *sharding.Error
	switch {
	case errors.As(err, &refused):
		return refused.Code == erNotSupportedYet
	case !errors.As(err, &se) || d.s.checkAlive() != nil:
		return false
	}
	switch se.Code {
	case erQueryInterrupted, erTooBigSelect, erLockWaitTimeout, erDeadlock, erLockNowait, erTimedOutMariaDB, erTimedOutMySQL, erServerShutdown, erLostConnection:
		return false
	}
	return !backend.EndsConnection(se)
}
