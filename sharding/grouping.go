package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// addGroups finds the tables that meet on their keys, and what conditions say about the keys.
func (c *compiler) addGroups(r *routing) {
	c.group(r, c.facts.blocks)
	for _, b := range c.facts.blocks {
		if b.outermost {
			c.chooseMain(r, b)
			return
		}
	}
}

// group makes the groups of blocks, of which each comes before those within it. Blocks that a relation stands for are
// left out.
func (c *compiler) group(r *routing, blocks []*block) {
	for _, b := range blocks {
		if b.covered {
			continue
		}
		var outer *classes
		if b.parent != nil {
			outer = b.parent.classes
		}
		c.equalities(b, outer)
		first := len(r.groups)
		c.groupBlock(r, b)
		if len(r.groups) == first && b.chooses() && r.obstacle == "" {
			r.obstacle = "LIMIT in a subquery of tables with copies could choose other rows on each shard"
		}
	}
}

// chooses says whether a subquery takes some of its rows and leaves others, without saying which for certain.
func (b *block) chooses() bool {
	return b.limited && !b.outermost && !b.exists && len(b.sources) > 0
}

func (c *compiler) groupBlock(r *routing, b *block) {
	first := len(r.groups)
	for _, s := range b.sources {
		t := s.table
		if t == nil || t.Rule.Kind != Sharded || t.problem != "" {
			continue
		}
		var classes []columnID
		for part, i := range t.keyColumns {
			if i == notShown {
				i -= part // equal to no other
			}
			classes = append(classes, b.classes.find(column{s, i}.id()))
		}
		at := slices.IndexFunc(r.groups[first:], func(g group) bool { return g.takes(t, classes) })
		if at >= 0 {
			r.groups[first+at].add(s)
			continue
		}
		r.groups = append(r.groups, group{tables: []*Table{t}, sources: []*source{s}, classes: classes, keys: t.keys, place: t.place, block: b})
	}
	for i := first; i < len(r.groups); i++ {
		c.conditions(&r.groups[i])
	}
}

// conditions reads what the conditions of a group's block and of those around it say about its key.
func (c *compiler) conditions(g *group) {
	b := g.block
	for outer := b; outer != nil; outer = outer.parent {
		at := *outer // names of an outer condition are resolved where they stand
		at.classes = b.classes
		for _, e := range outer.where {
			c.condition(g, &at, e)
		}
	}
	for _, p := range b.partial {
		if g.within(p.inside) {
			c.condition(g, b, p.expr)
		}
	}
	for _, s := range g.sources {
		if s.relation == nil || s.optional && len(g.sources) > 1 {
			continue
		}
		g.where = append(g.where, s.relation.where...)
		g.pins = bothPins(g.pins, s.relation.pins)
	}
}

func (c *compiler) condition(g *group, b *block, e ast.ExprNode) {
	if len(g.keys) > 1 {
		p := &pinBuilder{c: c, b: b, g: g}
		g.pins = bothPins(g.pins, p.build(e))
		return
	}
	p := &predicateBuilder{c: c, b: b, class: g.classes[0]}
	w := p.build(e)
	if w == everything {
		return
	}
	if w.kind == predicateRange {
		const most = 16 // conditions that are looked at: there may be thousands
		for i := range g.where[:min(len(g.where), most)] {
			if between := g.where[i].meet(w); between != nil {
				g.where[i] = between
				return
			}
		}
	}
	g.where = append(g.where, w)
}

// chooseMain finds the one group whose shards the statement may be scattered over: all rows that meet in it meet there.
// Groups of subqueries that are tied to it by their keys are linked: the rows that they need are where the outer row is.
func (c *compiler) chooseMain(r *routing, top *block) {
	for i := range r.groups {
		if r.groups[i].block != top {
			continue
		}
		if r.main < 0 {
			r.main = i
			continue
		}
		a, b := r.groups[r.main].tables[0], r.groups[i].tables[0]
		r.obstacle = "the sharded tables " + a.Name + " and " + b.Name + " are not joined by their shard keys (" + a.Rule.Key + ", " + b.Rule.Key +
			"), so rows that belong together are on different shards"
	}
	for i := range r.groups {
		g := &r.groups[i]
		if g.block == top {
			continue
		}
		if r.main >= 0 && !g.block.outermost {
			g.linked = g.linkedTo(&r.groups[r.main])
		}
		if !g.linked && r.obstacle == "" {
			r.obstacle = "a subquery, derived table or UNION reads the sharded table " + g.tables[0].Name + ", whose rows may be on other shards"
		}
	}
	if top != nil && top.lonely != "" && r.obstacle == "" {
		r.obstacle = top.lonely
	}
}
