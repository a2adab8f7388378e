package sharding

import "github.com/pingcap/tidb/pkg/parser/ast"

// inPlace says whether every row of a query is on the shard that it is for in the table that it goes to: the query is a plain
// one over rows that meet on a shard, and hands their shard key on as the table's.
func (c *compiler) inPlace(t *Table, n *ast.InsertStmt, r *routing) bool {
	sel, plain := n.Select.(*ast.SelectStmt)
	if !plain || t.AutoIncrement != "" || len(c.facts.blocks) != 1 || c.facts.subqueries || c.facts.windows > 0 || c.facts.assigns {
		return false
	}
	if sel.Distinct || sel.GroupBy != nil || sel.Having != nil || sel.Limit != nil || sel.Fields == nil || len(c.facts.ctes) > 0 || aggregates(sel) {
		return false
	}
	if r.main < 0 || r.obstacle != "" || len(r.groups) != 1 {
		return false
	}
	g := &r.groups[r.main]
	if !t.placedAlike(g.tables[0]) {
		return false
	}
	b := c.facts.blocks[0]
	for part, at := range t.keyColumns {
		e := c.handedOn(t, at, n, sel)
		if e == nil {
			return false
		}
		col, ok := b.resolve(e)
		if !ok || col.source.optional || b.classes.find(col.id()) != g.classes[part] || !sameKeyColumn(col.info(), &t.Columns[at]) {
			return false
		}
	}
	return true
}

// sameKeyColumn says whether a value of one column is stored in the other as it is.
func sameKeyColumn(a, b *ColumnInfo) bool {
	return a.DataType == b.DataType && a.ColumnType == b.ColumnType && a.Collation == b.Collation
}

// handedOn is the column of the query that becomes a column of the table's shard key.
func (c *compiler) handedOn(t *Table, keyColumn int, n *ast.InsertStmt, sel *ast.SelectStmt) *ast.ColumnName {
	at := -1
	if len(n.Columns) == 0 {
		visible := 0
		for i := range t.Columns {
			if t.Columns[i].Invisible {
				continue
			}
			if i == keyColumn {
				at = visible
			}
			visible++
		}
	}
	for i, col := range n.Columns {
		if named, ok := t.column(col.Name.O); ok && named == keyColumn {
			at = i
		}
	}
	if at < 0 || at >= len(sel.Fields.Fields) {
		return c.ofWildcard(at, sel)
	}
	for _, f := range sel.Fields.Fields[:at+1] {
		if f.WildCard != nil {
			return c.ofWildcard(at, sel)
		}
	}
	if e, ok := unwrap(sel.Fields.Fields[at].Expr).(*ast.ColumnNameExpr); ok {
		return e.Name
	}
	return nil
}

// ofWildcard is the column at a position of SELECT * FROM one table.
func (c *compiler) ofWildcard(at int, sel *ast.SelectStmt) *ast.ColumnName {
	b := c.facts.blocks[0]
	if at < 0 || len(sel.Fields.Fields) != 1 || sel.Fields.Fields[0].WildCard == nil || len(b.sources) != 1 || b.sources[0].table == nil {
		return nil
	}
	visible := 0
	for i := range b.sources[0].table.Columns {
		col := &b.sources[0].table.Columns[i]
		if col.Invisible {
			continue
		}
		if visible == at {
			return &ast.ColumnName{Name: ast.NewCIStr(col.Name)}
		}
		visible++
	}
	return nil
}

func aggregates(n ast.Node) bool {
	v := &aggregateVisitor{}
	n.Accept(v)
	return v.found
}

type aggregateVisitor struct{ found bool }

// Enter implements ast.Visitor.
func (v *aggregateVisitor) Enter(n ast.Node) (ast.Node, bool) {
	if _, ok := n.(*ast.AggregateFuncExpr); ok {
		v.found = true
	}
	return n, v.found
}

// Leave implements ast.Visitor.
func (v *aggregateVisitor) Leave(n ast.Node) (ast.Node, bool) { return n, true }
