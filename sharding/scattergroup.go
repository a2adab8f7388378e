package sharding

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// group merges groups that lie on several shards.
func (x *scatterer) group() string {
	x.needed, x.merge.Group = true, true
	x.findDistinct()
	if x.starOpen() {
		return "groups over several shards need SELECT * to be spelled out"
	}
	if reason := x.groupKeys(); reason != "" {
		return reason
	}
	// Aggregates come first: expressions use their columns.
	for i := range x.visible {
		o := &x.visible[i]
		if o.expr == nil || !ast.HasAggFlag(o.expr) {
			if !x.fixedInGroup(i) {
				return reasonNotFixed
			}
			continue
		}
		if agg, ok := unwrap(o.expr).(*ast.AggregateFuncExpr); ok {
			if reason := x.aggregate(i, agg, o.span); reason != "" {
				return reason
			}
		}
	}
	for i := range x.visible {
		o := &x.visible[i]
		if o.expr == nil || !ast.HasAggFlag(o.expr) {
			continue
		}
		if _, ok := unwrap(o.expr).(*ast.AggregateFuncExpr); !ok {
			if reason := x.computeVisible(i); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// fixedInGroup says whether a column has one value in each group: a key of it, or an expression without columns.
func (x *scatterer) fixedInGroup(at int) bool {
	for _, k := range x.merge.GroupKeys {
		if k.Column == at {
			return true
		}
	}
	o := &x.visible[at]
	if call, ok := unwrap(o.expr).(*ast.FuncCallExpr); ok && strings.EqualFold(call.FnName.O, "any_value") {
		return true // any row's will do
	}
	return o.expr != nil && x.fixed(o.expr)
}

// fixed says whether an expression has one value in each group: it uses no columns but grouped ones.
func (x *scatterer) fixed(e ast.ExprNode) bool {
	v := &nameFinder{}
	e.Accept(v)
	if len(v.names) > 0 && x.sel.GroupBy == nil {
		return false
	}
	for _, n := range v.names {
		col, ok := x.b.resolve(n)
		found := false
		for _, i := range x.sel.GroupBy.Items {
			if g, isName := unwrap(i.Expr).(*ast.ColumnNameExpr); isName && ok {
				if gc, gok := x.b.resolve(g.Name); gok && gc == col {
					found = true
				}
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func (x *scatterer) groupKeys() string {
	if x.sel.GroupBy == nil {
		return ""
	}
	if len(x.sel.GroupBy.Items) != len(x.s.group) {
		return "its GROUP BY cannot be told apart"
	}
	for i, item := range x.sel.GroupBy.Items {
		span := x.s.group[i]
		if x.c.oneOf(span[1]-1, "ASC", "DESC") {
			span[1]--
		}
		if span[0] >= span[1] {
			return "its GROUP BY cannot be told apart"
		}
		at := x.target(item.Expr, true)
		var k Key
		var reason string
		var col column
		if at >= 0 {
			o := &x.visible[at]
			if o.plain {
				col = o.col
			}
			if o.star == "" {
				span = o.span
			}
			x.keySorts = append(x.keySorts, x.sorts(o.expr, o.col, o.plain))
			k, reason = x.keyFor(at, x.textOf(o), o.expr, o.col, o.plain)
		} else {
			if _, ok := item.Expr.(*ast.PositionExpr); ok {
				x.fail = errorf(codeUnknownColumn, "Unknown column '%s' in 'GROUP BY'", x.c.textOf(span[0]))
				return "error"
			}
			if same := x.sameExpression(span); same >= 0 {
				x.keySorts = append(x.keySorts, x.sorts(item.Expr, column{}, false))
				k, reason = x.keyFor(same, x.visible[same].span, item.Expr, column{}, false)
			} else {
				plain := false
				if n, ok := unwrap(item.Expr).(*ast.ColumnNameExpr); ok {
					col, plain = x.b.resolve(n.Name)
				} else if x.mentionsAlias(item.Expr) {
					return "GROUP BY computes with an alias; repeat the expression instead"
				}
				x.keySorts = append(x.keySorts, x.sorts(item.Expr, col, plain))
				k, reason = x.keyFor(x.addHidden(span), span, item.Expr, col, plain)
			}
		}
		if reason != "" {
			return reason
		}
		x.merge.GroupKeys = append(x.merge.GroupKeys, k)
		x.groupCols, x.groupSpans = append(x.groupCols, col), append(x.groupSpans, span)
	}
	return ""
}

// sameExpression is the field with the same text, or -1.
func (x *scatterer) sameExpression(span [2]int) int {
	for i := range x.visible {
		if o := &x.visible[i]; o.star == "" && !o.plain && x.sameText(o.span, span) {
			return i
		}
	}
	return -1
}

// aggregate merges partial values of one aggregate function. span is the whole call.
func (x *scatterer) aggregate(at int, agg *ast.AggregateFuncExpr, span [2]int) string {
	a := Aggregate{Column: at, Sum: -1, Count: -1, Weight: -1}
	name := strings.ToLower(agg.F)
	for x.c.punct(span[0], '(') && x.c.closing(span[0]) == span[1]-1 {
		span[0]++
		span[1]--
	}
	for _, other := range x.merge.Aggregates {
		if other.Column == at {
			return "" // met before
		}
	}
	if takesDistinct(agg) && x.regroups {
		return x.distinctAggregate(a, agg, span)
	}
	switch name {
	case ast.AggFuncCount:
		a.Func = AggCount
	case ast.AggFuncSum:
		a.Func = AggSum
	case ast.AggFuncMin, ast.AggFuncMax:
		a.Func = AggMin
		if name == ast.AggFuncMax {
			a.Func = AggMax
		}
		k, reason := x.extremeWeight(at, agg, span)
		if reason != "" {
			return reason
		}
		a.Weight, a.PadSpace, a.byText = k.Weight, k.PadSpace, x.isNumbered(agg.Args[0])
	case ast.AggFuncAvg:
		a.Func = AggAvg
		inside := [2]int{span[0] + 1, span[1]}
		a.Sum = x.addHidden("SUM", inside)
		a.Count = x.addHidden("COUNT", inside)
	case ast.AggFuncBitAnd:
		a.Func = AggBitAnd
	case ast.AggFuncBitOr:
		a.Func = AggBitOr
	case ast.AggFuncBitXor:
		a.Func = AggBitXor
	default:
		return strings.ToUpper(name) + " is not merged over several shards"
	}
	x.merge.Aggregates = append(x.merge.Aggregates, a)
	return ""
}

// isNumbered says whether an argument is an ENUM or SET column.
func (x *scatterer) isNumbered(e ast.ExprNode) bool {
	return x.c.comparison(x.b, e, column{}, false) == compareNumber
}

// extremeWeight makes the weight of MIN(x) or MAX(x) of strings: of the value itself, as WEIGHT_STRING(MIN(x)).
func (x *scatterer) extremeWeight(at int, agg *ast.AggregateFuncExpr, span [2]int) (Key, string) {
	var col column
	plain := false
	if n, ok := unwrap(agg.Args[0]).(*ast.ColumnNameExpr); ok {
		col, plain = x.b.resolve(n.Name)
	}
	if x.c.comparison(x.b, agg.Args[0], col, plain) == compareNumber {
		if !plain {
			return Key{}, "MIN and MAX of what is computed from ENUM and SET columns are not merged over several shards"
		}
		// They compare by their text, not by the number.
		text := *col.info()
		text.DataType = "varchar"
		k := Key{Column: at, Weight: -1}
		if columnComparison(&text) == comparePadded {
			k.Weight = x.addHidden("WEIGHT_STRING(CONCAT(RTRIM(", span, "),' '))")
		} else {
			k.Weight = x.addHidden("WEIGHT_STRING(", span, ")")
		}
		return k, ""
	}
	return x.keyBy(at, span, agg.Args[0], col, plain, x.addHidden)
}

// hasKey says whether the shard key is among the arguments: each of its values is on one shard only.
func (x *scatterer) hasKey(args []ast.ExprNode) bool {
	cover := x.keyCover()
	for _, a := range args {
		if n, ok := unwrap(a).(*ast.ColumnNameExpr); ok {
			if col, ok := x.b.resolve(n.Name); ok {
				cover.add(col, true)
			}
		}
	}
	return cover.whole()
}
