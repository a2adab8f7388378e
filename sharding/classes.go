package sharding

// classes joins columns that are known to be equal (union–find). A block's classes begin with those of the block around
// it: conditions of a subquery say nothing about the outer rows, but the outer ones hold for it.
type classes struct {
	parent map[columnID]columnID
}

type columnID struct{ source, index int }

func (c column) id() columnID { return columnID{c.source.id, c.index} }

func newClasses(outer *classes) *classes {
	n := &classes{parent: make(map[columnID]columnID)}
	if outer != nil {
		for k, v := range outer.parent {
			n.parent[k] = v
		}
	}
	return n
}

func (c *classes) find(id columnID) columnID {
	for {
		p, ok := c.parent[id]
		if !ok {
			return id
		}
		id = p
	}
}

// join makes two columns equal if comparing them is plain equality of one type: '5abc' = 5 and collations that differ
// do not carry on from column to column.
func (c *classes) join(a, b column) {
	if a.source.table == nil || b.source.table == nil {
		return
	}
	ta, errA := newKeyType(a.info())
	tb, errB := newKeyType(b.info())
	if errA != nil || errB != nil || !ta.sameClass(tb) {
		return
	}
	x, y := c.find(a.id()), c.find(b.id())
	if x != y {
		c.parent[x] = y
	}
}
