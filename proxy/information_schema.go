package proxy

import (
	"errors"
	"slices"
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// systemRead answers a query on information_schema as one server would: the tables that it reads are gathered from the
// shards, put into temporary tables on one of them, and the query runs there.
func (s *session) systemRead(st *sharding.Statement) error {
	s.p.metrics.gathered.Inc()
	target := &s.plan.Targets[0]
	shown := make([]*shownTable, len(s.plan.System))
	for i := range s.plan.System {
		var err error
		if shown[i], err = s.gather(&s.plan.System[i]); err != nil {
			return err
		}
	}
	res, err := s.onShown(target.Shard, shown, string(target.SQL), st)
	if err != nil {
		return err
	}
	return s.sent(s.writeRows(res))
}

// shownTable is a table that the proxy makes up itself, for a query to run on.
type shownTable struct {
	name    string // quoted, with its database
	create  string // makes it, empty
	columns []protocol.Column
	rows    [][]protocol.Field
	of      string // the table of information_schema that clients are told of
}

const standsDatabase = "CREATE DATABASE IF NOT EXISTS " + sharding.SystemStands

// onShown runs a query on a shard, with the tables there for as long. st is what the client asked.
func (s *session) onShown(shard int, tables []*shownTable, query string, st *sharding.Statement) (*backend.Result, error) {
	l, err := s.beside(shard, "")
	if err != nil {
		return nil, err
	}
	conn := l.conn
	defer s.done(&l)
	var drop []string
	defer func() {
		if l.conn == nil || len(drop) == 0 {
			return
		}
		if _, err := conn.Exec(s.ctx, "DROP TEMPORARY TABLE IF EXISTS "+strings.Join(drop, ", ")); err != nil {
			conn.MarkBroken() // nobody else shall find them
		}
	}()
	for _, t := range tables {
		drop = append(drop, t.name)
		if err := s.fill(conn, t); err != nil {
			return nil, err
		}
	}
	limit := s.p.cfg.Limits.MaxMergeRows
	res, err := conn.Query(s.ctx, query, limit)
	var many *backend.TooManyRowsError
	switch {
	case errors.As(err, &many):
		return nil, protocol.NewError(erTooBigSelect, "the answer has more rows than limits.max_merge_rows (%d) allows", limit)
	case err != nil:
		return nil, err
	}
	if st != nil {
		s.countFound(&l, st, uint64(len(res.Rows)))
		s.fetchWarnings(&l, nil)
	}
	for i := range res.Columns {
		s.tellOf(&res.Columns[i], tables)
	}
	return res, nil
}

// tellOf tells of the table that clients know, and not of the one that stood in for it.
// MySQL's are views there, whose columns have names in upper case, however the query writes them.
func (s *session) tellOf(c *protocol.Column, tables []*shownTable) {
	if c.Schema != sharding.SystemStands {
		return
	}
	for _, t := range tables {
		if quoteName(sharding.SystemStands)+"."+quoteName(c.OrgTable) == t.name {
			c.Schema, c.OrgTable = "information_schema", t.of
			if t.of != "" && strings.EqualFold(c.Name, c.OrgName) && !slices.Contains(s.plan.SystemNamed, c.Name) && !s.p.mariaDB() {
				c.Name = strings.ToUpper(c.OrgName)
			}
			return
		}
	}
}

// shownBatch is how long an INSERT into such a table grows, in bytes.
const shownBatch = 256 << 10

// fill makes the table and writes its rows.
func (s *session) fill(conn *backend.Conn, t *shownTable) error {
	_, err := conn.Exec(s.ctx, t.create)
	var se *protocol.ServerError
	if errors.As(err, &se) && se.Code == erBadDB {
		if _, err = conn.Exec(s.ctx, standsDatabase); err == nil {
			_, err = conn.Exec(s.ctx, t.create)
		}
	}
	if err != nil {
		return err
	}
	var text []byte
	flush := func() error {
		if len(text) == 0 {
			return nil
		}
		_, err := conn.Exec(s.ctx, string(text))
		text = text[:0]
		return err
	}
	for _, row := range t.rows {
		if len(text) == 0 {
			text = append(append(append(text, "INSERT INTO "...), t.name...), " VALUES ("...)
		} else {
			text = append(text, ", ("...)
		}
		for i, f := range row {
			if i > 0 {
				text = append(text, ',')
			}
			text = appendShown(text, f, &t.columns[i])
		}
		text = append(text, ')')
		if len(text) >= shownBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// appendShown writes a value that a shard has sent as a literal.
func appendShown(dst []byte, f protocol.Field, c *protocol.Column) []byte {
	switch {
	case f == nil:
		return append(dst, "NULL"...)
	case numeric(c.Type):
		return append(dst, f...)
	case c.Charset == binaryCollation && !temporal(c.Type):
		return append(append(append(dst, "X'"...), hexString(string(f))...), '\'')
	}
	return append(dst, quote(string(f))...)
}

func numeric(t protocol.ColumnType) bool {
	switch t {
	case protocol.TypeTiny, protocol.TypeShort, protocol.TypeInt24, protocol.TypeLong, protocol.TypeLongLong,
		protocol.TypeYear, protocol.TypeDecimal, protocol.TypeNewDecimal, protocol.TypeFloat, protocol.TypeDouble:
		return true
	}
	return false
}

func temporal(t protocol.ColumnType) bool {
	switch t {
	case protocol.TypeDate, protocol.TypeTime, protocol.TypeDateTime, protocol.TypeTimestamp:
		return true
	}
	return false
}

// writeRows answers with rows that were read.
func (s *session) writeRows(res *backend.Result) error {
	w := s.newResultWriter()
	if err := w.Columns(res.Columns); err != nil {
		return err
	}
	for _, r := range res.Rows {
		if err := w.Row(r); err != nil {
			return err
		}
	}
	s.rowCount = -1
	return w.end(s.diag.count())
}
