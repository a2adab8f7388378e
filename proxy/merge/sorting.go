package merge

import (
	"bytes"
	"slices"

	"lockstep/protocol"
)

// sorting collects all rows, under the limits, and gives them out in order.
type sorting struct {
	from    source
	columns int
	keys    *keyCodec
	budget  *budget

	rows      []heldRow
	at        int
	collected bool
}

type heldRow struct{ key, payload []byte }

const heldRowSize = 96 // bytes of a heldRow, and of the room that the list has while it grows

func (s *sorting) next() (row, bool, error) {
	if !s.collected {
		if err := s.collect(); err != nil {
			return row{}, false, err
		}
	}
	if s.at >= len(s.rows) {
		return row{}, false, nil
	}
	r := row{payload: s.rows[s.at].payload}
	s.at++
	return r, true, nil
}

func (s *sorting) collect() error {
	s.collected = true
	memory := arena{budget: s.budget}
	var key, made []byte
	var fields []protocol.Field
	for {
		r, ok, err := s.from.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if r.fields == nil {
			if fields, err = decode(fields, r.payload, s.columns); err != nil {
				return err
			}
			r.fields = fields
		}
		if r.payload == nil {
			made = protocol.AppendTextRow(made[:0], r.fields)
			r.payload = made
		}
		if key, err = s.keys.append(key[:0], r.fields); err != nil {
			return err
		}
		held := len(s.rows) + 1
		if err := s.budget.hold(held, heldRowSize); err != nil {
			return err
		}
		var h heldRow
		if h.key, err = memory.hold(held, key); err != nil {
			return err
		}
		if h.payload, err = memory.hold(held, r.payload); err != nil {
			return err
		}
		s.rows = append(s.rows, h)
	}
	slices.SortStableFunc(s.rows, func(a, b heldRow) int { return bytes.Compare(a.key, b.key) })
	return nil
}
