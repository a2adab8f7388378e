package merge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"lockstep/protocol"
	"lockstep/sharding"
)

// replay is a stream whose rows stay where they are, so that a benchmark
// measures the merge and not the copying of a test.
type replay struct {
	cols []protocol.Column
	rows [][]byte
	at   int
}

func (s *replay) Columns() []protocol.Column { return s.cols }
func (s *replay) Next() bool                 { s.at++; return s.at <= len(s.rows) }
func (s *replay) Payload() []byte            { return s.rows[s.at-1] }
func (s *replay) Err() error                 { return nil }

type discard struct{ rows, bytes int }

func (d *discard) Columns([]protocol.Column) error { return nil }
func (d *discard) Row(f []protocol.Field) error    { d.rows++; return nil }
func (d *discard) RawRow(p []byte) error           { d.rows++; d.bytes += len(p); return nil }

const benchRows = 100_000 // per shard

func benchStreams() func() []Stream {
	cols := []protocol.Column{column("k", protocol.TypeLong), column("c", protocol.TypeVarString), column("w", protocol.TypeVarString)}
	rnd := rand.New(rand.NewPCG(1, 1))
	var shards [3][][]byte
	for s := range shards {
		keys := make([]int, benchRows)
		for i := range keys {
			keys[i] = rnd.IntN(1_000_000)
		}
		slices.Sort(keys)
		for _, k := range keys {
			text := fmt.Sprintf("%030d", k%1000)
			shards[s] = append(shards[s], protocol.AppendTextRow(nil, texts(fmt.Sprint(k), text, text)))
		}
	}
	return func() []Stream {
		var out []Stream
		for _, rows := range shards {
			out = append(out, &replay{cols: cols, rows: rows})
		}
		return out
	}
}

func BenchmarkMerge(b *testing.B) {
	open := benchStreams()
	text := sharding.Key{Column: 1, Weight: 2}
	for _, bench := range []struct {
		name  string
		merge *sharding.Merge
	}{
		{"concatenate", nil},
		{"concatenate and cut", &sharding.Merge{Visible: 2, Limit: sharding.NoLimit}},
		{"k-way", &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, Sorted: true, OrderBy: []sharding.SortKey{asc(0)}}},
		{"k-way by weight", &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, Sorted: true, OrderBy: []sharding.SortKey{asc(0), {Key: text}}}},
		{"collect and sort", &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, OrderBy: []sharding.SortKey{{Key: text}, asc(0)}}},
		{"distinct", &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, Distinct: true, DistinctKeys: []sharding.Key{text}}},
		{"group", &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, Group: true, GroupKeys: []sharding.Key{text}, Aggregates: []sharding.Aggregate{{Column: 0, Func: sharding.AggSum}}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Run(bench.merge, open(), &discard{}, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(3*benchRows), "ns/row")
		})
	}
}

// Rows on their way cost no allocation: what is allocated does not grow with them.
func TestRowsAllocateNothing(t *testing.T) {
	open := benchStreams()
	for name, m := range map[string]*sharding.Merge{
		"concatenation":   nil,
		"cut":             {Visible: 2, Limit: sharding.NoLimit},
		"k-way":           {Visible: 2, Limit: sharding.NoLimit, Sorted: true, OrderBy: []sharding.SortKey{asc(0), {Key: sharding.Key{Column: 1, Weight: 2}}}},
		"sorted distinct": {Visible: 2, Limit: sharding.NoLimit, Sorted: true, OrderBy: []sharding.SortKey{asc(0)}, Distinct: true, DistinctKeys: []sharding.Key{plain(0)}},
		"sorted group": {Visible: 2, Limit: sharding.NoLimit, Sorted: true, OrderBy: []sharding.SortKey{asc(0)}, Group: true, GroupKeys: []sharding.Key{plain(0)},
			Aggregates: []sharding.Aggregate{{Column: 1, Func: sharding.AggMax, Weight: 2}}},
	} {
		n := testing.AllocsPerRun(1, func() {
			if _, err := Run(m, open(), &discard{}, Limits{}); err != nil {
				t.Fatal(err)
			}
		})
		if n > 100 {
			t.Errorf("%s: %.0f allocations for %d rows", name, n, 3*benchRows)
		}
	}
}
