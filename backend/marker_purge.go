package backend

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lockstep/protocol"
)

// OldMarkers lists committed rows of this shard that are older than keep, those with a
// token older than keepToken; at most limit of each kind, oldest first.
func (s *Shard) OldMarkers(ctx context.Context, keep, keepToken time.Duration, limit int) ([]Marker, error) {
	if limit <= 0 {
		return nil, nil
	}
	var list []Marker
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		if err := c.SetState(ctx, committedReads); err != nil {
			return err
		}
		for hasToken, age := range []time.Duration{keep, keepToken} {
			// On the index age, in its order.
			sql := "SELECT " + markerColumns + " FROM lockstep.branch WHERE shard = " + hexLiteral(s.o.Name) +
				" AND has_token = " + strconv.Itoa(hasToken) +
				" AND created < UTC_TIMESTAMP(6) - INTERVAL " + strconv.FormatInt(max(age, 0).Microseconds(), 10) + " MICROSECOND" +
				" ORDER BY created LIMIT " + strconv.Itoa(limit)
			_, err := c.each(ctx, sql, func(row []protocol.Field) error {
				m, err := parseMarker(row)
				if err != nil {
					return fmt.Errorf("reading lockstep.branch: %w", err)
				}
				m.Committed = true
				list = append(list, m)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if missingMarkerTable(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("shard %s: listing old markers: %w", s.o.Name, s.markerTableError(err))
	}
	slices.SortStableFunc(list, func(a, b Marker) int { return int(b.Age - a.Age) })
	return list[:min(len(list), limit)], nil
}

// PurgeMarkers deletes the rows of these transactions at this shard, in batches that
// are committed one by one. It locks nothing but these rows: others insert beside them all the time.
func (s *Shard) PurgeMarkers(ctx context.Context, gtrids []string) error {
	if len(gtrids) == 0 {
		return nil
	}
	sorted := slices.Clone(gtrids)
	slices.Sort(sorted) // so that two proxies do not meet crosswise
	for batch := range slices.Chunk(sorted, markerBatch) {
		if err := s.changeMarkers(ctx, "DELETE FROM lockstep.branch"+s.among(batch)); err != nil {
			return fmt.Errorf("shard %s: deleting the markers of %d transactions: %w", s.o.Name, len(batch), s.markerTableError(err))
		}
	}
	return nil
}

// RenewMarkers lets the time that committed rows of these transactions are kept at this shard begin now, where they are
// older than age: of a branch that was in doubt for long, the row would be purged as soon as it is committed.
func (s *Shard) RenewMarkers(ctx context.Context, gtrids []string, age time.Duration) error {
	for batch := range slices.Chunk(slices.Sorted(slices.Values(gtrids)), markerBatch) {
		sql := "UPDATE lockstep.branch SET created = UTC_TIMESTAMP(6)" + s.among(batch) +
			" AND created < UTC_TIMESTAMP(6) - INTERVAL " + strconv.FormatInt(max(age, 0).Microseconds(), 10) + " MICROSECOND"
		if err := s.changeMarkers(ctx, sql); err != nil {
			return fmt.Errorf("shard %s: renewing the markers of %d transactions: %w", s.o.Name, len(batch), s.markerTableError(err))
		}
	}
	return nil
}

// changeMarkers changes rows by their keys, with autocommit on. Without the table there are none.
func (s *Shard) changeMarkers(ctx context.Context, sql string) error {
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		if err := c.checkPrimary(ctx); err != nil {
			return err
		}
		// No gaps are locked at this level.
		if err := c.SetState(ctx, committedReads); err != nil {
			return err
		}
		_, err := c.Exec(ctx, sql)
		if code(err) == 1665 { // a server that logs statements takes no changes at this level
			if err = c.SetState(ctx, anyState); err == nil {
				_, err = c.Exec(ctx, sql)
			}
		}
		return err
	})
	if missingMarkerTable(err) {
		return nil
	}
	return err
}
