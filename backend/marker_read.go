package backend

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
)

// markerBatch is how many transactions one statement names. Short of the length from
// which MariaDB makes a subquery of a list (in_predicate_conversion_threshold, 1000).
const markerBatch = 500

const markerColumns = "gtrid, state + 0, participants, coordinator, connection_id, token, TIMESTAMPDIFF(MICROSECOND, created, UTC_TIMESTAMP(6))"

var (
	dirtyReads     = &State{Vars: []Variable{{"transaction_isolation", "'READ-UNCOMMITTED'"}}}
	committedReads = &State{Vars: []Variable{{"transaction_isolation", "'READ-COMMITTED'"}}}
)

// Markers reads the rows of these transactions at this shard, those of open and prepared branches
// too. A transaction without one is left out; without the table there are none.
//
// First all are read uncommitted, then all committed, so a row without Committed was not committed
// when the second read began, and a row that was committed before the call is never shown otherwise. What can
// still have happened when the answer is looked at: an uncommitted row was committed or rolled back since, and a row
// has come where none was. Only the fence proves that none will.
func (s *Shard) Markers(ctx context.Context, gtrids []string) ([]Marker, error) {
	if len(gtrids) == 0 {
		return nil, nil
	}
	var tails []string
	for batch := range slices.Chunk(gtrids, markerBatch) {
		tails = append(tails, s.among(batch))
	}
	return s.readMarkers(ctx, fmt.Sprintf("reading the markers of %d transactions", len(gtrids)), tails)
}

// TokenMarkers reads the rows with this token, uncommitted ones too, as Markers does.
func (s *Shard) TokenMarkers(ctx context.Context, token string) ([]Marker, error) {
	if len(token) > maxMarkerText {
		return nil, &TokenLengthError{len(token)}
	}
	return s.readMarkers(ctx, "looking a token up", []string{" WHERE token = " + hexLiteral(token) + " AND shard = " + hexLiteral(s.o.Name)})
}

// among is the condition of a transaction's row at this shard.
func (s *Shard) among(gtrids []string) string {
	b := append([]byte(nil), " WHERE gtrid IN ("...)
	for i, g := range gtrids {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendHex(b, g)
	}
	return string(appendHex(append(b, ") AND shard = "...), s.o.Name))
}

func (s *Shard) readMarkers(ctx context.Context, what string, tails []string) ([]Marker, error) {
	var list []Marker
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) (err error) {
		list, err = c.markers(ctx, tails)
		return err
	})
	if missingMarkerTable(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("shard %s: %s: %w", s.o.Name, what, s.markerTableError(err))
	}
	return list, nil
}

// markers reads dirty, then committed.
func (c *Conn) markers(ctx context.Context, tails []string) ([]Marker, error) {
	var list []Marker
	at := map[string]int{}
	for _, isolation := range []*State{dirtyReads, committedReads} {
		if err := c.SetState(ctx, isolation); err != nil {
			return nil, err
		}
		committed := isolation == committedReads
		for _, tail := range tails {
			_, err := c.each(ctx, "SELECT "+markerColumns+" FROM lockstep.branch"+tail, func(row []protocol.Field) error {
				m, err := parseMarker(row)
				if err != nil {
					return fmt.Errorf("reading lockstep.branch: %w", err)
				}
				m.Committed = committed
				if i, ok := at[m.GTRID]; ok {
					list[i] = m // the dirty row may have given way to another
					return nil
				}
				at[m.GTRID] = len(list)
				list = append(list, m)
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

func parseMarker(row []protocol.Field) (m Marker, err error) {
	if len(row) != 7 {
		return m, fmt.Errorf("row of %d columns", len(row))
	}
	m = Marker{GTRID: string(row[0]), Coordinator: string(row[3]), Token: string(row[5])}
	state, err := strconv.ParseUint(string(row[1]), 10, 8)
	if err != nil || MarkerState(state).String() == "invalid" {
		return m, fmt.Errorf("state %q of %q", row[1], m.GTRID)
	}
	m.State = MarkerState(state)
	if len(row[2]) > 0 {
		m.Participants = strings.Split(string(row[2]), ",")
	}
	if m.Connection, err = strconv.ParseUint(string(row[4]), 10, 64); err != nil {
		return m, fmt.Errorf("connection of %q: %w", m.GTRID, err)
	}
	age, err := strconv.ParseInt(string(row[6]), 10, 64)
	if err != nil {
		return m, fmt.Errorf("age of %q: %w", m.GTRID, err)
	}
	m.Age = time.Duration(age) * time.Microsecond // below zero when the server's clock was put back
	return m, nil
}
