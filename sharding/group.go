package sharding

// group is tables of one block whose rows meet on the same shard: their keys are equal to each other.
type group struct {
	tables  []*Table
	classes []columnID // of each column of the key
	keys    []*keyType
	place   *placement
	where   []*predicate // a key of one column: what conditions say about it
	pins    []pin        // a key of several: the combinations of values that conditions leave; nil: any
	block   *block
	linked  bool // a subquery's, tied to the outer rows' shard
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
	if !g.tables[0].placedAlike(m.tables[0]) {
		return false
	}
	for i := range g.classes {
		if g.block.classes.find(m.classes[i]) != g.classes[i] {
			return false
		}
	}
	return true
}
