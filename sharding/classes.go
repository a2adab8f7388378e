package sharding

import "slices"

// classes joins columns that are known to be equal (union–find). A block's classes begin with those of the block around
// it: conditions of a subquery say nothing about the outer rows, but the outer ones hold for it.
type classes struct {
	parent map[columnID]columnID
	known  []column // that were joined
}

type columnID struct{ source, index int }

func (c column) id() columnID { return columnID{c.source.id, c.index} }

func newClasses(outer *classes) *classes {
	n := &classes{parent: make(map[columnID]columnID)}
	if outer != nil {
		for k, v := range outer.parent {
			n.parent[k] = v
		}
		n.known = slices.Clone(outer.known)
	}
	return n
}

func (c *classes) find(id columnID) columnID {
	for {
		p, ok := c.parent[id]
		if !ok {
			return id
		}
		if next, ok := c.parent[p]; ok {
			c.parent[id] = next // the way is shorter next time
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
	c.known = append(c.known, a, b)
	x, y := c.find(a.id()), c.find(b.id())
	if x != y {
		c.parent[x] = y
	}
}

// follow is join for a condition of an outer join: rows of its optional side are where their partners are. Two
// columns of other tables are not made equal by what they have in common with a row that may be missing.
func (c *classes) follow(e edge) {
	if c.reaches(e.l, e.inside) && c.reaches(e.r, e.inside) {
		return
	}
	c.join(e.l, e.r)
}

// reaches says whether a column's class has a member outside some sources.
func (c *classes) reaches(a column, inside []*source) bool {
	if !slices.Contains(inside, a.source) {
		return true
	}
	class := c.find(a.id())
	for _, k := range c.known {
		if c.find(k.id()) == class && !slices.Contains(inside, k.source) {
			return true
		}
	}
	return false
}

// equalities finds the classes of a block, whose outer block's are known.
func (c *compiler) equalities(b *block, outer *classes) {
	b.classes = newClasses(outer)
	for _, e := range b.where {
		for _, p := range c.columnEqualities(b, e) {
			b.classes.join(p[0], p[1])
		}
	}
	for _, l := range b.links {
		l.apply(b)
	}
	for _, e := range b.edges {
		if e.inside == nil {
			b.classes.join(e.l, e.r)
		}
	}
	for _, e := range b.edges {
		if e.inside != nil {
			b.classes.follow(e)
		}
	}
}
