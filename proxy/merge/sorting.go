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
	reader := keyedReader{from: s.from, columns: s.columns, keys: s.keys}
	for {
		r, ok, err := reader.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		held := len(s.rows) + 1
		if err := s.budget.hold(held, heldRowSize); err != nil {
			return err
		}
		var h heldRow
		if h.key, err = memory.hold(held, r.key); err != nil {
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

// keyedReader gives rows in their encoded form, with their keys. Both are valid until the next row.
type keyedReader struct {
	from    source
	columns int
	keys    *keyCodec

	key, made []byte
	fields    []protocol.Field
}

func (k *keyedReader) next() (heldRow, bool, error) {
	r, ok, err := k.from.next()
	if err != nil || !ok {
		return heldRow{}, false, err
	}
	if r.fields == nil {
		if k.fields, err = decode(k.fields, r.payload, k.columns); err != nil {
			return heldRow{}, false, err
		}
		r.fields = k.fields
	}
	if r.payload == nil {
		k.made = protocol.AppendTextRow(k.made[:0], r.fields)
		r.payload = k.made
	}
	k.key, err = k.keys.append(k.key[:0], r.fields)
	return heldRow{key: k.key, payload: r.payload}, err == nil, err
}
