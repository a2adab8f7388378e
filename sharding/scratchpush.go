package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// Conditions that leave out rows of a table before it is loaded. The query tests all of them again, so what matters is
// that no row is left out that could make a difference:
//
//   - A condition of WHERE, or of an inner join, says it of its table, if the table is not the side of an outer join that may
//     be NULL. If it is, the condition must not be true for NULLs: a row that is missing would be seen as NULLs.
//   - A condition of an outer join says it of the side that may be NULL only.
//   - Columns that must be equal carry a constant from one to the other: from both sides of an inner join, to the side of an outer
//     join that may be NULL, and from a query to the subqueries in it. In the same directions, the rows of one table say which of another matter.

// sourceNeeds is what is known of the rows of one use of a table that matter.
type sourceNeeds struct {
	conditions []template
	constant   []int // columns that a condition gives a constant
}

// where joins the conditions with AND.
func (n *sourceNeeds) where() []piece {
	if n == nil || len(n.conditions) == 0 {
		return nil
	}
	t := &template{}
	for i, c := range n.conditions {
		t.addText([]string{" AND ", "("}[b2i(i == 0)])
		for _, p := range c.pieces {
			t.add(p)
		}
	}
	t.addText(")")
	return t.pieces
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pusher collects the conditions of one block.
type pusher struct {
	x        *scratchCompiler
	b        *block
	at       int // the next source of the join tree
	optional map[*source]bool
}

// seed is a constant that a column has in every row that matters.
type seed struct {
	col  column
	tail template // what follows the column's name in the condition
}

func (x *scratchCompiler) push(n *ast.SelectStmt, b *block) {
	p := &pusher{x: x, b: b, optional: map[*source]bool{}}
	if n.From != nil && n.From.TableRefs != nil {
		p.join(n.From.TableRefs)
	}
	if n.Where != nil {
		p.conditions(conjuncts(nil, n.Where), nil)
	}
}

// join reads a join tree in the order of the block's sources, and returns those of the subtree.
func (p *pusher) join(n ast.ResultSetNode) []*source {
	switch n := n.(type) {
	case *ast.TableSource:
		if j, ok := n.Source.(*ast.Join); ok {
			return p.join(j)
		}
		if p.at >= len(p.b.sources) {
			p.x.refuse("its tables cannot be told apart")
			return nil
		}
		s := p.b.sources[p.at]
		p.at++
		return []*source{s}
	case *ast.Join:
		left := p.join(n.Left)
		if n.Right == nil {
			return left
		}
		right := p.join(n.Right)
		p.on(n, left, right)
		return append(left, right...)
	}
	return nil
}

func (p *pusher) on(n *ast.Join, left, right []*source) {
	both := append(append([]*source(nil), left...), right...)
	if n.NaturalJoin {
		for _, s := range both {
			if s.real() {
				p.x.all[s.table] = true
			}
		}
	}
	var optional []*source
	switch n.Tp {
	case ast.LeftJoin:
		optional = right
	case ast.RightJoin:
		optional = left
	}
	for _, u := range n.Using {
		l, lok := p.b.findIn(left, u.Name.O)
		r, rok := p.b.findIn(right, u.Name.O)
		if lok && rok {
			p.equal(l, r, optional)
		}
	}
	if n.On != nil {
		p.conditions(conjuncts(nil, n.On.Expr), optional)
	}
	for _, s := range optional {
		p.optional[s] = true
	}
}

// conditions reads conditions of WHERE or of a join; optional is the side of the join that may be NULL, nil: it is an inner one, or WHERE.
func (p *pusher) conditions(list []ast.ExprNode, optional []*source) {
	for _, e := range list {
		if l, r, ok := p.equality(e); ok {
			p.equal(l, r, optional)
			continue
		}
		w := &pushedExpr{c: p.x.c, b: p.b}
		if !w.write(e) || w.source == nil {
			p.implied(e, optional)
			continue
		}
		need := p.x.needs[w.source]
		own := slices.Contains(p.b.sources, w.source) && (optional == nil || slices.Contains(optional, w.source))
		if need == nil || !own || p.optional[w.source] && !rejects(e) {
			continue
		}
		need.conditions = append(need.conditions, w.out)
		if optional == nil && !p.optional[w.source] {
			p.seed(e)
		}
	}
}

// equality reads a.x = b.y.
func (p *pusher) equality(e ast.ExprNode) (l, r column, ok bool) {
	if op, isOp := unwrap(e).(*ast.BinaryOperationExpr); !isOp || op.Op != opcode.EQ {
		return l, r, false
	}
	if l, r, ok = p.x.c.columnEquality(p.b, e); !ok || l.source == r.source {
		return l, r, false
	}
	return l, r, p.own(l) || p.own(r)
}

// own says whether a column is of the block itself, and not of one around it.
func (p *pusher) own(c column) bool { return slices.Contains(p.b.sources, c.source) }

// equal notes that two columns are equal, if comparing them is plain equality of one type.
func (p *pusher) equal(l, r column, optional []*source) {
	if l.source.table == nil || r.source.table == nil {
		return
	}
	tl, errL := newKeyType(l.info())
	tr, errR := newKeyType(r.info())
	if errL != nil || errR != nil || !tl.sameClass(tr) {
		return
	}
	inner := optional == nil
	if p.own(r) && (inner || slices.Contains(optional, r.source) && !slices.Contains(optional, l.source)) {
		p.x.edges = append(p.x.edges, [2]column{l, r})
	}
	if p.own(l) && (inner || slices.Contains(optional, l.source) && !slices.Contains(optional, r.source)) {
		p.x.edges = append(p.x.edges, [2]column{r, l})
	}
}

// seed notes column = constant and column IN (constants).
func (p *pusher) seed(e ast.ExprNode) {
	var name ast.ExprNode
	w := &pushedExpr{c: p.x.c, b: p.b}
	switch e := unwrap(e).(type) {
	case *ast.BinaryOperationExpr:
		if e.Op != opcode.EQ {
			return
		}
		l, r := e.L, e.R
		if _, ok := unwrap(l).(*ast.ColumnNameExpr); !ok {
			l, r = r, l
		}
		if name = l; !w.all(" = ", r, ")") {
			return
		}
	case *ast.PatternInExpr:
		if e.Not || e.Sel != nil || len(e.List) == 0 {
			return
		}
		name = e.Expr
		for i, v := range e.List {
			if !w.all([]string{", ", " IN ("}[b2i(i == 0)], v) {
				return
			}
		}
		w.out.addText("))")
	default:
		return
	}
	n, ok := unwrap(name).(*ast.ColumnNameExpr)
	if !ok || w.source != nil {
		return
	}
	if col, ok := p.b.resolve(n.Name); ok {
		need := p.x.needs[col.source]
		need.constant = append(need.constant, col.index)
		p.x.seeds = append(p.x.seeds, seed{col, w.out})
	}
}

// carry brings the constants of columns to those that are equal to them.
func (x *scratchCompiler) carry() {
	for _, s := range x.seeds {
		seen := map[columnID]bool{s.col.id(): true}
		for todo := []column{s.col}; len(todo) > 0; todo = todo[1:] {
			for _, e := range x.edges {
				if e[0] != todo[0] || seen[e[1].id()] {
					continue
				}
				seen[e[1].id()] = true
				todo = append(todo, e[1])
				need := x.needs[e[1].source]
				if need == nil {
					continue
				}
				t := template{}
				t.addText("(" + string(appendName(nil, e[1].info().Name)))
				for _, piece := range s.tail.pieces {
					t.add(piece)
				}
				need.conditions = append(need.conditions, t)
				need.constant = append(need.constant, e[1].index)
			}
		}
	}
}
