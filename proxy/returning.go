package proxy

import (
	"errors"
	"slices"

	"lockstep/protocol"
	"lockstep/sharding"
)

// A change over several shards that answers with rows (RETURNING) has them kept until it is known that all of it took
// effect: they come in the order of the statement's rows, and behind the commit where it is a transaction of its own.

// returnedRows are those rows.
type returnedRows struct {
	limit   int64
	size    int64
	columns []protocol.Column
	rows    [][]protocol.Field
}

// newReturned is where a statement's rows are kept; nil: it has none.
func (s *session) newReturned(returning bool) *returnedRows {
	if !returning {
		return nil
	}
	return &returnedRows{limit: int64(s.p.cfg.Limits.MaxMergeBytes)}
}

// take reads one shard's rows. rows are the statement's rows that the shard had, nil: all of them.
func (k *returnedRows) take(from *protocol.Rows) ([][]protocol.Field, error) {
	k.columns = from.Columns()
	var list [][]protocol.Field
	for from.Next() {
		if k.size += int64(len(from.Payload())); k.size > k.limit {
			list = nil
			continue // to the end of the answer, so that the connection stays usable
		}
		row, err := protocol.ParseTextRow(nil, slices.Clone(from.Payload()), len(k.columns))
		if err != nil {
			return nil, errors.Join(err, from.Drain())
		}
		list = append(list, row)
	}
	if from.Err() == nil && k.size > k.limit {
		return nil, protocol.NewError(erRecordFileFull, "Lockstep: the rows of RETURNING take more than limits.max_merge_bytes")
	}
	return list, from.Err()
}

// addParts adds what the shards returned, in the order of the statement's rows.
// Where they are not numbered, sum says that each shard had rows of its own, not copies of the same ones.
func (k *returnedRows) addParts(targets []sharding.Target, lists [][][]protocol.Field, sum bool) error {
	if len(lists) == 1 {
		k.rows = append(k.rows, lists[0]...)
		return nil
	}
	type numbered struct {
		row    int
		fields []protocol.Field
	}
	var all []numbered
	for i, list := range lists {
		if len(targets[i].Rows) == 0 {
			if !sum {
				lists = lists[:1]
			}
			k.rows = append(k.rows, slices.Concat(lists...)...)
			return nil
		}
		if len(list) != len(targets[i].Rows) {
			return notSupported("RETURNING of rows for several shards where some of them were left out (IGNORE)")
		}
		for j, fields := range list {
			all = append(all, numbered{targets[i].Rows[j], fields})
		}
	}
	slices.SortStableFunc(all, func(a, b numbered) int { return a.row - b.row })
	for _, n := range all {
		k.rows = append(k.rows, n.fields)
	}
	return nil
}

// writeChange answers a change: with OK, or with the rows that it returns.
func (s *session) writeChange(ok protocol.OK, out *returnedRows) error {
	if out == nil || out.columns == nil {
		return s.writeOK(ok)
	}
	w := s.newResultWriter()
	if err := w.Columns(out.columns); err != nil {
		return err
	}
	for _, row := range out.rows {
		if err := w.Row(row); err != nil {
			return err
		}
	}
	s.rowCount, s.foundRows = -1, uint64(len(out.rows))
	return w.end(ok.Warnings)
}
