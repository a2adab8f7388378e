package merge

import (
	"errors"
	"fmt"
	"math"

	"lockstep/protocol"
	"lockstep/sharding"
)

// Stream is one shard's result (protocol.Rows satisfies it).
type Stream interface {
	Columns() []protocol.Column
	Next() bool
	Payload() []byte // a text-protocol row, valid until the next Next
	Err() error
}

// Sink takes the merged rows. Fields alias the merger's memory and are valid during the call only.
type Sink interface {
	Columns(cols []protocol.Column) error
	Row(fields []protocol.Field) error
}

// RawSink is a Sink that also takes rows in their encoded form. Rows that need
// no change are then not decoded: payload is a whole text-protocol row of the
// visible columns, valid during the call only. Rows of merged groups still come
// through Row.
type RawSink interface {
	Sink
	RawRow(payload []byte) error
}

// Stats of one merge.
type Stats struct {
	Rows      uint64 // sent to the sink
	FoundRows uint64 // what FOUND_ROWS() would say: all rows before the LIMIT with Merge.FoundRows, else those that were read up to it
	Complete  bool   // all streams were read to the end (otherwise the caller must drain or discard the connections)
}

// Run merges the streams as m says into sink. m == nil means plain
// concatenation. It reads the streams from the calling goroutine and starts no
// other. An error of a stream or of the sink ends the merge and is returned as it
// is; a *protocol.ServerError of code 1104 says that a limit was passed. The sink's
// Columns is called once, before any row.
func Run(m *sharding.Merge, streams []Stream, sink Sink, l Limits) (Stats, error) {
	return RunWith(nil, m, streams, sink, l)
}

// RunWith is Run with a server that computes what the plan asks for (Merge.Compute). It is asked once all streams have been read.
func RunWith(server Evaluator, m *sharding.Merge, streams []Stream, sink Sink, l Limits) (Stats, error) {
	if len(streams) == 0 {
		return Stats{}, errors.New("merge: no streams")
	}
	cols, err := mergeColumns(streams)
	if err != nil {
		return Stats{}, err
	}
	adoptNotNull(m, cols)
	p, err := newPipeline(server, m, cols, streams, l)
	if err != nil {
		return Stats{}, err
	}
	if err := sink.Columns(cols[:p.visible]); err != nil {
		return Stats{}, err
	}
	stats, err := p.run(sink)
	stats.Complete = err == nil && p.in.complete()
	return stats, err
}

// pipeline is one merge: the chain of sources, and the last of them.
type pipeline struct {
	in      *input
	shown   *selection
	last    source
	visible int
}

func newPipeline(server Evaluator, m *sharding.Merge, cols []protocol.Column, streams []Stream, l Limits) (*pipeline, error) {
	p := &pipeline{in: newInput(streams, len(cols)), visible: len(cols)}
	p.shown = &selection{limit: sharding.NoLimit}
	p.last = p.shown
	if m == nil {
		p.shown.from = &concatenation{in: p.in}
		return p, nil
	}
	if m.Visible < 0 || m.Visible > len(cols) {
		return nil, fmt.Errorf("merge: %d visible columns of %d", m.Visible, len(cols))
	}
	if m.Visible > 0 {
		p.visible = m.Visible
	}
	p.shown.offset, p.shown.limit, p.shown.countAll = m.Offset, m.Limit, m.FoundRows
	var err error
	if p.shown.from, err = chain(server, m, cols, p.in, &budget{limits: l}); err != nil {
		return nil, err
	}
	if m.Late != nil {
		p.last, err = newComputing(m.Late, cols, p.shown, server)
	}
	return p, err
}

// chain builds the sources: see the package's picture.
func chain(server Evaluator, m *sharding.Merge, cols []protocol.Column, in *input, b *budget) (source, error) {
	order, err := newKeyCodec(m.OrderBy, cols)
	if err != nil {
		return nil, err
	}
	ordered := m.Sorted && len(m.OrderBy) > 0
	arrival, arrivalOrder := m.Arrival, order
	if ordered {
		arrival = m.OrderBy
	} else if arrivalOrder, err = newKeyCodec(arrival, cols); err != nil {
		return nil, err
	}
	var s source = &concatenation{in: in}
	if len(arrival) > 0 {
		s = newKWay(in, arrivalOrder, m.Group)
	}
	if m.Group {
		adjacent := len(arrival) > 0 && len(m.GroupKeys) > 0 && leadsWith(arrival, m.GroupKeys)
		if s, err = newGrouping(m, cols, s, adjacent, b); err != nil {
			return nil, err
		}
		// Groups met in the order of other keys are out of order again.
		ordered = adjacent && ordered
		if m.Compute != nil {
			if s, err = newComputing(m.Compute, cols, s, server); err != nil {
				return nil, err
			}
		}
	}
	if m.Distinct {
		if len(m.DistinctKeys) == 0 {
			return nil, errors.New("merge: DISTINCT without keys")
		}
		keys, err := newKeyCodec(ascending(m.DistinctKeys), cols)
		if err != nil {
			return nil, err
		}
		s = &distinct{from: s, columns: len(cols), keys: keys, adjacent: ordered && leadsWith(m.OrderBy, m.DistinctKeys), budget: b}
	}
	if len(m.OrderBy) > 0 && !ordered {
		s = sorted(m, s, len(cols), order, b)
	}
	return s, nil
}

// sorted puts rows in order: all of them, or the first that a LIMIT lets through.
func sorted(m *sharding.Merge, from source, columns int, order *keyCodec, b *budget) source {
	first := m.Offset + m.Limit
	if m.FoundRows || m.Limit == sharding.NoLimit || first < m.Limit || first > math.MaxInt32 {
		return &sorting{from: from, columns: columns, keys: order, budget: b}
	}
	return &firstRows{from: from, columns: columns, keys: order, budget: b, keep: int(first)}
}

// leadsWith says whether rows in the order of keys have rows of equal group
// values next to each other: the first sort keys are just those columns.
func leadsWith(order []sharding.SortKey, group []sharding.Key) bool {
	need := map[int]bool{}
	for _, k := range group {
		need[k.Column] = true
	}
	for _, k := range order {
		if len(need) == 0 {
			return true
		}
		if !need[k.Column] {
			return false
		}
		delete(need, k.Column)
	}
	return len(need) == 0
}

func ascending(keys []sharding.Key) []sharding.SortKey {
	sorted := make([]sharding.SortKey, len(keys))
	for i, k := range keys {
		sorted[i] = sharding.SortKey{Key: k}
	}
	return sorted
}

// run pulls rows into the sink.
func (p *pipeline) run(sink Sink) (stats Stats, err error) {
	raw, _ := sink.(RawSink)
	cut := p.visible < p.in.columns
	var fields []protocol.Field
	for {
		r, ok, err := p.last.next()
		stats.FoundRows = p.shown.found
		if err != nil || !ok {
			return stats, err
		}
		switch {
		case r.fields != nil && (raw == nil || r.payload == nil):
			err = sink.Row(r.fields[:p.visible])
		case raw != nil && !cut:
			err = raw.RawRow(r.payload)
		case raw != nil:
			// The visible columns come first, so what is sent is the head of the row.
			var end int
			if end, err = rowPrefix(r.payload, p.visible); err == nil {
				err = raw.RawRow(r.payload[:end])
			}
		default:
			if fields, err = decode(fields, r.payload, p.in.columns); err == nil {
				err = sink.Row(fields[:p.visible])
			}
		}
		if err != nil {
			return stats, err
		}
		stats.Rows++
	}
}
