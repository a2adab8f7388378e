package history

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Lists 1 and 2 are on shard 0, lists 3 and 4 on shard 1.
var twoShards = map[int]int{1: 0, 2: 0, 3: 1, 4: 1}

func add(key int, value int64) Mop     { return Mop{Action: Add, Key: key, Value: value, Done: true} }
func read(key int, list ...int64) Mop  { return Mop{Action: Read, Key: key, List: list, Done: true} }
func plain(key int, list ...int64) Mop { return Mop{Action: Plain, Key: key, List: list, Done: true} }
func unanswered(m Mop) Mop             { m.Done, m.List = false, nil; return m }
func ok(mops ...Mop) *Op               { return &Op{Kind: Append, Outcome: OK, Mops: mops} }
func fail(mops ...Mop) *Op             { return &Op{Kind: Append, Outcome: Failed, Mops: mops} }
func unknown(mops ...Mop) *Op          { return &Op{Kind: Append, Outcome: Unknown, Mops: mops} }
func from(op *Op, start, end int) *Op  { op.Start, op.End = at(start), at(end); return op }
func answered(op *Op, a Answer) *Op    { op.Answer = a; return op }
func at(n int) time.Duration           { return time.Duration(n) * time.Second }
func appends(lists string, ops ...*Op) *History {
	h := &History{Meta: Meta{Lists: twoShards, Initial: 100, Home: map[int]int{1: 0, 2: 0, 3: 1, 4: 1}}}
	for i, op := range ops {
		op.N = int64(i) + 1
		if op.Start == 0 && op.End == 0 { // all at once
			op.Start, op.End = at(1), at(100)
		}
		h.Ops = append(h.Ops, op)
	}
	if lists == "" {
		return h
	}
	h.Final = []State{{Shard: 0, Lists: map[int][]int64{}}, {Shard: 1, Lists: map[int][]int64{}}}
	for key, text := range strings.Split(lists, "|") {
		var list []int64
		for _, c := range strings.TrimSpace(text) {
			list = append(list, int64(c-'0'))
		}
		h.Final[twoShards[key+1]].Lists[key+1] = list
	}
	return h
}

func TestAppendAnomalies(t *testing.T) {
	for _, c := range []struct {
		name string
		h    *History
		want string // the rule; empty: nothing is wrong
	}{
		{"nothing happened", appends("|||"), ""},
		{"a plain history", appends("12||34|",
			from(ok(add(1, 1), add(3, 3)), 1, 2),
			from(ok(read(1, 1), add(1, 2), read(1, 1, 2), add(3, 4), read(3, 3, 4)), 3, 4),
			from(fail(add(1, 9), read(3, 3)), 3, 4),
			from(unknown(add(2, 8), add(4, 8)), 3, 0),
			from(ok(read(1, 1, 2), read(3, 3, 4)), 5, 6)), ""},
		{"lost append", appends("1|||", ok(add(1, 1)), ok(add(3, 3))), "lost append"},
		{"failed append is there", appends("1|||", fail(add(1, 1))), "failed append is there"},
		{"half of an acknowledged one", appends("1|||", ok(add(1, 1), add(3, 2))), "lost append"},
		{"half of an unknown one", appends("1|||", unknown(add(1, 1), add(3, 2))), "half a transaction"},
		{"unknown and whole", appends("1||2|", unknown(add(1, 1), add(3, 2))), ""},
		{"duplicate", appends("11|||", ok(add(1, 1))), "duplicate"},
		{"value from nobody in the end", appends("12|||", ok(add(1, 1))), "value from nobody"},
		{"value from nobody in a read", appends("1|||", ok(add(1, 1)), ok(read(1, 1, 7))), "value from nobody"},
		{"look-up said aborted", appends("1||2|", answered(unknown(add(1, 1), add(3, 2)), Aborted)), "wrong outcome look-up"},
		{"look-up said committed", appends("|||", answered(unknown(add(1, 1), add(3, 2)), Committed)), "wrong outcome look-up"},
		{"look-ups that are right", appends("1||2|", answered(unknown(add(1, 1), add(3, 2)), Committed), answered(unknown(add(2, 5)), Aborted)), ""},
		{"aborted read", appends("|||", fail(add(1, 1)), ok(read(1, 1))), "G1a"},
		{"aborted read by one that failed itself", appends("|||", fail(add(1, 1)), fail(read(1, 1))), "G1a"},
		{"read of what a look-up calls aborted", appends("|||", answered(unknown(add(1, 1)), Aborted), ok(read(1, 1))), "G1a"},
		{"intermediate read", appends("12|||", ok(add(1, 1), add(1, 2)), ok(read(1, 1))), "G1b"},
		{"intermediate plain read", appends("12|||", ok(add(1, 1), add(1, 2)), ok(plain(1, 1))), "G1b"},
		{"reads disagree on the order", appends("12|||", ok(add(1, 1)), ok(add(1, 2)), ok(read(1, 2))), "incompatible order"},
		{"reads disagree, without an end", appends("", ok(add(1, 1)), ok(add(1, 2)), ok(read(1, 1, 2)), ok(read(1, 2))), "incompatible order"},
		{"plain reads disagree", appends("12|||", ok(add(1, 1)), ok(add(1, 2)), ok(plain(1, 2, 1))), "incompatible order"},
		{"own append unseen", appends("1|||", ok(add(1, 1), read(1))), "internal"},
		{"own append doubled", appends("1|||", ok(add(1, 1), read(1, 1, 1))), "incompatible order"},
		{"read not repeatable", appends("1|||", ok(add(1, 1)), ok(read(1), read(1, 1))), "internal"},
		{"a read that was not answered", appends("1|||", ok(add(1, 1)), fail(unanswered(read(1)))), ""},
		{"vanished: a server took back what nobody was told", appends("1|||", ok(add(1, 1)), unknown(add(1, 2)), ok(read(1, 1, 2))), ""},
		{"not vanished: a later one stayed", appends("13|||", ok(add(1, 1)), unknown(add(1, 2)), ok(add(1, 3)), ok(read(1, 1, 2, 3))), "lost append"},
		{"G0: two shards have opposite orders", appends("12||21|", ok(add(1, 1), add(3, 1)), ok(add(1, 2), add(3, 2))), "G0"},
		{"G1c: each read the other", appends("1||2|", ok(add(1, 1), read(3, 2)), ok(add(3, 2), read(1, 1))), "G1c"},
		{"G1c: order and read disagree", appends("12||3|", ok(add(1, 1), read(3, 3)), ok(add(1, 2), add(3, 3))), "G1c"},
		{"G-single: a reader sees one branch and not the other", appends("1||1|", ok(add(1, 1), add(3, 1)), ok(read(1, 1), read(3))), "G-single"},
		{"the same with ordinary reads is not promised", appends("1||1|", ok(add(1, 1), add(3, 1)), ok(plain(1, 1), plain(3))), ""},
		{"G-single: lost update", appends("12|||", ok(read(1), add(1, 1)), ok(read(1), add(1, 2))), "G-single"},
		{"G2: write skew", appends("1||2|", ok(read(3), add(1, 1)), ok(read(1), add(3, 2))), "G2"},
		{"G2: long fork of three", appends("1|2|3|", ok(read(1), add(2, 2)), ok(read(2), add(3, 3)), ok(read(3), add(1, 1))), "G2"},
		{"a reader of unknown outcome without appends counts for nothing", appends("1||1|", ok(add(1, 1), add(3, 1)), unknown(read(1, 1), read(3))), ""},
		{"one of unknown outcome that happened counts", appends("1|2|1|", ok(add(1, 1), add(3, 1)), unknown(read(1, 1), read(3), add(2, 2))), "G-single"},
		{"stale read in real time", appends("1|||", from(ok(add(1, 1)), 1, 2), from(ok(read(1)), 3, 4)), "G-single-realtime"},
		{"no stale read: they overlap", appends("1|||", from(ok(add(1, 1)), 1, 4), from(ok(read(1)), 3, 5)), ""},
		{"no stale read: it locks nothing", appends("1|||", from(ok(add(1, 1)), 1, 2), from(ok(plain(1)), 3, 4)), ""},
		{"read from the future", appends("1|||", from(ok(read(1, 1)), 1, 2), from(ok(add(1, 1)), 3, 4)), "G1c-realtime"},
		{"order against real time", appends("21|||", from(ok(add(1, 1)), 1, 2), from(ok(add(1, 2)), 3, 4)), "G0-realtime"},
		{"real time over a third", appends("1|2|3|", from(ok(read(1), add(2, 2)), 5, 6), from(ok(add(1, 1)), 1, 4), from(ok(add(3, 3)), 4, 5)), "G-single-realtime"},
		{"unknown has no end", appends("12|||", from(unknown(add(1, 2)), 1, 2), from(ok(add(1, 1)), 3, 4)), ""},
		{"wrong shard", func() *History {
			h := appends("1|||", ok(add(1, 1)))
			h.Final[1].Lists[1] = []int64{1}
			return h
		}(), "wrong shard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := CheckAppend(c.h)
			if c.want == "" {
				if r.Total > 0 {
					t.Errorf("nothing is wrong with it, and the checker says:\n%s", r)
				}
				return
			}
			if !r.Has(c.want) {
				t.Errorf("the checker does not find %s; it says:\n%s", c.want, r)
			}
		})
	}
}

// Vanished reads are counted.
func TestAppendVanishedIsCounted(t *testing.T) {
	r := CheckAppend(appends("1|||", ok(add(1, 1)), unknown(add(1, 2)), ok(read(1, 1, 2))))
	if r.Checked["vanished reads"] != 1 {
		t.Errorf("checked: %v, want one vanished read", r.Checked)
	}
}

// A long serial history has no cycle, and one exchanged pair in it is found.
func TestAppendLongHistory(t *testing.T) {
	lists := map[int][]int64{}
	h := &History{Meta: Meta{Lists: map[int]int{}}, Final: []State{{Lists: lists}}}
	for i := range 20000 {
		a, b := i/30, 10000+i/30
		op := from(ok(read(a, slices.Clone(lists[a])...), add(a, int64(i)), add(b, int64(i))), 2*i, 2*i+1)
		op.N = int64(i) + 1
		lists[a], lists[b] = append(lists[a], int64(i)), append(lists[b], int64(i))
		h.Meta.Lists[a], h.Meta.Lists[b] = 0, 0
		h.Ops = append(h.Ops, op)
	}
	if r := CheckAppend(h); r.Total > 0 {
		t.Fatalf("a serial history:\n%s", r)
	}
	last := lists[10000+500]
	last[0], last[1] = last[1], last[0]
	if r := CheckAppend(h); !r.Has("G0") || r.Total != 1 {
		t.Errorf("an exchanged pair is not found, or more than that:\n%s", r)
	}
}
