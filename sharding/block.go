package sharding

import "github.com/pingcap/tidb/pkg/parser/ast"

// source is one table, view or derived table of a FROM clause.
type source struct {
	id       int
	database string
	alias    string
	table    *Table    // a derived table stands as the table that it is to its reader (relation.go); nil: not known
	relation *relation // of a derived table or common table expression
	derived  bool      // not a table by its name
	optional bool      // of an outer join: its columns are NULL in rows that find no partner, on any shard
}

// column is a column of a source.
type column struct {
	source *source
	index  int
}

func (c column) info() *ColumnInfo { return &c.source.table.Columns[c.index] }

// block is one SELECT (or UPDATE, DELETE) with its own FROM.
type block struct {
	parent    *block // whose columns it sees; a derived table does not see its neighbours'
	node      ast.Node
	first     int  // facts.blocks[first:end] are the block and all within it
	end       int  //
	outermost bool // the statement itself, or an arm of its UNION
	exists    bool // the query of an EXISTS
	limited   bool // by its own LIMIT, or that of a UNION around it
	bound     bool // its sources are known
	covered   bool // part of a relation, which stands for it

	refs      *ast.Join
	condition ast.ExprNode // WHERE

	sources []*source
	where   []ast.ExprNode    // conditions that every row of the answer fulfils
	partial []partial         // conditions that hold for the optional sides of outer joins only
	edges   []edge            // columns that are equal wherever rows of both matter
	links   []link            // columns that an IN around the block makes equal
	using   map[string]bool   // names of USING and NATURAL JOIN; not nil: there is such a join
	joint   map[string]column // the column that such a name stands for alone
	classes *classes
	lonely  string // an outer join whose rows scattering would repeat: the reason
}

// resolve finds the column that a name stands for in a block or the blocks around it.
func (b *block) resolve(n *ast.ColumnName) (column, bool) {
	for ; b != nil; b = b.parent {
		if n.Table.O != "" {
			for _, s := range b.sources {
				if s.alias != n.Table.O || n.Schema.O != "" && s.database != n.Schema.O {
					continue
				}
				if s.table == nil {
					return column{}, false
				}
				i, ok := s.table.column(n.Name.O)
				return column{s, i}, ok
			}
			continue
		}
		col, found, certain := b.own(n.Name.O)
		if !certain || found {
			return col, certain && found
		}
	}
	return column{}, false
}

// own finds the column that a name without a table stands for in the block itself.
func (b *block) own(name string) (col column, found, certain bool) {
	matches := 0
	for _, s := range b.sources {
		if s.table == nil {
			return column{}, false, false
		}
		if i, ok := s.table.column(name); ok {
			if matches == 0 {
				col = column{s, i}
			}
			matches++
		}
	}
	switch {
	case matches == 0:
		return column{}, false, true
	case b.using != nil && len(b.using) == 0 && len(b.sources) > 1:
		return column{}, false, false // a NATURAL JOIN whose columns are not known
	case matches == 1:
		return col, true, true
	}
	if joint, ok := b.joint[foldName(name)]; ok {
		return joint, true, true
	}
	return column{}, false, false // ambiguous
}

// columnEquality reads a.x = b.y.
func (c *compiler) columnEquality(b *block, e ast.ExprNode) (l, r column, ok bool) {
	op, isOp := unwrap(e).(*ast.BinaryOperationExpr)
	if !isOp || !isEquality(op.Op) {
		return l, r, false
	}
	ln, lok := unwrap(op.L).(*ast.ColumnNameExpr)
	rn, rok := unwrap(op.R).(*ast.ColumnNameExpr)
	if !lok || !rok {
		return l, r, false
	}
	if l, ok = b.resolve(ln.Name); !ok {
		return l, r, false
	}
	if r, ok = b.resolve(rn.Name); !ok {
		return l, r, false
	}
	if op.Op == nullEquality && (l.source.optional || r.source.optional) {
		return l, r, false // the NULL of a missing partner is on every shard
	}
	return l, r, true
}

// columnEqualities reads a.x = b.y and (a.x, a.z) = (b.y, b.w).
func (c *compiler) columnEqualities(b *block, e ast.ExprNode) [][2]column {
	if l, r, ok := c.columnEquality(b, e); ok {
		return [][2]column{{l, r}}
	}
	op, isOp := unwrap(e).(*ast.BinaryOperationExpr)
	if !isOp || !isEquality(op.Op) {
		return nil
	}
	ln, lok := unwrap(op.L).(*ast.RowExpr)
	rn, rok := unwrap(op.R).(*ast.RowExpr)
	if !lok || !rok || len(ln.Values) != len(rn.Values) {
		return nil
	}
	var list [][2]column
	for i := range ln.Values {
		list = append(list, c.columnEqualities(b, &ast.BinaryOperationExpr{Op: op.Op, L: ln.Values[i], R: rn.Values[i]})...)
	}
	return list
}

// conjuncts appends the conditions that e joins with AND.
func conjuncts(list []ast.ExprNode, e ast.ExprNode) []ast.ExprNode {
	e = unwrap(e)
	if op, ok := e.(*ast.BinaryOperationExpr); ok && isAnd(op.Op) {
		return conjuncts(conjuncts(list, op.L), op.R)
	}
	return append(list, e)
}

// unwrap takes parentheses away.
func unwrap(e ast.ExprNode) ast.ExprNode {
	for {
		p, ok := e.(*ast.ParenthesesExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
}
