package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// link is x IN (SELECT y …) where x stands in the block around: only rows with y = x matter to it.
type link struct {
	outer *block
	x     ast.ExprNode
	y     ast.ExprNode
}

func (l link) apply(b *block) {
	xn, xok := unwrap(l.x).(*ast.ColumnNameExpr)
	yn, yok := unwrap(l.y).(*ast.ColumnNameExpr)
	if !xok || !yok {
		return
	}
	x, xok := l.outer.resolve(xn.Name)
	y, yok := b.resolve(yn.Name)
	if xok && yok {
		b.classes.join(x, y)
	}
}

// linkIn looks for IN (SELECT …) in a condition, where it may be false as well as NULL: not below NOT, nor in a
// comparison, since NOT IN is not true for any row once the query has a NULL, on any shard.
func (c *compiler) linkIn(b *block, e ast.ExprNode) {
	switch e := unwrap(e).(type) {
	case *ast.BinaryOperationExpr:
		if e.Op == opcode.LogicAnd || e.Op == opcode.LogicOr {
			c.linkIn(b, e.L)
			c.linkIn(b, e.R)
		}
	case *ast.PatternInExpr:
		if !e.Not && e.Sel != nil {
			c.linkQuery(b, e.Expr, e.Sel)
		}
	case *ast.CompareSubqueryExpr:
		if !e.All && e.Op == opcode.EQ {
			c.linkQuery(b, e.L, e.R)
		}
	}
}

func (c *compiler) linkQuery(b *block, x, query ast.ExprNode) {
	sub, ok := unwrap(query).(*ast.SubqueryExpr)
	if !ok {
		return
	}
	xs := []ast.ExprNode{x}
	if row, ok := unwrap(x).(*ast.RowExpr); ok {
		xs = row.Values
	}
	for _, arm := range c.facts.arms(sub.Query) {
		sel, ok := arm.node.(*ast.SelectStmt)
		if !ok || sel.Fields == nil || len(sel.Fields.Fields) != len(xs) || sel.Limit != nil {
			continue
		}
		for i, f := range sel.Fields.Fields {
			if f.Expr != nil && c.filters(sel, i) {
				arm.links = append(arm.links, link{outer: b, x: xs[i], y: f.Expr})
			}
		}
	}
}

// arms are the blocks whose rows together are those of a query, where taking rows away from them takes the same rows away
// from it.
func (f *facts) arms(n ast.ResultSetNode) []*block {
	switch n := n.(type) {
	case *ast.SelectStmt:
		if b := f.blockOf[n]; b != nil {
			return []*block{b}
		}
	case *ast.SetOprStmt:
		if n.Limit == nil {
			return f.armsOf(n.SelectList)
		}
	}
	return nil
}

func (f *facts) armsOf(list *ast.SetOprSelectList) (all []*block) {
	for _, s := range list.Selects {
		switch s := s.(type) {
		case *ast.SelectStmt:
			if b := f.blockOf[s]; b != nil {
				all = append(all, b)
			}
		case *ast.SetOprSelectList:
			if s.Limit == nil {
				all = append(all, f.armsOf(s)...)
			}
		}
	}
	return all
}

// filters says whether a condition on field i could as well be a condition on the rows that the query is made of: no
// groups, or groups by that column.
func (c *compiler) filters(sel *ast.SelectStmt, i int) bool {
	if sel.GroupBy == nil {
		return !aggregated(sel) && !windowed(sel)
	}
	name, ok := unwrap(sel.Fields.Fields[i].Expr).(*ast.ColumnNameExpr)
	if !ok || sel.GroupBy.Rollup || windowed(sel) {
		return false
	}
	for _, item := range sel.GroupBy.Items {
		if g, ok := unwrap(item.Expr).(*ast.ColumnNameExpr); ok && g.Name.Name.L == name.Name.Name.L && g.Name.Table.O == name.Name.Table.O && g.Name.Schema.O == name.Name.Schema.O {
			return true
		}
	}
	return false
}

// aggregated says whether a query uses aggregate functions.
func aggregated(sel *ast.SelectStmt) bool { return hasFlag(sel, ast.HasAggFlag) }

// windowed says whether a query uses window functions.
func windowed(sel *ast.SelectStmt) bool { return hasFlag(sel, ast.HasWindowFlag) }

func hasFlag(sel *ast.SelectStmt, flag func(ast.ExprNode) bool) bool {
	if sel.Fields != nil {
		for _, f := range sel.Fields.Fields {
			if f.Expr != nil && flag(f.Expr) {
				return true
			}
		}
	}
	if sel.Having != nil && flag(sel.Having.Expr) {
		return true
	}
	if sel.OrderBy != nil {
		for _, i := range sel.OrderBy.Items {
			if flag(i.Expr) {
				return true
			}
		}
	}
	return false
}
