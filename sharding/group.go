package sharding

import "slices"

// group is tables of one block whose rows meet on the same shard: their keys are equal to each other.
type group struct {
	tables  []*Table
	classes []columnID // of each column of the key
	keys    []*keyType
	place   *placement
	where   []*predicate // a key of one column: what conditions say about it
	pins    []pin        // a key of several: the combinations of values that conditions leave; nil: any
	block   *block
	sources []*source
	linked  bool // a subquery's, tied to the outer rows' shard
}

// within says whether all the group's tables are among some sources.
func (g *group) within(list []*source) bool {
	for _, s := range g.sources {
		if !slices.Contains(list, s) {
			return false
		}
	}
	return true
}

// optional says that no table of the group is in every row of the answer: where its rows are says nothing about the others.
func (g *group) optional() bool {
	for _, s := range g.sources {
		if !s.optional {
			return false
		}
	}
	return true
}

// add takes a table into the group.
func (g *group) add(s *source) {
	g.tables, g.sources = append(g.tables, s.table), append(g.sources, s)
	g.keys = widest(g.keys, s.table.keys)
}

// widest are key types with the bounds of two: a value that one column cannot hold may be in the other.
func widest(a, b []*keyType) []*keyType {
	out := slices.Clone(a)
	for i := range out {
		w := *a[i]
		if o := b[i]; w.class == keyInt {
			if o.min.compare(w.min) < 0 {
				w.min = o.min
			}
			if o.max.compare(w.max) > 0 {
				w.max = o.max
			}
		} else {
			w.precision, w.scale, w.length = max(w.precision, o.precision), max(w.scale, o.scale), max(w.length, o.length)
		}
		out[i] = &w
	}
	return out
}

// keyPart is the column of the key that a column equals, or -1.
func (g *group) keyPart(classes *classes, c column) int {
	class := classes.find(c.id())
	for i, k := range g.classes {
		if k == class {
			return i
		}
	}
	return -1
}

// takes says whether a table with these key classes belongs to the group.
func (g *group) takes(t *Table, classes []columnID) bool {
	if !t.placedAlike(g.tables[0]) {
		return false
	}
	for i := range classes {
		if classes[i] != g.classes[i] {
			return false
		}
	}
	return true
}

// linkedTo says whether a group of a subquery has the key of the outer rows.
func (g *group) linkedTo(m *group) bool {
	if !g.tables[0].placedAlike(m.tables[0]) || m.optional() {
		return false
	}
	for i := range g.classes {
		if g.block.classes.find(m.classes[i]) != g.classes[i] {
			return false
		}
	}
	return true
}
