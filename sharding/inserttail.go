package sharding

import "github.com/pingcap/tidb/pkg/parser/ast"

func (c *compiler) unstableTail(n *ast.InsertStmt) bool {
	if n == nil {
		return false
	}
	for _, a := range n.OnDuplicate {
		if natureOf(a.Expr).unstable {
			return true
		}
	}
	return false
}

// tailOfItsOwn checks that ON DUPLICATE KEY UPDATE names no columns of the query's tables, which are not there when rows are inserted.
func (c *compiler) tailOfItsOwn(t *Table, n *ast.InsertStmt) error {
	for _, a := range n.OnDuplicate {
		v := &columnNames{}
		a.Expr.Accept(v)
		for _, name := range v.names {
			_, own := t.column(name.Name.O)
			if !own || name.Table.O != "" && name.Table.O != t.Name || c.sourceHas(name, t) {
				return refuse("ON DUPLICATE KEY UPDATE uses the column %s of the query; use VALUES(column)", name.Name.O)
			}
		}
	}
	return nil
}

// sourceHas says whether a table of the query has a column that the name could mean as well.
func (c *compiler) sourceHas(name *ast.ColumnName, target *Table) bool {
	if name.Table.O != "" {
		return false // it names the target
	}
	for _, b := range c.facts.blocks {
		if b.parent != nil {
			continue
		}
		for _, s := range b.sources {
			if s.table == nil {
				return true
			}
			if _, ok := s.table.column(name.Name.O); ok && s.table != target {
				return true
			}
		}
	}
	return false
}

type columnNames struct{ names []*ast.ColumnName }

// Enter implements ast.Visitor.
func (v *columnNames) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.ValuesExpr:
		return n, true
	case *ast.ColumnNameExpr:
		v.names = append(v.names, n.Name)
	}
	return n, false
}

// Leave implements ast.Visitor.
func (v *columnNames) Leave(n ast.Node) (ast.Node, bool) { return n, true }
