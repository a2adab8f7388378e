package proxy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"lockstep/protocol"
	"lockstep/sharding"
)

// An INSERT whose rows go to several shards is answered as if one server had had all of them: rows are
// counted from the first one of the client's statement, not of a shard's part.

// asWhole brings the answer of one shard to its part in line with that.
func (s *session) asWhole(part *sharding.Target, ok *protocol.OK, err error) {
	if len(part.Rows) == 0 {
		return
	}
	var se *protocol.ServerError
	switch {
	case errors.As(err, &se):
		se.Message = renumberRow(se.Message, part.Rows)
	case err == nil && len(part.Rows) == 1 && ok.Info == "":
		ok.Info = oneRowInfo(*ok, s.plan.Ignore)
	}
}

// oneRowInfo is what a server says of several rows, for the one that is not told about: it counts as
// a duplicate where it was left out, or took the place of others.
func oneRowInfo(ok protocol.OK, ignore bool) string {
	var duplicates uint64
	switch {
	case ok.AffectedRows > 1:
		duplicates = ok.AffectedRows - 1
	case ignore && ok.AffectedRows == 0:
		duplicates = 1
	}
	return fmt.Sprintf("Records: 1  Duplicates: %d  Warnings: %d", duplicates, ok.Warnings)
}

var atRow = regexp.MustCompile(`\bat row (\d+)`)

// rowOf is the number of the row that a server's message names; 0: none.
func rowOf(text string) int {
	m := atRow.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0 // larger than any
	}
	return n
}

// renumberRow has the row that a message names counted in the whole statement.
func renumberRow(text string, rows []int) string {
	n := rowOf(text)
	if n < 1 || n > len(rows) {
		return text
	}
	at := atRow.FindStringIndex(text)
	return text[:at[0]] + "at row " + strconv.Itoa(rows[n-1]) + text[at[1]:]
}

// failedFirst ends a statement that failed on several shards: of errors that all name a row one server would have met the
// first one's.
func (s *session) failedFirst(parts []part, end func() error) error {
	var first *protocol.ServerError
	for i := range parts {
		if parts[i].err == nil {
			continue
		}
		var se *protocol.ServerError
		if !errors.As(parts[i].err, &se) || rowOf(se.Message) == 0 {
			return end()
		}
		if first == nil || rowOf(se.Message) < rowOf(first.Message) {
			first = se
		}
	}
	err := end()
	var told *protocol.ServerError
	if first == nil || !errors.As(err, &told) || rowOf(told.Message) == 0 {
		return err // the transaction's end, or a shard's
	}
	return first
}

// lastID is the id that the answers of several shards come to: that of the last row which has one.
func (s *session) lastID(oks []protocol.OK) (id uint64) {
	last := -1
	for i, ok := range oks {
		row := 0
		if rows := s.plan.Targets[i].Rows; len(rows) > 0 {
			row = rows[len(rows)-1]
		}
		if ok.LastInsertID != 0 && row > last {
			id, last = ok.LastInsertID, row
		}
	}
	return id
}

var infoWarnings = regexp.MustCompile(`Warnings: \d+$`)

// withWarnings corrects the number of warnings that an informational message tells, as far as it is known.
func withWarnings(info string, n int) string {
	if n == 0 || n >= maxConditions {
		return info
	}
	return infoWarnings.ReplaceAllString(info, "Warnings: "+strconv.Itoa(n))
}

// onceOnly are warnings about a statement's text, which every shard gives for its part: what is deprecated.
var onceOnly = []uint16{1287, 1681, 3719, 3778}

// asWhole makes the conditions that several shards have added, from the given one on, those of one statement.
func (d *diagnostics) asWhole(from int) {
	from = min(from, len(d.entries))
	whole := d.entries[:from]
	for _, e := range d.entries[from:] {
		if !slices.Contains(onceOnly, e.code) || !slices.Contains(whole[from:], e) {
			whole = append(whole, e)
		}
	}
	d.entries = whole
	d.sortByRow(from)
}

// sortByRow puts the conditions from the given one on in the order of their rows, where all name one.
func (d *diagnostics) sortByRow(from int) {
	added := d.entries[from:]
	for _, e := range added {
		if rowOf(e.text) == 0 {
			return
		}
	}
	slices.SortStableFunc(added, func(a, b condition) int { return rowOf(a.text) - rowOf(b.text) })
}

// shiftRow counts the row that a message names behind those of the statements before.
func shiftRow(text string, before int) string {
	n := rowOf(text)
	if n < 1 || before == 0 {
		return text
	}
	at := atRow.FindStringIndex(text)
	return text[:at[0]] + "at row " + strconv.Itoa(n+before) + text[at[1]:]
}
