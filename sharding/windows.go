package sharding

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// partitioned says whether each window of a query lies on one shard: its PARTITION BY includes the key that the group's tables
// meet on.
func partitioned(b *block, sel *ast.SelectStmt, g *group) bool {
	v := &windowFinder{}
	v.query(sel)
	for _, w := range v.found {
		by, known := partitionOf(sel, &w.Spec, 0)
		if !known {
			return false
		}
		cover := keyCover{g: g, b: b}
		for _, item := range by {
			if n, ok := unwrap(item.Expr).(*ast.ColumnNameExpr); ok {
				if col, ok := b.resolve(n.Name); ok {
					cover.add(col, false)
				}
			}
		}
		if !cover.whole() {
			return false
		}
	}
	return true
}

// partitionOf is the PARTITION BY of a window, which may be that of a named one.
func partitionOf(sel *ast.SelectStmt, spec *ast.WindowSpec, depth int) (by []*ast.ByItem, known bool) {
	if spec.PartitionBy != nil {
		return spec.PartitionBy.Items, true
	}
	name := spec.Ref.L
	if spec.OnlyAlias {
		name = spec.Name.L
	}
	if name == "" {
		return nil, true
	}
	for i := range sel.WindowSpecs {
		if sel.WindowSpecs[i].Name.L == name && depth < len(sel.WindowSpecs) {
			return partitionOf(sel, &sel.WindowSpecs[i], depth+1)
		}
	}
	return nil, false
}

// windowFinder collects the window functions of one query, without those of queries within it.
type windowFinder struct{ found []*ast.WindowFuncExpr }

func (v *windowFinder) query(sel *ast.SelectStmt) {
	if sel.Fields != nil {
		for _, f := range sel.Fields.Fields {
			if f.Expr != nil {
				f.Expr.Accept(v)
			}
		}
	}
	if sel.OrderBy != nil {
		for _, i := range sel.OrderBy.Items {
			i.Expr.Accept(v)
		}
	}
}

func (v *windowFinder) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.WindowFuncExpr:
		v.found = append(v.found, n)
	case *ast.SubqueryExpr:
		return n, true
	}
	return n, false
}

func (v *windowFinder) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// windowComparison is the kind of a window function's values.
func (c *compiler) windowComparison(b *block, e *ast.WindowFuncExpr) comparisonKind {
	switch strings.ToLower(e.Name) {
	case "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "count", "sum", "avg":
		return compareValue
	case "lag", "lead", "first_value", "last_value", "nth_value", "min", "max":
		if len(e.Args) > 0 {
			return c.comparison(b, e.Args[0], column{}, false)
		}
	}
	return compareUnknown
}

// windowObstacle says why window functions keep a query from being scattered.
func (x *scatterer) windowObstacle() string {
	f := &x.c.facts
	if f.windows == 0 {
		return ""
	}
	own := &windowFinder{}
	own.query(x.sel)
	if len(own.found)+x.derivedWindows() != f.windows {
		return "window functions in a subquery need all rows on one shard"
	}
	if len(own.found) > 0 && (x.sel.GroupBy != nil || !partitioned(x.b, x.sel, &x.r.groups[x.r.main])) {
		return "window functions need all rows of a window on one shard: PARTITION BY the shard key"
	}
	return ""
}

// derivedWindows counts the window functions of derived tables, which are known to be whole where the tables are scattered.
func (x *scatterer) derivedWindows() int {
	n := 0
	for _, s := range x.b.sources {
		if s.relation == nil {
			continue
		}
		for _, b := range s.relation.tree {
			if sel, ok := b.node.(*ast.SelectStmt); ok {
				own := &windowFinder{}
				own.query(sel)
				n += len(own.found)
			}
		}
	}
	return n
}
