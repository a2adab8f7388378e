package proxy

import (
	"strconv"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// diagnostics are what SHOW WARNINGS shows: the conditions of the last statement.
type diagnostics struct {
	failed  bool
	entries []condition

	// Of the statement before: what @@warning_count and @@error_count say in the running one.
	lastWarnings, lastErrors int
}

type condition struct {
	level string // Note, Warning, Error
	code  uint16
	text  string
}

// maxConditions is a server's default max_error_count.
const maxConditions = 64

// showWarnings asks for no more of them than are kept: a client may have raised max_error_count.
var showWarnings = "SHOW WARNINGS LIMIT " + strconv.Itoa(maxConditions)

func (d *diagnostics) clear() { d.failed, d.entries = false, d.entries[:0] }

// next is clear for a new statement.
func (d *diagnostics) next() {
	d.lastWarnings, d.lastErrors = len(d.entries), 0
	for _, e := range d.entries {
		if e.level == "Error" {
			d.lastErrors++
		}
	}
	d.clear()
}

func (d *diagnostics) add(level string, code uint16, text string) {
	if len(d.entries) < maxConditions {
		d.entries = append(d.entries, condition{level, code, text})
	}
}

func (d *diagnostics) warn(code uint16, text string) { d.add("Warning", code, text) }

func (d *diagnostics) setError(e *protocol.ServerError) {
	d.clear()
	d.failed = true
	d.add("Error", e.Code, e.Message)
}

func (d *diagnostics) count() uint16 { return uint16(len(d.entries)) }

func diagnosticShow(what string) bool {
	return what == "warnings" || what == "errors" || what == "count warnings" || what == "count errors"
}

// showDiagnostics is SHOW WARNINGS, SHOW ERRORS and their counts.
func (s *session) showDiagnostics(st *sharding.Statement) error {
	var rows []row
	errorsOnly := st.Show.What == "errors" || st.Show.What == "count errors"
	for _, e := range s.diag.entries {
		if !errorsOnly || e.level == "Error" {
			rows = append(rows, row{e.level, strconv.Itoa(int(e.code)), e.text})
		}
	}
	if st.Show.What == "count warnings" || st.Show.What == "count errors" {
		name := "@@session.warning_count"
		if errorsOnly {
			name = "@@session.error_count"
		}
		return s.sent(s.writeColumns(conditionCountColumns(name), []row{{strconv.Itoa(len(rows))}}))
	}
	if off := st.Show.Offset; off > 0 {
		rows = rows[min(off, uint64(len(rows))):]
	}
	if lim := st.Show.Limit; lim > 0 {
		rows = rows[:min(lim, uint64(len(rows)))]
	}
	return s.sent(s.writeColumns(s.warningColumns(), rows))
}

// fetchWarnings takes the warnings off the connection before it is anyone
// else's. The statement itself has succeeded: a connection that breaks now costs its
// warnings (and the transaction it is part of, which the next statement will hear), not its answer.
// rows are those of a split INSERT that the shard had.
func (s *session) fetchWarnings(l *lease, rows []int) {
	if !s.usable(l) {
		return
	}
	res, err := l.conn.Query(s.ctx, showWarnings, maxConditions)
	if err != nil {
		s.p.log.Debug("warnings could not be fetched", "conn", s.id, "shard", s.p.shards[l.shard].Name(), "err", err)
		if l.conn.Broken() {
			_ = s.lost(l, err, false)
		}
		return
	}
	s.keepWarnings(res, rows)
}

// keepWarnings adds the rows of a SHOW WARNINGS to what the session's own will show.
func (s *session) keepWarnings(res *backend.Result, rows []int) {
	if res == nil {
		return
	}
	for _, r := range res.Rows {
		code, err := strconv.ParseUint(string(r[1]), 10, 16)
		if err != nil {
			continue // not a code a server gives
		}
		s.diag.add(string(r[0]), uint16(code), renumberRow(string(r[2]), rows))
	}
}

// countFound keeps what FOUND_ROWS() will say after a SELECT on one shard.
func (s *session) countFound(l *lease, st *sharding.Statement, rows uint64) {
	s.foundRows = rows
	if !st.CalcFoundRows || !s.usable(l) {
		return
	}
	res, err := l.conn.Query(s.ctx, "SELECT FOUND_ROWS()", 1)
	if err != nil {
		if l.conn.Broken() {
			_ = s.lost(l, err, false)
		}
		return
	}
	if n, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64); err == nil {
		s.foundRows = n
	}
}
