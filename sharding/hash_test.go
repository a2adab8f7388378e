package sharding

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/config"
)

// TestHashNeverChanges: these numbers place rows of existing clusters. A change that fails here loses data from sight.
func TestHashNeverChanges(t *testing.T) {
	column := func(dataType, columnType, collation string) *keyType {
		kt, err := newKeyType(&ColumnInfo{Name: "k", DataType: dataType, ColumnType: columnType, Collation: collation})
		if err != nil {
			t.Fatal(err)
		}
		return kt
	}
	text := func(s string) Value { return Value{Kind: ValString, B: []byte(s)} }
	for _, c := range []struct {
		column *keyType
		value  Value
		want   uint64
	}{
		{column("bigint", "bigint(20)", ""), Value{Kind: ValInt, I: 0}, 0x6e479ea4c8d9e12f},
		{column("bigint", "bigint(20)", ""), Value{Kind: ValInt, I: 1}, 0x1eb80d13b247c6bf},
		{column("bigint", "bigint(20)", ""), Value{Kind: ValInt, I: -1}, 0x33badb47df4e809b},
		{column("bigint", "bigint(20) unsigned", ""), Value{Kind: ValUint, U: 1<<64 - 1}, 0x1812dea2acd4957b},
		{column("varchar", "varchar(20)", "utf8mb4_bin"), text("Abc "), 0xc40a0f049ef4f4a4},
		{column("varchar", "varchar(20)", "utf8mb4_general_ci"), text("Abc"), 0x7db8c07e95696e6},
		{column("varchar", "varchar(20)", "utf8mb4_general_ci"), text("Ünï"), 0xb2e796e3096d3800},
		{column("varchar", "varchar(20)", "utf8mb4_unicode_ci"), text("Abc ß"), 0x6072bdf9e5059e66},
		{column("varchar", "varchar(20)", "utf8mb4_unicode_520_ci"), text("Ж😀"), 0x6479971618d52263},
		{column("varchar", "varchar(20)", "utf8mb4_uca1400_ai_ci"), text("Abc Жй中"), 0x5eb12bd065d2bf70},
		{column("varchar", "varchar(20)", "latin1_swedish_ci"), text("Åb"), 0x4f98427872e68367},
		{column("varchar", "varchar(20)", "ascii_general_ci"), text("abC"), 0x7db8c07e95696e6},
		{column("varbinary", "varbinary(20)", ""), text("ab\x00"), 0xda71cbd11dd9bde4},
		{column("decimal", "decimal(10,2)", ""), Value{Kind: ValDecimal, B: []byte("-001.50")}, 0x83740b13c78239b2},
		{column("date", "date", ""), text("2024-02-29"), 0x4f5e9ddbffff7f35},
		{column("datetime", "datetime(3)", ""), text("2024-02-29 10:11:12.500"), 0xd75394622f1c3074},
		{column("uuid", "uuid", ""), text("0000AAAA-abcd-1234-8000-000000000001"), 0x2293a9e5e4b483f5},
	} {
		k, _, f := c.column.convert(nil, &c.value, charsetUTF8, storing)
		if f != fitExact {
			t.Errorf("%+v: not exact", c.value)
		}
		if got := k.hash(); got != c.want {
			t.Errorf("hash of %s: %#x, want %#x", fmt.Sprint(c.value.I, c.value.U, string(c.value.B)), got, c.want)
		}
	}
}

// TestHashSpreads: neighbouring keys are to be spread evenly over any number of shards.
func TestHashSpreads(t *testing.T) {
	for _, n := range []uint64{2, 3, 4, 7, 16} {
		counts := make([]int, n)
		const keys = 40000
		for i := range keys {
			k := intKey(false, uint64(i))
			counts[k.hash()%n]++
		}
		low, high := slices.Min(counts), slices.Max(counts)
		if mean := keys / int(n); low < mean*9/10 || high > mean*11/10 {
			t.Errorf("%d shards: from %d to %d keys", n, low, high)
		}
	}
}

func TestPlacement(t *testing.T) {
	s := testSchema(t)
	at := func(table string, v Value) int {
		tb, _ := s.Table("shop", table)
		k, _, f := tb.keys[0].convert(nil, &v, charsetUTF8, storing)
		if f != fitExact {
			t.Fatalf("%s: %+v does not convert", table, v)
		}
		return tb.place.shard(&k)
	}
	for _, c := range []struct {
		table string
		value Value
		want  int
	}{
		{"events", Value{Kind: ValInt, I: -5}, 0}, {"events", Value{Kind: ValInt, I: 99}, 0}, {"events", Value{Kind: ValInt, I: 100}, 1},
		{"events", Value{Kind: ValInt, I: 199}, 1}, {"events", Value{Kind: ValInt, I: 200}, 2}, {"events", Value{Kind: ValInt, I: 1 << 30}, 2},
		{"counters", Value{Kind: ValInt, I: 0}, 0}, {"counters", Value{Kind: ValInt, I: 7}, 3}, {"counters", Value{Kind: ValInt, I: -1}, 3},
		{"counters", Value{Kind: ValInt, I: -4}, 0}, {"counters", Value{Kind: ValInt, I: -5}, 3},
		{"regions", Value{Kind: ValString, B: []byte("FR ")}, 0}, {"regions", Value{Kind: ValString, B: []byte("us")}, 1},
		{"regions", Value{Kind: ValString, B: []byte("xx")}, -1},
	} {
		if got := at(c.table, c.value); got != c.want {
			t.Errorf("%s: %d %s is on %d, want %d", c.table, c.value.I, c.value.B, got, c.want)
		}
	}
}

// TestBetween compares the shards of a range with those of its members.
func TestBetween(t *testing.T) {
	s := testSchema(t)
	for _, name := range []string{"users", "events", "counters"} {
		tb, _ := s.Table("shop", name)
		for lo := int64(-30); lo < 330; lo += 7 {
			for n := int64(-1); n < 90; n += 11 {
				a, b := signedKey(lo), signedKey(lo+n)
				got := tb.place.between(&a, &b, false)
				for v := lo; v <= lo+n; v++ {
					k := signedKey(v)
					if !got.has(tb.place.shard(&k)) {
						t.Fatalf("%s: %d to %d lacks the shard of %d", name, lo, lo+n, v)
					}
				}
				if n < 0 && !got.empty() {
					t.Fatalf("%s: an empty range has shards", name)
				}
			}
		}
	}
}

func TestSchemaProblems(t *testing.T) {
	table := func(columns ...ColumnInfo) []TableInfo {
		return []TableInfo{{Database: "d", Name: "t", Columns: columns, PrimaryKey: []string{columns[0].Name}}}
	}
	for name, c := range map[string]struct {
		rule   *config.Rule
		tables []TableInfo
		want   string
	}{
		"no rule":        {nil, table(intColumn("a")), "no rule says where"},
		"no column":      {&config.Rule{ShardKey: config.Key{"b"}}, table(intColumn("a")), `column "b" does not exist`},
		"float key":      {&config.Rule{ShardKey: config.Key{"a"}}, table(ColumnInfo{Name: "a", DataType: "double", ColumnType: "double"}), "cannot be a shard key"},
		"timestamp key":  {&config.Rule{ShardKey: config.Key{"a"}}, table(ColumnInfo{Name: "a", DataType: "timestamp", ColumnType: "timestamp"}), "cannot be a shard key"},
		"collation":      {&config.Rule{ShardKey: config.Key{"a"}}, table(textColumn("a", 5, "utf8mb4_swedish_ci")), "equality is not known"},
		"generated":      {&config.Rule{ShardKey: config.Key{"a"}}, table(ColumnInfo{Name: "a", DataType: "int", ColumnType: "int", Generated: true}), "is generated"},
		"mod of text":    {&config.Rule{ShardKey: config.Key{"a"}, Function: "mod"}, table(textColumn("a", 5, "utf8mb4_bin")), "whole-number"},
		"unknown shard":  {&config.Rule{ShardKey: config.Key{"a"}, Shards: []string{"x"}}, table(intColumn("a")), `shard "x" is not known`},
		"range order":    {&config.Rule{ShardKey: config.Key{"a"}, Function: "range", Ranges: []config.RangePart{{LessThan: "5", Shard: "s1"}, {LessThan: "5", Shard: "s1"}}}, table(intColumn("a")), "not above"},
		"list twice":     {&config.Rule{ShardKey: config.Key{"a"}, Function: "list", Lists: []config.ListPart{{Values: []string{"x"}, Shard: "s1"}, {Values: []string{"X"}, Shard: "s2"}}}, table(textColumn("a", 5, "utf8mb4_general_ci")), "two shards"},
		"unknown kind":   {&config.Rule{Kind: "x"}, table(intColumn("a")), "kind"},
		"unknown single": {&config.Rule{Kind: "single", Shard: "x"}, table(intColumn("a")), "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &config.Config{Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}}}
			if c.rule != nil {
				cfg.Schemas = []config.Schema{{Name: "d", Tables: []config.Table{{Name: "t", Rule: *c.rule}}}}
			}
			s, problems := NewSchema(cfg, c.tables)
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
				t.Fatalf("problems %v, want %q", problems, c.want)
			}
			tb, ok := s.Table("d", "t")
			if !ok || !strings.Contains(tb.Problem(), c.want) {
				t.Errorf("the table's problem is %q", tb.Problem())
			}
			st, _, err := NewPlanner(s, Limits{}).Parse(&Env{Database: "d"}, []byte("SELECT * FROM t"), nil)
			if err == nil {
				t.Errorf("a table without place is read: %+v", st)
			}
		})
	}
}
