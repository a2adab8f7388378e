package merge

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lockstep/protocol"
	"lockstep/sharding"
)

var twoColumns = []protocol.Column{column("a", protocol.TypeLong), column("b", protocol.TypeVarString)}

func plain(k int) sharding.Key { return sharding.Key{Column: k, Weight: -1} }

func asc(k int) sharding.SortKey  { return sharding.SortKey{Key: plain(k)} }
func desc(k int) sharding.SortKey { return sharding.SortKey{Key: plain(k), Desc: true} }

func threeShards() []Stream {
	return streams(
		stream(twoColumns, texts("NULL", "n"), texts("2", "x"), texts("9", "y")),
		stream(twoColumns),
		stream(twoColumns, texts("-3", "z"), texts("2", "w"), texts("10", "v")))
}

func TestRun(t *testing.T) {
	sorted := []sharding.SortKey{asc(0)}
	for _, test := range []struct {
		name  string
		merge *sharding.Merge
		rows  []string
		stats Stats
	}{
		{"concatenation", nil, []string{"NULL|n", "2|x", "9|y", "-3|z", "2|w", "10|v"}, Stats{6, 6, true}},
		{"hidden column", &sharding.Merge{Visible: 1, Limit: sharding.NoLimit}, []string{"NULL", "2", "9", "-3", "2", "10"}, Stats{6, 6, true}},
		{"limit ends early", &sharding.Merge{Visible: 2, Limit: 2}, []string{"NULL|n", "2|x"}, Stats{2, 2, false}},
		{"offset and limit", &sharding.Merge{Visible: 2, Offset: 2, Limit: 2}, []string{"9|y", "-3|z"}, Stats{2, 4, false}},
		{"offset past the end", &sharding.Merge{Visible: 2, Offset: 20, Limit: 2}, nil, Stats{0, 6, true}},
		{"limit 0", &sharding.Merge{Visible: 2, Limit: 0, OrderBy: sorted, Sorted: true}, nil, Stats{0, 0, false}},
		{"limit 0 of a collected sort", &sharding.Merge{Visible: 2, Limit: 0, OrderBy: sorted}, nil, Stats{0, 0, false}},
		{"found rows", &sharding.Merge{Visible: 2, Offset: 1, Limit: 1, FoundRows: true}, []string{"2|x"}, Stats{1, 6, true}},
		{"sorted streams", &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, OrderBy: sorted, Sorted: true},
			[]string{"NULL|n", "-3|z", "2|x", "2|w", "9|y", "10|v"}, Stats{6, 6, true}},
		{"sorted streams, hidden key", &sharding.Merge{Visible: 1, Limit: 3, OrderBy: sorted, Sorted: true},
			[]string{"NULL", "-3", "2"}, Stats{3, 3, false}},
		{"descending", &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, OrderBy: []sharding.SortKey{desc(0), asc(1)}},
			[]string{"10|v", "9|y", "2|w", "2|x", "-3|z", "NULL|n"}, Stats{6, 6, true}},
		{"distinct", &sharding.Merge{Visible: 1, Limit: sharding.NoLimit, Distinct: true, DistinctKeys: []sharding.Key{plain(0)}},
			[]string{"NULL", "2", "9", "-3", "10"}, Stats{5, 5, true}},
		{"distinct, sorted", &sharding.Merge{Visible: 1, Limit: 3, Distinct: true, DistinctKeys: []sharding.Key{plain(0)}, OrderBy: sorted, Sorted: true},
			[]string{"NULL", "-3", "2"}, Stats{3, 3, false}},
		{"distinct, then sorted", &sharding.Merge{Visible: 1, Limit: sharding.NoLimit, Distinct: true, DistinctKeys: []sharding.Key{plain(0)}, OrderBy: []sharding.SortKey{desc(0)}},
			[]string{"10", "9", "2", "-3", "NULL"}, Stats{5, 5, true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var decoded collector
			stats, err := Run(test.merge, threeShards(), &decoded, Limits{})
			if err != nil || stats != test.stats {
				t.Errorf("stats %+v, %v, want %+v", stats, err, test.stats)
			}
			wantRows(t, decoded.rows, test.rows...)

			var raw rawCollector
			stats, err = Run(test.merge, threeShards(), &raw, Limits{})
			if err != nil || stats != test.stats || raw.raw != len(test.rows) {
				t.Errorf("encoded: stats %+v, %v, %d encoded rows", stats, err, raw.raw)
			}
			wantRows(t, raw.rows, test.rows...)
		})
	}
}

func TestColumnsAreTheUnion(t *testing.T) {
	a := protocol.Column{Name: "s", Type: protocol.TypeVarString, Length: 5, Flags: protocol.FlagNotNull | protocol.FlagPriKey, Decimals: 0}
	b := a
	b.Length, b.Flags = 9, protocol.FlagPriKey
	var c collector
	if _, err := Run(nil, streams(stream([]protocol.Column{a}), stream([]protocol.Column{b}), stream([]protocol.Column{a})), &c, Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := c.cols[0]; got.Length != 9 || got.Flags != protocol.FlagPriKey {
		t.Errorf("%+v", got)
	}
	for name, change := range map[string]func(*protocol.Column){
		"type":     func(c *protocol.Column) { c.Type = protocol.TypeDouble },
		"unsigned": func(c *protocol.Column) { c.Flags |= protocol.FlagUnsigned },
		"charset":  func(c *protocol.Column) { c.Charset++ },
	} {
		b := a
		change(&b)
		_, err := Run(nil, streams(stream([]protocol.Column{a}), stream([]protocol.Column{b})), &c, Limits{})
		var e *protocol.ServerError
		if !errors.As(err, &e) || !strings.Contains(e.Message, "'s'") {
			t.Errorf("%s differs: %v", name, err)
		}
	}
	if _, err := Run(nil, streams(stream([]protocol.Column{a}), stream([]protocol.Column{a, a})), &c, Limits{}); err == nil {
		t.Error("different numbers of columns were merged")
	}
	if _, err := Run(nil, streams(stream(nil)), &c, Limits{}); err == nil {
		t.Error("an answer without columns was merged")
	}
	if _, err := Run(nil, nil, &c, Limits{}); err == nil {
		t.Error("nothing was merged")
	}
}

// A server calls an expression CHAR or VARCHAR, INT or BIGINT, by its plan.
func TestTypesOfExpressionsAreWidened(t *testing.T) {
	for _, types := range [][3]protocol.ColumnType{
		{protocol.TypeVarString, protocol.TypeString, protocol.TypeVarString},
		{protocol.TypeString, protocol.TypeVarString, protocol.TypeVarString},
		{protocol.TypeVarString, protocol.TypeBlob, protocol.TypeBlob},
		{protocol.TypeLong, protocol.TypeLongLong, protocol.TypeLongLong},
	} {
		a, b := column("e", types[0]), column("e", types[1])
		var c collector
		if _, err := Run(nil, streams(stream([]protocol.Column{a}), stream([]protocol.Column{b})), &c, Limits{}); err != nil || c.cols[0].Type != types[2] {
			t.Errorf("%v: %v, %v", types, c.cols, err)
		}
		b.OrgTable = "t"
		if _, err := Run(nil, streams(stream([]protocol.Column{a}), stream([]protocol.Column{b})), &c, Limits{}); err == nil {
			t.Errorf("%v: columns of tables that differ were merged", types)
		}
	}
}

func TestErrorsEndTheMerge(t *testing.T) {
	order := []sharding.SortKey{asc(0)}
	for name, m := range map[string]*sharding.Merge{
		"concatenation": nil,
		"k-way":         {Visible: 2, Limit: sharding.NoLimit, OrderBy: order, Sorted: true},
		"sort":          {Visible: 2, Limit: sharding.NoLimit, OrderBy: order},
		"distinct":      {Visible: 2, Limit: sharding.NoLimit, Distinct: true, DistinctKeys: []sharding.Key{plain(0)}},
		"group":         {Visible: 2, Limit: sharding.NoLimit, Group: true, GroupKeys: []sharding.Key{plain(0)}},
		"sorted group":  {Visible: 2, Limit: sharding.NoLimit, Group: true, GroupKeys: []sharding.Key{plain(0)}, OrderBy: order, Sorted: true},
	} {
		bad := stream(twoColumns, texts("1", "x"), texts("2", "y"))
		bad.fails = errBroken
		stats, err := Run(m, streams(stream(twoColumns, texts("1", "x")), bad), &collector{}, Limits{})
		if !errors.Is(err, errBroken) || stats.Complete {
			t.Errorf("%s: a stream's error became %v, %+v", name, err, stats)
		}
		full := &collector{fails: errBroken, after: 1}
		if _, err := Run(m, threeShards(), full, Limits{}); !errors.Is(err, errBroken) {
			t.Errorf("%s: the sink's error became %v", name, err)
		}
		cut := stream(twoColumns, texts("1", "x"))
		cut.rows[0] = cut.rows[0][:3]
		if _, err := Run(m, streams(cut), &collector{}, Limits{}); err == nil {
			t.Errorf("%s: a row that is cut short was merged", name)
		}
		wrong := stream(twoColumns, texts("1x", "x"))
		if _, err := Run(m, streams(wrong), &collector{}, Limits{}); err == nil && m != nil {
			t.Errorf("%s: '1x' passed as an integer", name)
		}
	}
}

func TestRowPrefix(t *testing.T) {
	for _, n := range []int{0, 1, 250, 251, 65535, 65536, 1 << 24} {
		row := protocol.AppendTextRow(nil, []protocol.Field{make(protocol.Field, n), nil, []byte("tail")})
		end, err := rowPrefix(row, 1)
		rest := len(row) - 1 - 5
		if err != nil || end != rest {
			t.Errorf("a value of %d bytes ends at %d, %v, want %d", n, end, err, rest)
		}
		if end, err := rowPrefix(row, 3); err != nil || end != len(row) {
			t.Errorf("the row ends at %d, %v", end, err)
		}
		if _, err := rowPrefix(row, 4); err == nil {
			t.Error("a value behind the last was found")
		}
		for _, cut := range []int{0, 1, 2, 3, 5, 8} {
			if cut < end {
				if _, err := rowPrefix(row[:cut], 1); err == nil && n > 0 {
					t.Errorf("a value of %d bytes ends within %d bytes", n, cut)
				}
			}
		}
	}
	for _, bad := range [][]byte{{0xff}, {0xfe, 1}, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0xfc, 9}} {
		if _, err := rowPrefix(bad, 1); err == nil {
			t.Errorf("% x is no row", bad)
		}
	}
}

func TestBadMerges(t *testing.T) {
	for name, m := range map[string]*sharding.Merge{
		"visible":           {Visible: 3},
		"negative":          {Visible: -1},
		"sort key":          {Visible: 2, OrderBy: []sharding.SortKey{asc(2)}},
		"weight":            {Visible: 2, OrderBy: []sharding.SortKey{{Key: sharding.Key{Column: 0, Weight: 7}}}},
		"distinct key":      {Visible: 2, Distinct: true, DistinctKeys: []sharding.Key{plain(-1)}},
		"no distinct keys":  {Visible: 2, Distinct: true},
		"group key":         {Visible: 2, Group: true, GroupKeys: []sharding.Key{plain(5)}},
		"aggregate":         {Visible: 2, Group: true, Aggregates: []sharding.Aggregate{{Column: 5, Func: sharding.AggSum}}},
		"minimum":           {Visible: 2, Group: true, Aggregates: []sharding.Aggregate{{Column: 0, Weight: 9, Func: sharding.AggMin}}},
		"average":           {Visible: 2, Group: true, Aggregates: []sharding.Aggregate{{Column: 5, Sum: 0, Count: 1, Func: sharding.AggAvg}}},
		"average's sum":     {Visible: 2, Group: true, Aggregates: []sharding.Aggregate{{Column: 0, Sum: 8, Count: 1, Func: sharding.AggAvg}}},
		"two functions":     {Visible: 2, Group: true, Aggregates: []sharding.Aggregate{{Column: 0, Func: sharding.AggSum}, {Column: 0, Func: sharding.AggMax, Weight: -1}}},
		"unknown aggregate": {Visible: 2, Group: true, Aggregates: []sharding.Aggregate{{Column: 0, Func: 99}}},
	} {
		m.Limit = sharding.NoLimit
		if _, err := Run(m, threeShards(), &collector{}, Limits{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLimitsNameTheirSetting(t *testing.T) {
	var rows [][]protocol.Field
	for i := range 1000 {
		rows = append(rows, texts(fmt.Sprint(i), strings.Repeat("x", 100)))
	}
	none := sharding.NoLimit
	for name, m := range map[string]*sharding.Merge{
		"sort":           {Visible: 2, Limit: none, OrderBy: []sharding.SortKey{desc(0)}},
		"distinct":       {Visible: 2, Limit: none, Distinct: true, DistinctKeys: []sharding.Key{plain(0), plain(1)}},
		"group":          {Visible: 2, Limit: none, Group: true, GroupKeys: []sharding.Key{plain(0)}},
		"group and sort": {Visible: 2, Limit: none, Group: true, GroupKeys: []sharding.Key{plain(0)}, OrderBy: []sharding.SortKey{desc(1)}},
	} {
		for _, test := range []struct {
			limits Limits
			says   string
		}{
			{Limits{Rows: 999}, "limits.max_merge_rows"},
			{Limits{Bytes: 90_000}, "limits.max_merge_bytes"},
			{Limits{Rows: 1000, Bytes: 2_000_000}, ""},
			{Limits{}, ""},
		} {
			_, err := Run(m, streams(stream(twoColumns, rows...)), &collector{}, test.limits)
			var e *protocol.ServerError
			switch {
			case test.says == "" && err != nil:
				t.Errorf("%s within %+v: %v", name, test.limits, err)
			case test.says != "" && (!errors.As(err, &e) || e.Code != 1104 || !strings.Contains(e.Message, test.says)):
				t.Errorf("%s past %+v: %v", name, test.limits, err)
			}
		}
	}
	for name, m := range map[string]*sharding.Merge{
		"k-way":           {Visible: 2, Limit: none, OrderBy: []sharding.SortKey{asc(0)}, Sorted: true},
		"sorted distinct": {Visible: 2, Limit: none, OrderBy: []sharding.SortKey{asc(0)}, Sorted: true, Distinct: true, DistinctKeys: []sharding.Key{plain(0)}},
		"sorted group":    {Visible: 2, Limit: none, OrderBy: []sharding.SortKey{asc(0)}, Sorted: true, Group: true, GroupKeys: []sharding.Key{plain(0)}},
	} {
		if stats, err := Run(m, streams(stream(twoColumns, rows...)), &collector{}, Limits{Rows: 1, Bytes: 1000}); err != nil || stats.Rows != 1000 {
			t.Errorf("%s holds rows: %+v, %v", name, stats, err)
		}
	}
}
