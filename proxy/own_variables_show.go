package proxy

import (
	"slices"
	"strconv"
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// maxVariables bounds what is read of a server's variables.
const maxVariables = 10_000

// showVariables answers SHOW VARIABLES with a shard's rows, the session's own values in them, and the proxy's own variables
// among them. LIKE and WHERE are a server's to judge, so that they mean what they mean there.
func (s *session) showVariables(w *sharding.Show) error {
	text := "SHOW SESSION VARIABLES"
	if w.Global {
		text = "SHOW GLOBAL VARIABLES"
	}
	// A condition on the values has to see the session's own; one on the names can be left to the shard.
	onValues := containsFold([]byte(w.Where), "value")
	if !onValues {
		text += w.Tail()
	}
	res, err := s.askAny(text)
	if err != nil {
		return err
	}
	if len(res.Columns) != 2 {
		return notSupported("SHOW VARIABLES of a server that has %d columns for it", len(res.Columns))
	}
	for _, r := range res.Rows {
		if value, ok := s.shownVariable(string(r[0]), w.Global); ok {
			r[1] = protocol.Field(value)
		}
	}
	if !w.Global {
		own, err := s.ownRows(w, onValues)
		if err != nil {
			return err
		}
		res.Rows = append(res.Rows, own...)
		slices.SortStableFunc(res.Rows, func(a, b []protocol.Field) int {
			return strings.Compare(strings.ToLower(string(a[0])), strings.ToLower(string(b[0])))
		})
	}
	if onValues {
		return s.showNamed(w, res)
	}
	s.foundRows = uint64(len(res.Rows))
	return s.sent(s.writeRows(res))
}

// ownRows are the proxy's own variables: all, or those that the statement's condition takes.
func (s *session) ownRows(w *sharding.Show, all bool) ([][]protocol.Field, error) {
	first, _, _ := strings.Cut(strings.Trim(w.Like, "'\""), "%")
	if w.Like != "" && !overlaps(strings.ToLower(first), "lockstep_") {
		return nil, nil
	}
	var rows [][]protocol.Field
	var parts []string
	for _, name := range ownVariables {
		value, _ := s.ownVariable(name)
		rows = append(rows, []protocol.Field{protocol.Field(name), protocol.Field(value)})
		parts = append(parts, "SELECT "+quote(name)+" AS Variable_name, "+quote(value)+" AS Value")
	}
	condition := w.Where
	if w.Like != "" {
		condition = "Variable_name LIKE " + w.Like
	}
	if all || condition == "" {
		return rows, nil
	}
	res, err := s.askAny("SELECT * FROM (" + strings.Join(parts, " UNION ALL ") + ") AS lockstep_variables WHERE " + condition)
	if err != nil {
		return nil, err
	}
	return res.Rows, nil
}

// shownVariable is the value of a server's variable where the proxy has one of its own.
func (s *session) shownVariable(name string, global bool) (string, bool) {
	name = strings.ToLower(name)
	if name == "max_allowed_packet" {
		return strconv.Itoa(s.p.cfg.Limits.MaxPacket), true
	}
	if global {
		return "", false
	}
	switch name {
	case "autocommit":
		if s.vars.autocommit {
			return "ON", true
		}
		return "OFF", true
	case "last_insert_id", "identity":
		return strconv.FormatUint(s.lastInsertID, 10), true
	case "pseudo_thread_id":
		return strconv.FormatUint(uint64(s.id), 10), true
	case "warning_count":
		return strconv.Itoa(s.diag.lastWarnings), true
	case "error_count":
		return strconv.Itoa(s.diag.lastErrors), true
	case "max_statement_time":
		if d := s.vars.maxStatement; d != nil {
			return strconv.FormatFloat(d.Seconds(), 'f', 6, 64), true
		}
		return "", false
	}
	return s.timeVariable(name)
}

// askAny asks any shard, with the session's variables, for rows that are read whole.
func (s *session) askAny(text string) (*backend.Result, error) {
	l, err := s.beside(s.anyShard(), "")
	if err != nil {
		return nil, err
	}
	defer s.done(&l)
	return l.conn.Query(s.ctx, text, maxVariables)
}

// showNamed answers with those of the rows, of names and values, that the statement's condition takes.
func (s *session) showNamed(w *sharding.Show, res *backend.Result) error {
	if w.Like != "" || w.Where != "" {
		name := quoteName(sharding.SystemStands) + ".`shown_1`"
		t := &shownTable{name: name, columns: res.Columns, rows: res.Rows,
			create: "CREATE TEMPORARY TABLE " + name + " (`Variable_name` VARCHAR(64) CHARACTER SET utf8mb3 NOT NULL, `Value` VARCHAR(2048) CHARACTER SET utf8mb3 NOT NULL)"}
		query := "SELECT * FROM " + name + " WHERE " + w.Where
		if w.Like != "" {
			query = "SELECT * FROM " + name + " WHERE `Variable_name` LIKE " + w.Like
		}
		taken, err := s.onShown(s.anyShard(), []*shownTable{t}, query, nil)
		if err != nil {
			return err
		}
		res.Rows = taken.Rows
	}
	s.foundRows = uint64(len(res.Rows))
	return s.sent(s.writeRows(res))
}

func textRows(res *backend.Result) []row {
	rows := make([]row, len(res.Rows))
	for i, r := range res.Rows {
		for _, f := range r {
			rows[i] = append(rows[i], string(f))
		}
	}
	return rows
}
