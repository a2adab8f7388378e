package sharding

import (
	"math"
	"math/bits"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// folded is a computation with whole numbers, which every server does alike: it is done for routing only, and anything
// that is not exact is left to the server.
type folded struct {
	op   opcode.Op
	l, r operand
}

// fold reads l op r.
func (c *compiler) fold(e *ast.BinaryOperationExpr) operand {
	switch e.Op {
	case opcode.Plus, opcode.Minus, opcode.Mul, opcode.IntDiv, opcode.Mod:
	default:
		return operand{}
	}
	f := &folded{op: e.Op, l: c.operand(e.L), r: c.operand(e.R)}
	if f.l.kind == operandUnknown || f.r.kind == operandUnknown || f.l.kind == operandDefault || f.r.kind == operandDefault {
		return operand{}
	}
	return operand{kind: operandFolded, folded: f}
}

func (f *folded) value(x *execution) (v Value, ok bool) {
	lv, ok := x.value(&f.l)
	if !ok {
		return v, false
	}
	rv, ok := x.value(&f.r)
	if !ok {
		return v, false
	}
	if lv.Kind == ValNull || rv.Kind == ValNull {
		return Value{Kind: ValNull}, true
	}
	l, lok := lv.signed()
	r, rok := rv.signed()
	if !lok || !rok {
		return v, false
	}
	n, ok := compute(f.op, l, r)
	return Value{Kind: ValInt, I: n}, ok
}

// signed is the value of a whole number that fits into 63 bits and a sign.
func (v *Value) signed() (int64, bool) {
	switch {
	case v.Kind == ValInt:
		return v.I, true
	case v.Kind == ValUint && v.U <= math.MaxInt64:
		return int64(v.U), true
	}
	return 0, false
}

// compute is l op r where that fits into 64 bits.
func compute(op opcode.Op, l, r int64) (n int64, ok bool) {
	switch op {
	case opcode.Plus:
		n = l + r
		return n, (n > l) == (r > 0)
	case opcode.Minus:
		n = l - r
		return n, (n < l) == (r > 0)
	case opcode.Mul:
		high, low := bits.Mul64(magnitude(l), magnitude(r))
		if high != 0 || low > math.MaxInt64 {
			return 0, false
		}
		if (l < 0) != (r < 0) {
			return -int64(low), true
		}
		return int64(low), true
	case opcode.IntDiv, opcode.Mod:
		if r == 0 || l == math.MinInt64 {
			return 0, false
		}
		if op == opcode.Mod {
			return l % r, true
		}
		return l / r, true
	}
	return 0, false
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}
