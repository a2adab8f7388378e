package sharding

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// order reads ORDER BY into sort keys.
func (x *scatterer) order() string {
	if x.sel.OrderBy == nil {
		return ""
	}
	if len(x.sel.OrderBy.Items) != len(x.s.order) {
		return "its ORDER BY cannot be told apart"
	}
	if x.starOpen() {
		return "ORDER BY over several shards needs SELECT * to be spelled out where tables are joined USING or derived"
	}
	x.needed = true
	for i, item := range x.sel.OrderBy.Items {
		span := x.s.order[i]
		if x.c.oneOf(span[1]-1, "ASC", "DESC") {
			span[1]--
		}
		if span[0] >= span[1] {
			return "its ORDER BY cannot be told apart"
		}
		k, reason := x.orderKey(item.Expr, span)
		if reason != "" {
			return reason
		}
		if k.Column >= 0 {
			x.merge.OrderBy = append(x.merge.OrderBy, SortKey{Key: k, Desc: item.Desc})
		}
	}
	x.merge.Sorted = !x.grouped && len(x.merge.OrderBy) > 0
	return ""
}

// orderKey is the key of one item; its Column is -1 for a constant, which orders nothing.
func (x *scatterer) orderKey(e ast.ExprNode, span [2]int) (Key, string) {
	if p, ok := e.(*ast.PositionExpr); ok && (p.N < 1 || p.N > len(x.visible)) {
		x.fail = errorf(codeUnknownColumn, "Unknown column '%d' in 'ORDER BY'", p.N)
		return Key{}, "error"
	}
	if v, ok := unwrap(e).(*driver.ValueExpr); ok && v.Kind() == driver.KindNull {
		return Key{Column: -1}, ""
	}
	if signed, ok := unwrap(e).(*ast.UnaryOperationExpr); ok && isNumber(signed) {
		return Key{}, "ORDER BY a signed number, which some servers take for a column's place"
	}
	if at := x.target(e, false); at >= 0 {
		for _, k := range x.merge.GroupKeys {
			if k.Column == at {
				return k, ""
			}
		}
		for _, k := range x.merge.DistinctKeys {
			if k.Column == at {
				return k, ""
			}
		}
		return x.visibleKey(at)
	}
	if at := x.sameExpression(span); at >= 0 {
		return x.visibleKey(at)
	}
	switch {
	case x.merge.Distinct:
		return Key{}, "DISTINCT over several shards can only be ordered by its own columns"
	case x.grouped && (ast.HasAggFlag(e) || x.mentionsAlias(e)):
		if agg, ok := unwrap(e).(*ast.AggregateFuncExpr); ok {
			at := x.addHidden(span)
			if reason := x.aggregate(at, agg, span); reason != "" {
				return Key{}, reason
			}
			return x.aggregateKey(at)
		}
		return x.computedKey(-1, e, span)
	case x.mentionsAlias(e):
		return Key{}, "ORDER BY computes with an alias; repeat the expression instead"
	}
	if x.grouped && !x.fixed(e) {
		return Key{}, "ORDER BY a column that is neither grouped by nor aggregated has no certain meaning over several shards"
	}
	n, _ := unwrap(e).(*ast.ColumnNameExpr)
	var col column
	plain := false
	if n != nil {
		col, plain = x.b.resolve(n.Name)
		if !plain && x.knowsAll() {
			x.fail = errorf(codeUnknownColumn, "Unknown column '%s' in 'ORDER BY'", n.Name.String())
			return Key{}, "error"
		}
	}
	return x.keyFor(x.addHidden(span), span, e, col, plain)
}

// visibleKey is the key of a visible column.
func (x *scatterer) visibleKey(at int) (Key, string) {
	o := &x.visible[at]
	switch {
	case o.computed:
		return x.computedKey(at, o.expr, o.span)
	case x.grouped && o.expr != nil && ast.HasAggFlag(o.expr):
		return x.aggregateKey(at)
	}
	return x.keyFor(at, x.textOf(o), o.expr, o.col, o.plain)
}

// sameText says whether two spans of tokens are written alike, constants included; where these decide, they become part of the shape.
func (x *scatterer) sameText(a, b [2]int) bool {
	if a[1]-a[0] != b[1]-b[0] {
		return false
	}
	constants, equal := false, true
	for i := range a[1] - a[0] {
		t, u := x.c.toks[a[0]+i], x.c.toks[b[0]+i]
		if t.kind != u.kind || t.kind == tokParam || t.lit != u.lit {
			return false
		}
		p, q := x.c.textOf(a[0]+i), x.c.textOf(b[0]+i)
		if t.kind == tokLiteral {
			constants, equal = true, equal && p == q
		} else if p != q && (t.kind != tokWord || !strings.EqualFold(p, q)) {
			return false
		}
	}
	if constants {
		x.c.pinSpan(x.c.startOf(a[0]), x.c.endOf(a[1]-1))
		x.c.pinSpan(x.c.startOf(b[0]), x.c.endOf(b[1]-1))
	}
	return equal
}

// aggregateKey orders by an aggregate that was merged.
func (x *scatterer) aggregateKey(at int) (Key, string) {
	for _, a := range x.merge.Aggregates {
		if a.Column == at {
			if a.byText {
				return Key{}, "ORDER BY or DISTINCT of MIN and MAX of ENUM and SET columns, which are ordered by their numbers"
			}
			return Key{Column: at, Weight: a.Weight, PadSpace: a.PadSpace}, ""
		}
	}
	return Key{}, "ORDER BY computes with an aggregate over several shards"
}

// mentionsAlias says whether an expression, other than a name alone, uses an alias of a field.
func (x *scatterer) mentionsAlias(e ast.ExprNode) bool {
	v := &nameFinder{}
	e.Accept(v)
	for _, n := range v.names {
		if n.Table.O != "" {
			continue
		}
		for _, o := range x.visible {
			if !o.alias || o.name != foldName(n.Name.O) {
				continue
			}
			if col, ok := x.b.resolve(n); !ok || !o.plain || o.col != col {
				return true
			}
		}
	}
	return false
}

// nameFinder collects the column names of an expression.
type nameFinder struct{ names []*ast.ColumnName }

func (v *nameFinder) Enter(n ast.Node) (ast.Node, bool) {
	if c, ok := n.(*ast.ColumnNameExpr); ok {
		v.names = append(v.names, c.Name)
	}
	return n, false
}

func (v *nameFinder) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// distinct reads SELECT DISTINCT. With the shard key among the columns, no row has an equal on another shard.
func (x *scatterer) distinct() string {
	if !x.sel.Distinct {
		return ""
	}
	cover := x.keyCover()
	for _, o := range x.visible {
		if o.plain {
			cover.add(o.col, false)
		}
	}
	if cover.whole() && !x.grouped {
		return ""
	}
	if x.starOpen() {
		return "DISTINCT over several shards needs SELECT * to be spelled out where tables are joined USING or derived"
	}
	x.needed, x.merge.Distinct = true, true
	n := len(x.visible)
	for i := range n {
		k, reason := x.distinctKey(i)
		if reason != "" {
			return reason
		}
		x.merge.DistinctKeys = append(x.merge.DistinctKeys, k)
	}
	return ""
}

func (x *scatterer) distinctKey(at int) (Key, string) {
	for _, k := range x.merge.GroupKeys {
		if k.Column == at {
			return k, ""
		}
	}
	return x.visibleKey(at)
}

// limit reads LIMIT.
func (x *scatterer) limit(p *selectPlanner) string {
	l := x.sel.Limit
	if l == nil {
		return ""
	}
	if x.s.limitAt == len(x.c.toks) {
		return "its LIMIT cannot be told apart"
	}
	if x.starOpen() {
		return "LIMIT over several shards needs SELECT * to be spelled out where tables are joined USING or derived"
	}
	x.needed, x.merge.Limited = true, true
	limit, ok := x.c.limitValues(x.s.limitAt, x.s.limitEnd)
	if !ok {
		return "its LIMIT cannot be told apart"
	}
	limit.push = x.pushesLimit()
	p.limit = limit
	return ""
}

// limitValues reads LIMIT at token i.
func (c *compiler) limitValues(i, end int) (*limitClause, bool) {
	var numbers []operand
	comma := c.punct(i+2, ',')
	for i++; i < end; i++ {
		switch t := c.toks[i]; {
		case t.kind == tokLiteral && t.lit == LitInt:
			numbers = append(numbers, operand{kind: operandLiteral, n: c.literalAt(t.start)})
		case t.kind == tokParam:
			numbers = append(numbers, operand{kind: operandParam, n: c.paramAt(t.start)})
		}
	}
	switch {
	case len(numbers) == 1:
		return &limitClause{count: numbers[0]}, true
	case len(numbers) == 2 && comma:
		return &limitClause{offset: numbers[0], count: numbers[1]}, true
	case len(numbers) == 2:
		return &limitClause{count: numbers[0], offset: numbers[1]}, true
	}
	return nil, false
}
