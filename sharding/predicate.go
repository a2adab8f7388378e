package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// predicate is what a condition says about one shard key: evaluated with the values of an execution, it is the set of
// shards that may hold rows for which the condition is true.
type predicate struct {
	kind   predicateKind
	kids   []*predicate
	values []operand // equality: one of them; range: low, high
	open   [2]bool   // range: the side has no bound
	strict [2]bool   // the bound itself is left out
}

type predicateKind uint8

const (
	predicateAll predicateKind = iota // says nothing
	predicateNone
	predicateAnd
	predicateOr
	predicateIn
	predicateRange
)

var everything = &predicate{kind: predicateAll}

// predicateBuilder reads conditions for one class of equal columns in one block.
type predicateBuilder struct {
	c     *compiler
	b     *block
	class columnID
}

func (p *predicateBuilder) isKey(e ast.ExprNode) bool {
	n, ok := unwrap(e).(*ast.ColumnNameExpr)
	if !ok {
		return false
	}
	col, ok := p.b.resolve(n.Name)
	return ok && p.b.classes.find(col.id()) == p.class
}

func (p *predicateBuilder) build(e ast.ExprNode) *predicate {
	switch e := unwrap(e).(type) {
	case *ast.BinaryOperationExpr:
		switch e.Op {
		case opcode.LogicAnd:
			return and(p.build(e.L), p.build(e.R))
		case opcode.LogicOr:
			return or(p.build(e.L), p.build(e.R))
		case opcode.EQ, opcode.NullEQ:
			return p.equality(e.L, e.R, e.Op == opcode.NullEQ)
		case opcode.LT, opcode.LE:
			return or2(p.bound(e.L, e.R, false, e.Op == opcode.LT), p.bound(e.R, e.L, true, e.Op == opcode.LT))
		case opcode.GT, opcode.GE:
			return or2(p.bound(e.L, e.R, true, e.Op == opcode.GT), p.bound(e.R, e.L, false, e.Op == opcode.GT))
		}
	case *ast.PatternInExpr:
		if list, ok := p.c.inList(e); ok && !e.Not {
			return p.in(e.Expr, list)
		}
	case *ast.BetweenExpr:
		if !e.Not && p.isKey(e.Expr) {
			lo, hi := p.c.operand(e.Left), p.c.operand(e.Right)
			if lo.kind != operandUnknown && hi.kind != operandUnknown {
				return &predicate{kind: predicateRange, values: []operand{lo, hi}}
			}
		}
	}
	return everything
}

// or2 takes the one of two readings that says something.
func or2(a, b *predicate) *predicate {
	if a != everything {
		return a
	}
	return b
}

func and(a, b *predicate) *predicate {
	switch {
	case a == everything:
		return b
	case b == everything:
		return a
	}
	if between := a.meet(b); between != nil {
		return between
	}
	return &predicate{kind: predicateAnd, kids: []*predicate{a, b}}
}

func or(a, b *predicate) *predicate {
	if a == everything || b == everything {
		return everything
	}
	return &predicate{kind: predicateOr, kids: []*predicate{a, b}}
}

func (p *predicateBuilder) equality(l, r ast.ExprNode, nullSafe bool) *predicate {
	if lr, ok := unwrap(l).(*ast.RowExpr); ok {
		rr, ok := unwrap(r).(*ast.RowExpr)
		if !ok || len(lr.Values) != len(rr.Values) {
			return everything
		}
		out := everything
		for i := range lr.Values {
			out = and(out, p.equality(lr.Values[i], rr.Values[i], nullSafe))
		}
		return out
	}
	if !p.isKey(l) {
		l, r = r, l
	}
	if !p.isKey(l) {
		return everything
	}
	o := p.c.operand(r)
	if o.kind == operandUnknown || nullSafe && o.kind == operandNull {
		return everything
	}
	if nullSafe {
		o.nullSafe = true
	}
	return &predicate{kind: predicateIn, values: []operand{o}}
}

func (p *predicateBuilder) in(e ast.ExprNode, list []ast.ExprNode) *predicate {
	position := -1
	if row, ok := unwrap(e).(*ast.RowExpr); ok {
		for i, v := range row.Values {
			if p.isKey(v) {
				position = i
			}
		}
		if position < 0 {
			return everything
		}
	} else if !p.isKey(e) {
		return everything
	}
	out := &predicate{kind: predicateIn}
	for _, v := range list {
		if position >= 0 {
			row, ok := unwrap(v).(*ast.RowExpr)
			if !ok || position >= len(row.Values) {
				return everything
			}
			v = row.Values[position]
		}
		o := p.c.operand(v)
		if o.kind == operandUnknown {
			return everything
		}
		out.values = append(out.values, o)
	}
	return out
}

// inList is the values of IN (…), and of IN (SELECT constant).
func (c *compiler) inList(e *ast.PatternInExpr) ([]ast.ExprNode, bool) {
	if e.Sel == nil {
		return e.List, true
	}
	sub, ok := unwrap(e.Sel).(*ast.SubqueryExpr)
	if !ok {
		return nil, false
	}
	sel, ok := sub.Query.(*ast.SelectStmt)
	if !ok || sel.From != nil || sel.Where != nil || sel.Having != nil || sel.GroupBy != nil || sel.Limit != nil || sel.With != nil || sel.Fields == nil ||
		len(sel.Fields.Fields) != 1 || sel.Fields.Fields[0].Expr == nil {
		return nil, false
	}
	return []ast.ExprNode{sel.Fields.Fields[0].Expr}, true
}

// meet makes one range of a lower and an upper bound; nil: they are not that.
func (a *predicate) meet(b *predicate) *predicate {
	if a.kind != predicateRange || b.kind != predicateRange || a.open[0] == a.open[1] || b.open[0] == b.open[1] || a.open[0] == b.open[0] {
		return nil
	}
	if a.open[0] {
		a, b = b, a
	}
	return &predicate{kind: predicateRange, values: []operand{a.values[0], b.values[1]}, strict: [2]bool{a.strict[0], b.strict[1]}}
}

// bound reads key < value (or, with lower, key > value). strict says that the value itself is left out; it may be taken in,
// since the set only grows.
func (p *predicateBuilder) bound(key, value ast.ExprNode, lower, strict bool) *predicate {
	if !p.isKey(key) {
		return everything
	}
	o := p.c.operand(value)
	if o.kind == operandUnknown {
		return everything
	}
	if lower {
		return &predicate{kind: predicateRange, values: []operand{o, {}}, open: [2]bool{false, true}, strict: [2]bool{strict, false}}
	}
	return &predicate{kind: predicateRange, values: []operand{{}, o}, open: [2]bool{true, false}, strict: [2]bool{false, strict}}
}

// operand reads a constant expression.
func (c *compiler) operand(e ast.ExprNode) operand {
	switch e := unwrap(e).(type) {
	case *driver.ParamMarkerExpr:
		if i := c.paramAt(e.Offset); i >= 0 {
			return operand{kind: operandParam, n: i}
		}
	case *driver.ValueExpr:
		return c.constant(e)
	case *ast.UnaryOperationExpr:
		o := c.operand(e.V)
		switch {
		case e.Op == opcode.Plus:
			return o
		case e.Op == opcode.Minus && (o.kind == operandLiteral || o.kind == operandParam || o.kind == operandBool || o.kind == operandFolded):
			o.negative = !o.negative
			return o
		}
	case *ast.BinaryOperationExpr:
		return c.fold(e)
	case *ast.DefaultExpr:
		if e.Name == nil {
			return operand{kind: operandDefault}
		}
	case *ast.FuncCallExpr, *ast.VariableExpr:
		if i := c.slotAt(e.OriginTextPosition()); i >= 0 {
			return operand{kind: operandSlot, n: i}
		}
		if f, ok := e.(*ast.FuncCallExpr); ok && f.FnName.O == ast.DateLiteral || ok && f.FnName.O == ast.TimestampLiteral {
			t := c.tokenAt(e.OriginTextPosition())
			if t+1 < len(c.toks) && c.isString(c.toks[t+1]) {
				return operand{kind: operandMoment, n: c.literalAt(c.toks[t+1].start)}
			}
		}
	}
	return operand{}
}

func (c *compiler) constant(e *driver.ValueExpr) operand {
	switch e.Kind() {
	case driver.KindNull:
		return operand{kind: operandNull}
	case driver.KindInt64:
		t := c.tokenAt(e.OriginTextPosition())
		switch c.word(t) {
		case "TRUE":
			return operand{kind: operandBool, n: 1}
		case "FALSE":
			return operand{kind: operandBool}
		}
	}
	at := e.OriginTextPosition()
	i := c.literalAt(at)
	if i < 0 {
		return operand{}
	}
	// A string that another string follows (behind a comment) is a part of a longer one.
	if t := c.tokenAt(at); c.isString(c.toks[t]) && t+1 < len(c.toks) && c.isString(c.toks[t+1]) {
		return operand{}
	}
	if !c.agrees(i, e) {
		return operand{}
	}
	return operand{kind: operandLiteral, n: i}
}

// agrees makes sure that the parser and the lexer mean the same constant.
func (c *compiler) agrees(i int, e *driver.ValueExpr) bool {
	l := c.lits[i]
	switch e.Kind() {
	case driver.KindInt64, driver.KindUint64:
		m, ok := parseDigits([]byte(c.src[l.Start:l.End]))
		return l.Kind == LitInt && ok && m == e.GetUint64()
	case driver.KindString, driver.KindBytes:
		return l.Kind == LitString || l.Kind == LitStrings
	case driver.KindBinaryLiteral:
		return l.Kind == LitHex || l.Kind == LitBit
	case driver.KindMysqlDecimal:
		return l.Kind == LitDecimal || l.Kind == LitInt
	case driver.KindFloat64:
		return l.Kind == LitFloat
	}
	return false
}
