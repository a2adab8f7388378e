package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// pin is one way in which a condition can be true for a shard key of several columns: a value for each column that it
// names, operandUnknown for the others.
type pin []operand

// maxPins bounds the ways of one statement; past it conditions are left out, which keeps rows but not speed.
const maxPins = 256

// pinBuilder reads conditions for the key of a group. nil pins say nothing; no pins at all that nothing can be true.
type pinBuilder struct {
	c *compiler
	b *block
	g *group
}

// part is the key's column that an expression is, or -1.
func (p *pinBuilder) part(e ast.ExprNode) int {
	n, ok := unwrap(e).(*ast.ColumnNameExpr)
	if !ok {
		return -1
	}
	col, ok := p.b.resolve(n.Name)
	if !ok {
		return -1
	}
	return p.g.keyPart(p.b.classes, col)
}

func (p *pinBuilder) build(e ast.ExprNode) []pin {
	switch e := unwrap(e).(type) {
	case *ast.BinaryOperationExpr:
		switch e.Op {
		case opcode.LogicAnd:
			return bothPins(p.build(e.L), p.build(e.R))
		case opcode.LogicOr:
			return eitherPins(p.build(e.L), p.build(e.R))
		case opcode.EQ, opcode.NullEQ:
			return p.equality(e.L, e.R, e.Op == opcode.NullEQ)
		}
	case *ast.PatternInExpr:
		list, ok := p.c.inList(e)
		if e.Not || !ok {
			return nil
		}
		var all []pin
		for i, v := range list {
			one := p.equality(e.Expr, v, false)
			if one == nil {
				return nil
			}
			if i == 0 {
				all = one
			} else if all = eitherPins(all, one); all == nil {
				return nil
			}
		}
		return all
	}
	return nil
}

func (p *pinBuilder) equality(l, r ast.ExprNode, nullSafe bool) []pin {
	if lr, ok := unwrap(l).(*ast.RowExpr); ok {
		rr, ok := unwrap(r).(*ast.RowExpr)
		if !ok || len(lr.Values) != len(rr.Values) {
			return nil
		}
		var out []pin
		for i := range lr.Values {
			out = bothPins(out, p.equality(lr.Values[i], rr.Values[i], nullSafe))
		}
		return out
	}
	if p.part(l) < 0 {
		l, r = r, l
	}
	at := p.part(l)
	if at < 0 {
		return nil
	}
	o := p.c.operand(r)
	if o.kind == operandUnknown || nullSafe && o.kind == operandNull {
		return nil
	}
	o.nullSafe = nullSafe
	one := make(pin, len(p.g.keys))
	for i := range one {
		if p.g.classes[i] == p.g.classes[at] {
			one[i] = o // columns of the key that are equal to each other too
		}
	}
	return []pin{one}
}

// bothPins is what is left when both hold. Where both name a value of a column, the first stands: the other can only
// take rows away.
func bothPins(a, b []pin) []pin {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case len(a)*len(b) > maxPins:
		if len(a) <= len(b) {
			return a
		}
		return b
	}
	out := make([]pin, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			one := append(pin(nil), x...)
			for i := range one {
				if one[i].kind == operandUnknown {
					one[i] = y[i]
				}
			}
			out = append(out, one)
		}
	}
	return out
}

func eitherPins(a, b []pin) []pin {
	if a == nil || b == nil || len(a)+len(b) > maxPins {
		return nil
	}
	return append(append([]pin(nil), a...), b...)
}

// evaluatePins is the set of shards of the combinations that the pins name.
func (g *group) evaluatePins(x *execution) shardSet {
	if g.pins == nil {
		return g.place.all
	}
	var s shardSet
	for _, one := range g.pins {
		at, possible := g.locatePin(one, x)
		switch {
		case !possible:
		case at < 0:
			return g.place.all
		default:
			s.add(at)
		}
	}
	return s
}

// locatePin is the shard of one combination, or -1 for any.
func (g *group) locatePin(one pin, x *execution) (at int, possible bool) {
	x.keys = x.keys[:0]
	known := true
	for i := range one {
		if one[i].kind == operandUnknown {
			known = false
			continue
		}
		v, ok := x.value(&one[i])
		if !ok {
			known = false
			continue
		}
		if v.Kind == ValNull {
			if !one[i].nullSafe {
				return 0, false // nothing equals NULL
			}
			known = false
			continue
		}
		k, scratch, f := g.keys[i].convert(x.scratch, &v, x.st.charset, comparing)
		x.scratch = scratch
		switch f {
		case fitNever:
			return 0, false
		case fitExact:
			x.keys = append(x.keys, k)
		default:
			known = false
		}
	}
	if !known {
		return -1, true
	}
	return g.place.shardOf(x.keys), true
}
