package merge

import (
	"strconv"
	"strings"
	"testing"

	"lockstep/protocol"
	"lockstep/sharding"
)

// key, count, sum, minimum, weight of the minimum, average, bits
var groupColumns = []protocol.Column{
	column("k", protocol.TypeVarString), column("n", protocol.TypeLongLong), column("sum", protocol.TypeNewDecimal), column("least", protocol.TypeVarString),
	{Name: "mean", Type: protocol.TypeNewDecimal, Decimals: 6}, column("bits", protocol.TypeLongLong), column("weight", protocol.TypeVarString),
}

func groupMerge(keys ...int) *sharding.Merge {
	m := &sharding.Merge{Visible: 6, Limit: sharding.NoLimit, Group: true, Aggregates: []sharding.Aggregate{
		{Column: 1, Func: sharding.AggCount},
		{Column: 2, Func: sharding.AggSum},
		{Column: 3, Func: sharding.AggMin, Weight: 6},
		{Column: 4, Func: sharding.AggAvg, Sum: 2, Count: 1},
		{Column: 5, Func: sharding.AggBitXor},
	}}
	for _, k := range keys {
		m.GroupKeys = append(m.GroupKeys, plain(k))
	}
	return m
}

func TestGroups(t *testing.T) {
	shards := func() []Stream {
		return streams(
			stream(groupColumns, texts("NULL", "1", "0.50", "b", "0.500000", "1", "B"), texts("x", "2", "-1.00", "C", "-0.500000", "6", "C"), texts("y", "1", "NULL", "NULL", "NULL", "0", "NULL")),
			stream(groupColumns, texts("NULL", "2", "1.25", "a", "0.625000", "3", "A"), texts("x", "1", "3.25", "D", "3.250000", "5", "D"), texts("z", "0", "NULL", "", "NULL", "18446744073709551615", "")))
	}
	want := []string{"NULL|3|1.75|a|0.583333|2", "x|3|2.25|C|0.750000|3", "y|1|NULL|NULL|NULL|0", "z|0|NULL||NULL|18446744073709551615"}
	for _, sorted := range []bool{false, true} {
		m := groupMerge(0)
		if sorted {
			m.OrderBy, m.Sorted = []sharding.SortKey{asc(0)}, true
		}
		var c collector
		stats, err := Run(m, shards(), &c, Limits{})
		if err != nil || stats != (Stats{Rows: 4, FoundRows: 4, Complete: true}) {
			t.Errorf("sorted %v: %+v, %v", sorted, stats, err)
		}
		wantRows(t, c.rows, want...)
	}
	t.Run("by the merged value", func(t *testing.T) {
		m := groupMerge(0)
		m.OrderBy, m.Limit = []sharding.SortKey{desc(2), asc(0)}, 3
		var c collector
		if _, err := Run(m, shards(), &c, Limits{}); err != nil {
			t.Fatal(err)
		}
		wantRows(t, c.rows, want[1], want[0], want[2])
	})
	t.Run("by the weight of a minimum", func(t *testing.T) {
		m := groupMerge(0)
		m.OrderBy = []sharding.SortKey{{Key: sharding.Key{Column: 3, Weight: 6}, Desc: true}, asc(0)}
		var c collector
		if _, err := Run(m, shards(), &c, Limits{}); err != nil {
			t.Fatal(err)
		}
		wantRows(t, c.rows, want[1], want[0], want[3], want[2])
	})
	t.Run("distinct groups", func(t *testing.T) {
		m := groupMerge(0)
		m.Distinct, m.DistinctKeys = true, []sharding.Key{plain(1)}
		var c collector
		if _, err := Run(m, shards(), &c, Limits{}); err != nil {
			t.Fatal(err)
		}
		wantRows(t, c.rows, want[0], want[2], want[3])
	})
	t.Run("a row sent on is not the next group's", func(t *testing.T) {
		m := groupMerge(0)
		m.OrderBy, m.Sorted = []sharding.SortKey{asc(0)}, true
		m.Distinct, m.DistinctKeys = true, []sharding.Key{plain(0)}
		var c collector
		if _, err := Run(m, shards(), &c, Limits{}); err != nil {
			t.Fatal(err)
		}
		wantRows(t, c.rows, want...)
	})
}

func TestOneGroupInAll(t *testing.T) {
	run := func(m *sharding.Merge, shards ...*fakeStream) []string {
		t.Helper()
		var c collector
		stats, err := Run(m, streams(shards...), &c, Limits{})
		if err != nil || int(stats.Rows) != len(c.rows) {
			t.Fatalf("%+v, %v", stats, err)
		}
		return show(c.rows)
	}
	empty := texts("NULL", "0", "NULL", "NULL", "NULL", "0", "NULL")
	for _, test := range []struct {
		name   string
		shards []*fakeStream
		want   string
	}{
		{"empty tables", []*fakeStream{stream(groupColumns, empty), stream(groupColumns, empty)}, "NULL|0|NULL|NULL|NULL|0"},
		{"no rows at all", []*fakeStream{stream(groupColumns), stream(groupColumns)}, "NULL|0|NULL|NULL|NULL|0"},
		{"rows on the second shard", []*fakeStream{stream(groupColumns, empty), stream(groupColumns, texts("k", "2", "3.00", "m", "1.500000", "7", "M"))}, "k|2|3.00|m|1.500000|7"},
	} {
		if got := run(groupMerge(), test.shards...); len(got) != 1 || got[0] != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	m := groupMerge()
	m.Limit = 0
	if got := run(m, stream(groupColumns, empty)); len(got) != 0 {
		t.Errorf("LIMIT 0 gave %q", got)
	}
	m = groupMerge()
	m.OrderBy, m.Sorted = []sharding.SortKey{asc(1)}, true
	if got := run(m, stream(groupColumns), stream(groupColumns)); len(got) != 1 {
		t.Errorf("ORDER BY took the only group: %q", got)
	}
	bits := []protocol.Column{column("and", protocol.TypeLongLong)}
	m = &sharding.Merge{Visible: 1, Limit: sharding.NoLimit, Group: true, Aggregates: []sharding.Aggregate{{Column: 0, Func: sharding.AggBitAnd}}}
	if got := run(m, stream(bits)); got[0] != "18446744073709551615" {
		t.Errorf("BIT_AND of nothing is %q", got)
	}
	if got := run(m, stream(bits, texts("12")), stream(bits, texts("18446744073709551615")), stream(bits, texts("10"))); got[0] != "8" {
		t.Errorf("BIT_AND is %q", got)
	}
}

// TestGroupsOutOfOrder: a group would come twice if a shard's order were not the one that was asked for.
func TestGroupsOutOfOrder(t *testing.T) {
	cols := []protocol.Column{column("k", protocol.TypeLong), column("n", protocol.TypeLongLong)}
	for _, by := range []bool{false, true} {
		m := &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, Group: true, GroupKeys: []sharding.Key{plain(0)},
			Arrival: []sharding.SortKey{asc(0)}, Aggregates: []sharding.Aggregate{{Column: 1, Func: sharding.AggCount}}}
		if by {
			m.OrderBy = []sharding.SortKey{desc(1), asc(0)}
		}
		var c collector
		good := streams(stream(cols, texts("1", "2"), texts("2", "1"), texts("3", "1")), stream(cols, texts("1", "1"), texts("3", "7")))
		if _, err := Run(m, good, &c, Limits{Rows: 4}); err != nil {
			t.Error(err)
		}
		want := []string{"1|3", "2|1", "3|8"}
		if by {
			want = []string{"3|8", "1|3", "2|1"}
		}
		wantRows(t, c.rows, want...)
		bad := streams(stream(cols, texts("1", "2"), texts("3", "1"), texts("2", "1")), stream(cols, texts("1", "1")))
		if _, err := Run(m, bad, &collector{}, Limits{}); err == nil || !strings.Contains(err.Error(), "out of order") {
			t.Errorf("out of order: %v", err)
		}
	}
}

// TestManyGroupsInOrder: groups that come in order are not held.
func TestManyGroupsInOrder(t *testing.T) {
	cols := []protocol.Column{column("k", protocol.TypeLong), column("n", protocol.TypeLongLong)}
	m := &sharding.Merge{Visible: 2, Limit: 3, Group: true, GroupKeys: []sharding.Key{plain(0)}, Arrival: []sharding.SortKey{asc(0)},
		Aggregates: []sharding.Aggregate{{Column: 1, Func: sharding.AggCount}}, OrderBy: []sharding.SortKey{desc(1), asc(0)}}
	var shards []Stream
	for range 2 {
		var rows [][]protocol.Field
		for i := range 5000 {
			rows = append(rows, texts(strconv.Itoa(i), strconv.Itoa(i%1000)))
		}
		shards = append(shards, stream(cols, rows...))
	}
	var c collector
	if _, err := Run(m, shards, &c, Limits{Rows: 3, Bytes: 1000}); err != nil {
		t.Fatal(err)
	}
	wantRows(t, c.rows, "999|1998", "1999|1998", "2999|1998")
}
