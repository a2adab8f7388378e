package sharding

import "github.com/pingcap/tidb/pkg/parser/ast"

// source is one table, view or derived table of a FROM clause.
type source struct {
	id       int
	database string
	alias    string
	table    *Table // nil: a derived table, or one that is not known
	optional bool   // of an outer join: its columns are NULL in rows that find no partner, on any shard
}

// column is a column of a source.
type column struct {
	source *source
	index  int
}

func (c column) info() *ColumnInfo { return &c.source.table.Columns[c.index] }

// block is one SELECT (or UPDATE, DELETE) with its own FROM.
type block struct {
	parent  *block
	sources []*source
	where   []ast.ExprNode // conditions that every row of the answer fulfils
	edges   [][2]column    // columns that are equal wherever rows of both matter
	using   map[string]bool
	classes *classes
	lonely  string // an outer join whose rows scattering would repeat: the reason
}

// addJoin collects the sources of a join tree. inner says whether the conditions of this join hold for every row of the
// answer. It returns the sources of the subtree.
func (c *compiler) addJoin(b *block, n ast.ResultSetNode) []*source {
	switch n := n.(type) {
	case *ast.TableSource:
		s := &source{id: c.sources, alias: n.AsName.O}
		c.sources++
		if t, ok := n.Source.(*ast.TableName); ok {
			s.database = c.databaseOf(t)
			s.table = c.lookupTable(t)
			if s.alias == "" {
				s.alias = t.Name.O
			} else {
				s.database = ""
			}
		}
		if j, ok := n.Source.(*ast.Join); ok {
			return c.addJoin(b, j)
		}
		b.sources = append(b.sources, s)
		return []*source{s}
	case *ast.Join:
		left := c.addJoin(b, n.Left)
		if n.Right == nil {
			return left
		}
		right := c.addJoin(b, n.Right)
		c.addCondition(b, n, left, right)
		return append(left, right...)
	}
	return nil
}

func (c *compiler) addCondition(b *block, n *ast.Join, left, right []*source) {
	var conditions []ast.ExprNode
	if n.On != nil {
		conditions = conjuncts(nil, n.On.Expr)
	}
	outer := n.Tp == ast.LeftJoin || n.Tp == ast.RightJoin
	preserved, optional := left, right
	if n.Tp == ast.RightJoin {
		preserved, optional = right, left
	}
	if outer {
		for _, s := range optional {
			s.optional = true
		}
	}
	if outer && !anySharded(preserved) && anySharded(optional) {
		b.lonely = "an outer join from a table that is on every shard to a sharded one would repeat its rows"
	}
	if n.NaturalJoin {
		b.using = map[string]bool{} // which columns join is left open: unqualified names are not resolved
		return
	}
	for _, u := range n.Using {
		l, lok := findIn(left, u.Name.O)
		r, rok := findIn(right, u.Name.O)
		if b.using == nil {
			b.using = make(map[string]bool)
		}
		b.using[foldName(u.Name.O)] = true
		if lok && rok {
			b.edges = append(b.edges, [2]column{l, r})
		}
	}
	if !outer {
		b.where = append(b.where, conditions...)
		return
	}
	for _, e := range conditions {
		l, r, ok := c.columnEquality(b, e)
		if ok && (contains(optional, l.source) || contains(optional, r.source)) {
			b.edges = append(b.edges, [2]column{l, r})
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

func contains(list []*source, s *source) bool {
	for _, o := range list {
		if o == s {
			return true
		}
	}
	return false
}

func findIn(list []*source, name string) (column, bool) {
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
		var found column
		matches := 0
		for _, s := range b.sources {
			if s.table == nil {
				return column{}, false
			}
			if i, ok := s.table.column(n.Name.O); ok {
				if matches == 0 {
					found = column{s, i}
				}
				matches++
			}
		}
		if matches == 1 {
			return found, b.using == nil || len(b.using) > 0 || len(b.sources) == 1
		}
		if matches > 1 {
			return column{}, false // ambiguous, or the joint column of USING
		}
	}
	return column{}, false
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
	r, ok = b.resolve(rn.Name)
	return l, r, ok
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
