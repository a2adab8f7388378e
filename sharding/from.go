package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// joinCondition is a condition of a join: an expression, or two columns that USING makes equal.
type joinCondition struct {
	expr ast.ExprNode
	l, r column
}

// edge is two columns that are equal wherever rows of both matter. Of an outer join, inside is its optional side:
// rows of that side follow the others, which are not bound together by them.
type edge struct {
	l, r   column
	inside []*source
}

// partial is a condition that holds for the rows of an outer join's optional side that find a partner.
type partial struct {
	expr   ast.ExprNode
	inside []*source
}

// bind finds a block's sources and what its joins say, and before that those of the derived tables in its FROM.
func (c *compiler) bind(b *block) {
	if b.bound {
		return
	}
	b.bound = true
	if b.refs != nil {
		_, conditions := c.addJoin(b, b.refs)
		for _, j := range conditions {
			if j.expr != nil {
				b.where = append(b.where, j.expr)
			} else {
				b.edges = append(b.edges, edge{l: j.l, r: j.r})
			}
		}
	}
	if b.condition != nil {
		b.where = conjuncts(b.where, b.condition)
	}
	for _, e := range b.where {
		c.linkIn(b, e)
	}
}

// addJoin collects the sources of a join tree. It returns those of the subtree, and the conditions of its inner joins:
// they hold for every row of the answer unless an outer join around them makes the subtree optional.
func (c *compiler) addJoin(b *block, n ast.ResultSetNode) ([]*source, []joinCondition) {
	switch n := n.(type) {
	case *ast.TableSource:
		if j, ok := n.Source.(*ast.Join); ok {
			return c.addJoin(b, j)
		}
		s := c.newSource(n)
		b.sources = append(b.sources, s)
		return []*source{s}, nil
	case *ast.Join:
		left, conditions := c.addJoin(b, n.Left)
		if n.Right == nil {
			return left, conditions
		}
		right, more := c.addJoin(b, n.Right)
		own := c.joinConditions(b, n, left, right)
		switch {
		case n.Tp == ast.LeftJoin && !b.rejects(right):
			c.addOuter(b, left, right, append(own, more...))
		case n.Tp == ast.RightJoin && !b.rejects(left):
			c.addOuter(b, right, left, append(own, conditions...))
			conditions = more
		default:
			conditions = append(append(conditions, more...), own...)
		}
		return append(slices.Clip(left), right...), conditions
	}
	return nil, nil
}

func (c *compiler) newSource(n *ast.TableSource) *source {
	s := &source{id: c.sources, alias: n.AsName.O}
	c.sources++
	switch t := n.Source.(type) {
	case *ast.TableName:
		s.database = c.databaseOf(t)
		if c.isCTE(t) {
			s.relation, s.derived = c.commonTable(t.Name.O), true
			s.database = ""
		} else {
			s.table = c.lookupTable(t)
		}
		if s.alias == "" {
			s.alias = t.Name.O
		} else {
			s.database = ""
		}
	default:
		s.derived = true
		if !n.Lateral {
			s.relation = c.relationOf(n.Source)
		}
	}
	if s.relation != nil {
		s.relation.cover()
		t := *s.relation.table
		t.Name = s.alias
		s.table = &t
	}
	return s
}

// joinConditions are the conditions of one join. The columns that USING and NATURAL JOIN make one stand for the left side's,
// or for the preserved side's.
func (c *compiler) joinConditions(b *block, n *ast.Join, left, right []*source) []joinCondition {
	var list []joinCondition
	if n.On != nil {
		for _, e := range conjuncts(nil, n.On.Expr) {
			list = append(list, joinCondition{expr: e})
		}
	}
	var names []string
	for _, u := range n.Using {
		names = append(names, u.Name.O)
	}
	if n.NaturalJoin {
		if b.using == nil {
			b.using = make(map[string]bool)
		}
		names = c.commonNames(b, left, right)
	}
	for _, name := range names {
		if b.using == nil {
			b.using = make(map[string]bool)
		}
		folded := foldName(name)
		b.using[folded] = true
		l, lok := b.findIn(left, name)
		r, rok := b.findIn(right, name)
		if !lok || !rok {
			continue
		}
		if b.joint == nil {
			b.joint = make(map[string]column)
		}
		b.joint[folded] = l
		if n.Tp == ast.RightJoin {
			b.joint[folded] = r
		}
		list = append(list, joinCondition{l: l, r: r})
	}
	return list
}

// commonNames is the columns that a NATURAL JOIN joins on.
func (c *compiler) commonNames(b *block, left, right []*source) []string {
	var names []string
	for _, s := range right {
		if s.table == nil {
			return nil
		}
		for i := range s.table.Columns {
			name := s.table.Columns[i].Name
			if _, ok := b.findIn(left, name); ok && name != "" && !s.table.Columns[i].Invisible && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// findIn finds a column of some sources by its name.
func (b *block) findIn(list []*source, name string) (column, bool) {
	if joint, ok := b.joint[foldName(name)]; ok && slices.Contains(list, joint.source) {
		return joint, true
	}
	var found column
	n := 0
	for _, s := range list {
		if s.table == nil {
			return column{}, false
		}
		if i, ok := s.table.column(name); ok {
			found = column{s, i}
			n++
		}
	}
	return found, n == 1
}

// addOuter adds an outer join.
func (c *compiler) addOuter(b *block, preserved, optional []*source, conditions []joinCondition) {
	for _, s := range optional {
		s.optional = true
	}
	if !anySharded(preserved) && anySharded(optional) {
		b.lonely = "an outer join from a table that is on every shard to a sharded one would repeat its rows"
	}
	for _, j := range conditions {
		pairs := [][2]column{{j.l, j.r}}
		if j.expr != nil {
			b.partial = append(b.partial, partial{expr: j.expr, inside: optional})
			pairs = c.columnEqualities(b, j.expr)
		}
		for _, p := range pairs {
			if slices.Contains(optional, p[0].source) || slices.Contains(optional, p[1].source) {
				b.edges = append(b.edges, edge{l: p[0], r: p[1], inside: optional})
			}
		}
	}
}

func anySharded(list []*source) bool {
	for _, s := range list {
		if s.table != nil && s.table.Rule.Kind == Sharded {
			return true
		}
	}
	return false
}
