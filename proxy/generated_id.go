package proxy

import (
	"fmt"
	"strconv"

	"lockstep/protocol"
)

// accountGenerated is account for an INSERT some of whose rows may not have been inserted though they have been given ids.
// LAST_INSERT_ID() is the first id that was generated for a row which was; where there is none it stays what it was,
// but for what LAST_INSERT_ID(expression) has set.
func (s *session) accountGenerated(ok protocol.OK, rq *request) protocol.OK {
	s.rowCount = int64(ok.AffectedRows)
	id, err := s.firstInserted(ok)
	switch {
	case err != nil:
		// The statement has succeeded. An id that may be of no row is worse than none.
		s.p.log.Warn("the first id of an INSERT could not be found out", "conn", s.id, "err", err)
		ok.LastInsertID = 0
	case id != 0:
		ok.LastInsertID, s.lastInsertID = id, id
	case ok.LastInsertID != 0 && containsFold(rq.sql, "last_insert_id"):
		s.lastInsertID = ok.LastInsertID
	}
	return ok // without a row, the id that the shard tells: of the row that was changed
}

// firstInserted is the first of the generated ids that a row has.
func (s *session) firstInserted(ok protocol.OK) (uint64, error) {
	g := s.plan.Generated
	if ok.AffectedRows == 0 {
		return 0, nil
	}
	column := quoteName(g.Table.AutoIncrement)
	query := fmt.Sprintf("SELECT MIN(%s) FROM %s.%s WHERE %s BETWEEN %d AND %d", column, quoteName(g.Table.Database), quoteName(g.Table.Name), column, g.First, g.Last)
	rows := &innerRows{limit: 1}
	if _, err := s.runInner(innerQuery{sql: []byte(query)}, rows); err != nil {
		return 0, err
	}
	if len(rows.Rows) == 0 || rows.Rows[0][0] == nil {
		return 0, nil
	}
	return strconv.ParseUint(string(rows.Rows[0][0]), 10, 64)
}
