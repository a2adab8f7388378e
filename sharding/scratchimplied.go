package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// implied reads what a condition on several tables says of each of them: every arm of its ORs has to say something, and of
// an AND what either side says.
func (p *pusher) implied(e ast.ExprNode, optional []*source) {
	if op, ok := unwrap(e).(*ast.BinaryOperationExpr); !ok || op.Op != opcode.LogicOr {
		return
	}
	for _, s := range p.b.sources {
		need := p.x.needs[s]
		if need == nil || optional != nil && !slices.Contains(optional, s) {
			continue
		}
		t, rejecting := p.impliedOf(e, s)
		if t != nil && (rejecting || !p.optional[s]) {
			need.conditions = append(need.conditions, *t)
		}
	}
}

// impliedOf is what e says of s; nil: nothing. rejecting says whether that is not true for a row of NULLs.
func (p *pusher) impliedOf(e ast.ExprNode, s *source) (t *template, rejecting bool) {
	e = unwrap(e)
	if op, ok := e.(*ast.BinaryOperationExpr); ok && (op.Op == opcode.LogicAnd || op.Op == opcode.LogicOr) {
		l, rl := p.impliedOf(op.L, s)
		r, rr := p.impliedOf(op.R, s)
		and := op.Op == opcode.LogicAnd
		switch {
		case l == nil && r == nil, !and && (l == nil || r == nil):
			return nil, false
		case l == nil:
			return r, rr
		case r == nil:
			return l, rl
		}
		out := &template{}
		out.addText("(")
		for _, piece := range l.pieces {
			out.add(piece)
		}
		out.addText(pushedOperators[op.Op])
		for _, piece := range r.pieces {
			out.add(piece)
		}
		out.addText(")")
		if and {
			return out, rl || rr
		}
		return out, rl && rr
	}
	w := &pushedExpr{c: p.x.c, b: p.b, source: s}
	if !w.write(e) || !names(e) {
		return nil, false
	}
	return &w.out, rejects(e)
}

// names says whether an expression names a column.
func names(e ast.ExprNode) bool {
	v := &namesVisitor{}
	e.Accept(v)
	return v.found
}

type namesVisitor struct{ found bool }

// Enter implements ast.Visitor.
func (v *namesVisitor) Enter(n ast.Node) (ast.Node, bool) {
	if _, ok := n.(*ast.ColumnName); ok {
		v.found = true
	}
	return n, v.found
}

// Leave implements ast.Visitor.
func (v *namesVisitor) Leave(n ast.Node) (ast.Node, bool) { return n, true }
