package sharding

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// takesDistinct says whether DISTINCT changes what an aggregate gives.
func takesDistinct(agg *ast.AggregateFuncExpr) bool {
	return agg.Distinct && !strings.EqualFold(agg.F, ast.AggFuncMin) && !strings.EqualFold(agg.F, ast.AggFuncMax)
}

// findDistinct finds aggregates over different values, and those of which several shards can have the same.
func (x *scatterer) findDistinct() {
	v := &distinctFinder{x: x}
	for _, o := range x.visible {
		if o.expr != nil {
			o.expr.Accept(v)
		}
	}
	if x.sel.OrderBy != nil {
		x.sel.OrderBy.Accept(v)
	}
	if x.sel.Having != nil {
		x.sel.Having.Accept(v)
	}
}

type distinctFinder struct{ x *scatterer }

func (v *distinctFinder) Enter(n ast.Node) (ast.Node, bool) {
	if agg, ok := n.(*ast.AggregateFuncExpr); ok && takesDistinct(agg) {
		v.x.distinctInside = true
		v.x.regroups = v.x.regroups || !v.x.hasKey(agg.Args)
	}
	return n, false
}

func (v *distinctFinder) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// distinctAggregate merges COUNT, SUM and AVG of different values. The shards group by the values as well, so that each of
// their rows has one value of each argument, and those that several shards have are counted once.
func (x *scatterer) distinctAggregate(a Aggregate, agg *ast.AggregateFuncExpr, call [2]int) string {
	name := strings.ToLower(agg.F)
	if name != ast.AggFuncCount && name != ast.AggFuncSum && name != ast.AggFuncAvg {
		return strings.ToUpper(name) + "(DISTINCT …) is not merged over several shards"
	}
	if x.sel.GroupBy == nil && !x.allAggregates() {
		return strings.ToUpper(name) + "(DISTINCT …) beside constants is not merged over several shards"
	}
	c := x.c
	args := c.split(call[0]+2, call[1]-1)
	if len(args) != len(agg.Args) || c.word(args[0][0]) != "DISTINCT" {
		return "the arguments of " + strings.ToUpper(name) + "(DISTINCT …) cannot be told apart"
	}
	args[0][0]++
	for i, e := range agg.Args {
		k, reason := x.argumentKey(e, args[i])
		if reason != "" {
			return reason
		}
		a.Distinct = append(a.Distinct, k)
	}
	add := func(column int, fn AggFunc) {
		a.Column, a.Func = column, fn
		x.merge.Aggregates = append(x.merge.Aggregates, a)
	}
	inside := [2]int{call[0] + 1, call[1]}
	switch name {
	case ast.AggFuncCount:
		add(a.Column, AggCountDistinct)
	case ast.AggFuncSum:
		add(a.Column, AggSumDistinct)
	default:
		at := a.Column
		a.Sum, a.Count = x.addHidden("SUM", inside), x.addHidden("COUNT", inside)
		sum, count := a.Sum, a.Count
		add(at, AggAvg)
		add(sum, AggSumDistinct)
		add(count, AggCountDistinct)
	}
	return ""
}

// allAggregates says whether every visible column is computed of aggregates.
func (x *scatterer) allAggregates() bool {
	for _, o := range x.visible {
		if o.expr == nil || !ast.HasAggFlag(o.expr) {
			return false
		}
	}
	return true
}

// argumentKey makes shards group by an argument of a DISTINCT aggregate.
func (x *scatterer) argumentKey(e ast.ExprNode, span [2]int) (Key, string) {
	if span[0] >= span[1] {
		return Key{}, "the arguments of an aggregate with DISTINCT cannot be told apart"
	}
	var col column
	n, plain := unwrap(e).(*ast.ColumnNameExpr)
	if plain {
		if col, plain = x.b.resolve(n.Name); !plain {
			return Key{}, "an aggregate with DISTINCT uses a column that is not known"
		}
	}
	if x.namesAlias(e) {
		return Key{}, "an alias has the name of a column in an aggregate with DISTINCT"
	}
	met := false
	for _, g := range x.moreGroups {
		met = met || x.sameText(g, span)
	}
	if !met {
		x.moreGroups = append(x.moreGroups, span)
	}
	return x.keyBy(x.addHidden(span), span, e, col, plain, func(parts ...any) int {
		if plain {
			return x.addHidden(parts...)
		}
		return x.addHidden(append(append([]any{"MIN("}, parts...), ")")...)
	})
}

// namesAlias says whether an expression has a name that is an alias of a field as well.
func (x *scatterer) namesAlias(e ast.ExprNode) bool {
	v := &nameFinder{}
	e.Accept(v)
	for _, n := range v.names {
		for _, o := range x.visible {
			if o.alias && o.name == foldName(n.Name.O) && (!o.plain || n.Table.O == "") {
				if col, ok := x.b.resolve(n); !ok || !o.plain || o.col != col {
					return true
				}
			}
		}
	}
	return false
}
