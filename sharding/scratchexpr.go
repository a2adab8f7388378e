package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// pushedExpr writes a condition on one table's columns anew, for the query that loads the table. Only what has no
// effect and is the same wherever it is evaluated is written: comparisons, arithmetic, and constants of the statement.
type pushedExpr struct {
	c      *compiler
	b      *block
	source *source // whose columns it names; nil until the first
	out    template
}

var pushedOperators = map[opcode.Op]string{
	opcode.LogicAnd: " AND ", opcode.LogicOr: " OR ", opcode.EQ: " = ", opcode.NullEQ: " <=> ", opcode.NE: " <> ",
	opcode.LT: " < ", opcode.LE: " <= ", opcode.GT: " > ", opcode.GE: " >= ",
	opcode.Plus: " + ", opcode.Minus: " - ", opcode.Mul: " * ",
}

// write appends e in parentheses; false: it cannot be evaluated where the table is loaded.
func (p *pushedExpr) write(e ast.ExprNode) bool {
	switch e := unwrap(e).(type) {
	case *ast.BinaryOperationExpr:
		op, ok := pushedOperators[e.Op]
		if !ok {
			return false
		}
		return p.all("(", e.L, op, e.R, ")")
	case *ast.UnaryOperationExpr:
		switch e.Op {
		case opcode.Not, opcode.Not2:
			return p.all("(NOT ", e.V, ")")
		case opcode.Minus:
			return p.all("(-", e.V, ")")
		}
	case *ast.IsNullExpr:
		return p.all("(", e.Expr, " IS"+not(e.Not)+" NULL)")
	case *ast.BetweenExpr:
		return p.all("(", e.Expr, not(e.Not)+" BETWEEN ", e.Left, " AND ", e.Right, ")")
	case *ast.PatternLikeOrIlikeExpr:
		if !e.IsLike || e.EscapeExplicit {
			return false
		}
		return p.all("(", e.Expr, not(e.Not)+" LIKE ", e.Pattern, ")")
	case *ast.PatternInExpr:
		return p.in(e)
	case *ast.ColumnNameExpr:
		return p.column(e.Name)
	case *ast.FuncCallExpr:
		if unit, ok := interval(e); ok {
			return p.all(e.FnName.O+"(", e.Args[0], ", INTERVAL ", e.Args[1], " "+unit+")")
		}
		return p.constant(e)
	case *driver.ValueExpr, *driver.ParamMarkerExpr, *ast.VariableExpr:
		return p.constant(e)
	}
	return false
}

// interval reads a date plus or minus an interval.
func interval(e *ast.FuncCallExpr) (unit string, ok bool) {
	if name := e.FnName.L; name != ast.DateAdd && name != ast.DateSub || len(e.Args) != 3 {
		return "", false
	}
	u, ok := e.Args[2].(*ast.TimeUnitExpr)
	if !ok {
		return "", false
	}
	return u.Unit.String(), true
}

func not(is bool) string {
	if is {
		return " NOT"
	}
	return ""
}

// all writes texts and expressions one behind the other.
func (p *pushedExpr) all(list ...any) bool {
	for _, l := range list {
		switch l := l.(type) {
		case string:
			p.out.addText(l)
		case ast.ExprNode:
			if !p.write(l) {
				return false
			}
		}
	}
	return true
}

func (p *pushedExpr) in(e *ast.PatternInExpr) bool {
	if e.Sel != nil || !p.all("(", e.Expr, not(e.Not)+" IN (") {
		return false
	}
	for i, v := range e.List {
		if i > 0 {
			p.out.addText(", ")
		}
		if !p.write(v) {
			return false
		}
	}
	p.out.addText("))")
	return true
}

func (p *pushedExpr) column(n *ast.ColumnName) bool {
	col, ok := p.b.resolve(n)
	if !ok || p.source != nil && p.source != col.source {
		return false
	}
	p.source = col.source
	p.out.addText(string(appendName(nil, col.info().Name)))
	return true
}

func (p *pushedExpr) constant(e ast.ExprNode) bool {
	o := p.c.operand(e)
	return p.operand(e, &o)
}

// operand writes a constant that operand has read.
func (p *pushedExpr) operand(e ast.ExprNode, o *operand) bool {
	if o.negative {
		return false // written by its operator
	}
	switch o.kind {
	case operandLiteral:
		if t := p.c.tokenAt(p.c.lits[o.n].Start); t > 0 && p.c.toks[t-1].kind == tokWord && !p.plainBefore(t) {
			return false // _latin1 'x', N'x'
		}
		p.out.add(piece{kind: pieceLiteral, n: o.n})
	case operandMoment:
		t := p.c.tokenAt(e.OriginTextPosition())
		p.out.addText(p.c.textOf(t) + " ")
		p.out.add(piece{kind: pieceLiteral, n: o.n})
	case operandParam:
		p.out.add(piece{kind: pieceParam, n: o.n})
	case operandNull:
		p.out.addText("NULL")
	case operandBool:
		p.out.addText([]string{"FALSE", "TRUE"}[o.n])
	case operandSlot:
		p.out.add(piece{kind: pieceSlot, n: o.n})
	default:
		return false
	}
	return true
}

// plainBefore says whether the word before a literal says nothing about it: it is no character set's.
func (p *pushedExpr) plainBefore(t int) bool {
	w := p.c.word(t - 1)
	return w != "" && w[0] != '_' && w != "N" && p.c.toks[t-1].end < p.c.toks[t].start
}

// rejects says whether a condition is not true for a row of NULLs, which stands for a row that an outer join did not
// find. strict says the same of all that is not NULL.
func rejects(e ast.ExprNode) bool {
	switch e := unwrap(e).(type) {
	case *ast.BinaryOperationExpr:
		switch e.Op {
		case opcode.LogicAnd:
			return rejects(e.L) || rejects(e.R)
		case opcode.LogicOr:
			return rejects(e.L) && rejects(e.R)
		}
	case *ast.IsNullExpr:
		return e.Not && strict(e.Expr)
	}
	return strict(e)
}

// strict says whether an expression is NULL for a row of NULLs.
func strict(e ast.ExprNode) bool {
	switch e := unwrap(e).(type) {
	case *ast.ColumnNameExpr:
		return true
	case *ast.BinaryOperationExpr:
		switch e.Op {
		case opcode.EQ, opcode.NE, opcode.LT, opcode.LE, opcode.GT, opcode.GE, opcode.Plus, opcode.Minus, opcode.Mul:
			return strict(e.L) || strict(e.R)
		case opcode.LogicAnd, opcode.LogicOr:
			return strict(e.L) && strict(e.R)
		}
	case *ast.UnaryOperationExpr:
		return (e.Op == opcode.Not || e.Op == opcode.Not2 || e.Op == opcode.Minus) && strict(e.V)
	case *ast.BetweenExpr:
		return strict(e.Expr)
	case *ast.PatternLikeOrIlikeExpr:
		return strict(e.Expr)
	case *ast.PatternInExpr:
		return e.Sel == nil && strict(e.Expr)
	}
	return false
}
