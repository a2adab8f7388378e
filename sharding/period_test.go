package sharding

import (
	"fmt"
	"testing"
	"time"

	"lockstep/config"
)

// TestDayNumber compares with the calendar of package time.
func TestDayNumber(t *testing.T) {
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	base := dayNumber(1, 1, 1)
	for day := range 1200 * 366 {
		d := first.AddDate(0, 0, day)
		if got := dayNumber(d.Year(), int(d.Month()), d.Day()); got != base+day {
			t.Fatalf("%s is day %d, want %d", d.Format(time.DateOnly), got, base+day)
		}
	}
}

// TestKeysOfSeveralColumnsAndPeriodsNeverChange: these shards hold rows of existing clusters. A change that fails here loses
// data from sight.
func TestKeysOfSeveralColumnsAndPeriodsNeverChange(t *testing.T) {
	cfg := &config.Config{Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}, {Name: "s3"}, {Name: "s4"}, {Name: "s5"}, {Name: "s6"}, {Name: "s7"}}}
	for _, c := range []struct {
		function string
		columns  []ColumnInfo
		values   []string
		want     uint64 // the shard; with hash: the hash
	}{
		{"", []ColumnInfo{intColumn("a"), intColumn("b")}, []string{"1", "2"}, 0x4aa663311e56d4e8},
		{"", []ColumnInfo{intColumn("a"), intColumn("b")}, []string{"2", "1"}, 0x240a56dccdb5fe48},
		{"", []ColumnInfo{intColumn("a"), intColumn("b")}, []string{"-12", "30000"}, 0xcb503749c76560f3},
		{"", []ColumnInfo{textColumn("a", 9, "utf8mb4_general_ci"), textColumn("b", 9, "utf8mb4_bin")}, []string{"Anna ", "x"}, 0x7283ca8801df0768},
		{"", []ColumnInfo{textColumn("a", 9, "utf8mb4_bin"), textColumn("b", 9, "utf8mb4_bin")}, []string{"ab", "c"}, 0x4f360e50ae88219},
		{"", []ColumnInfo{textColumn("a", 9, "utf8mb4_bin"), textColumn("b", 9, "utf8mb4_bin")}, []string{"a", "bc"}, 0xb1ab3f8db794b96},
		{"", []ColumnInfo{intColumn("a"), {Name: "b", DataType: "date", ColumnType: "date"}, intColumn("c")}, []string{"5", "2024-02-29", "0"}, 0x3bb295d48b11b49},
		{"year", []ColumnInfo{{Name: "a", DataType: "date", ColumnType: "date"}}, []string{"2024-02-29"}, 2024 % 7},
		{"year", []ColumnInfo{{Name: "a", DataType: "datetime", ColumnType: "datetime(6)"}}, []string{"2023-12-31 23:59:59.999999"}, 2023 % 7},
		{"month", []ColumnInfo{{Name: "a", DataType: "date", ColumnType: "date"}}, []string{"2024-02-29"}, (2024*12 + 1) % 7},
		{"month", []ColumnInfo{{Name: "a", DataType: "date", ColumnType: "date"}}, []string{"0000-00-00"}, 0},
		{"day", []ColumnInfo{{Name: "a", DataType: "date", ColumnType: "date"}}, []string{"2024-02-29"}, 739250 % 7},
		{"day", []ColumnInfo{{Name: "a", DataType: "datetime", ColumnType: "datetime"}}, []string{"2024-03-01 10:00:00"}, 739251 % 7},
		{"day", []ColumnInfo{{Name: "a", DataType: "date", ColumnType: "date"}}, []string{"0000-00-00"}, 0},
	} {
		var key config.Key
		for _, col := range c.columns {
			key = append(key, col.Name)
		}
		cfg.DefaultRule = &config.Rule{ShardKey: key, Function: c.function}
		s, problems := NewSchema(cfg, []TableInfo{{Database: "d", Name: "t", Columns: c.columns}})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		tb, _ := s.Table("d", "t")
		var keys []keyValue
		for i, v := range c.values {
			k, _, f := tb.keys[i].convert(nil, &Value{Kind: ValString, B: []byte(v)}, charsetUTF8, storing)
			if f != fitExact {
				t.Fatalf("%s does not convert", v)
			}
			keys = append(keys, k)
		}
		got := uint64(tb.place.shardOf(keys))
		if c.function == "" {
			if h := hashAll(keys); got != h%7 {
				t.Errorf("%v is on %d, which is not %#x mod 7", c.values, got, h)
			} else {
				got = h
			}
		}
		if got != c.want {
			t.Errorf("%s%v gives %#x, want %#x", c.function, c.values, got, c.want)
		}
	}
}

// TestPeriodsOfRanges compares the shards of a range of moments with those of its days.
func TestPeriodsOfRanges(t *testing.T) {
	kt := &keyType{class: keyDate}
	moment := func(d time.Time) keyValue {
		k, _, _ := kt.convert(nil, &Value{Kind: ValString, B: []byte(d.Format(time.DateOnly))}, charsetUTF8, storing)
		return k
	}
	for _, function := range []string{"year", "month", "day", "range"} {
		p, err := newPlacement(&config.Rule{Function: function, Ranges: []config.RangePart{{LessThan: "2020-01-01", Shard: "s1"},
			{LessThan: "2020-06-15", Shard: "s2"}, {LessThan: "2022-01-01", Shard: "s3"}}}, []*keyType{kt}, map[string]int{"s1": 0, "s2": 1, "s3": 2}, []int{0, 1, 2, 3, 4})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(2019, 11, 20, 0, 0, 0, 0, time.UTC)
		narrow := 0
		for from := 0; from < 800; from += 13 {
			for length := 0; length < 900; length = length*2 + 1 {
				lo, hi := moment(start.AddDate(0, 0, from)), moment(start.AddDate(0, 0, from+length))
				got := p.between(&lo, &hi, false)
				if got != p.all {
					narrow++
				}
				below := p.between(&lo, &hi, true)
				for d := from; d < from+length; d++ {
					k := moment(start.AddDate(0, 0, d))
					if at := p.shard(&k); at >= 0 && !below.has(at) {
						t.Fatalf("%s: %s to %s, left out, lacks the shard of %s", function, lo.text, hi.text, k.text)
					}
				}
				for d := from; d <= from+length; d++ {
					k := moment(start.AddDate(0, 0, d))
					if at := p.shard(&k); at >= 0 && !got.has(at) {
						t.Fatalf("%s: %s to %s lacks the shard of %s", function, lo.text, hi.text, k.text)
					}
				}
			}
		}
		if narrow == 0 {
			t.Error(fmt.Sprint(function, " never narrows"))
		}
	}
}
