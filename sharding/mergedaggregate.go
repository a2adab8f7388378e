package sharding

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// aggregateNames are the functions that the parser knows as aggregates.
var aggregateNames = map[string]bool{
	"COUNT": true, "SUM": true, "AVG": true, "MIN": true, "MAX": true, "BIT_AND": true, "BIT_OR": true, "BIT_XOR": true, "GROUP_CONCAT": true,
	"STD": true, "STDDEV": true, "STDDEV_POP": true, "STDDEV_SAMP": true, "VAR_POP": true, "VAR_SAMP": true, "VARIANCE": true,
	"JSON_ARRAYAGG": true, "JSON_OBJECTAGG": true, "ANY_VALUE": true, "APPROX_COUNT_DISTINCT": true, "APPROX_PERCENTILE": true,
}

// mergedAggregate is the text that stands for an aggregate whose call has these tokens.
func (x *scatterer) mergedAggregate(call [2]int) (text, reason string) {
	agg := x.parseAggregate(call)
	if agg == nil {
		return "", "an expression over aggregates cannot be told apart"
	}
	name := strings.ToLower(agg.F)
	var collation string
	switch name {
	case ast.AggFuncBitAnd, ast.AggFuncBitOr, ast.AggFuncBitXor:
		if x.c.schema.MySQL {
			return "", "an aggregate of bits, which is text to some functions of these servers"
		}
	case ast.AggFuncMin, ast.AggFuncMax:
		if collation, reason = x.carried(agg.Args[0]); reason != "" {
			return "", reason
		}
	case ast.AggFuncSum, ast.AggFuncAvg:
		if x.hasFixedFloat(agg.Args[0]) {
			return "", "an expression over aggregates uses a FLOAT or DOUBLE column with a fixed number of decimals"
		}
	}
	if name != ast.AggFuncAvg {
		at, reason := x.aggregateColumn(agg, call)
		if reason != "" {
			return "", reason
		}
		return x.input(at, collation), ""
	}
	// A server divides the sum by the count and keeps more digits than it shows. Rows of the result have only those that it shows.
	sum, reason := x.distinctOrAll(agg, ast.AggFuncSum, call)
	if reason != "" {
		return "", reason
	}
	count, reason := x.distinctOrAll(agg, ast.AggFuncCount, call)
	if reason != "" {
		return "", reason
	}
	return "(" + x.input(sum, "") + " / NULLIF(" + x.input(count, "") + ", 0))", ""
}

// distinctOrAll is the column of another aggregate over the arguments of an AVG.
func (x *scatterer) distinctOrAll(avg *ast.AggregateFuncExpr, fn string, call [2]int) (int, string) {
	at := x.addHidden(strings.ToUpper(fn), [2]int{call[0] + 1, call[1]})
	other := *avg
	other.F = fn
	return at, x.aggregate(at, &other, call)
}

// aggregateColumn is the column that has an aggregate's merged value: a visible one with the same text, or a hidden one.
func (x *scatterer) aggregateColumn(agg *ast.AggregateFuncExpr, call [2]int) (int, string) {
	at := x.sameExpression(call)
	if at < 0 {
		at = x.addHidden(call)
	}
	return at, x.aggregate(at, agg, call)
}

// parseAggregate reads a call by itself.
func (x *scatterer) parseAggregate(call [2]int) *ast.AggregateFuncExpr {
	c := x.c
	start, end := c.startOf(call[0]), c.endOf(call[1]-1)
	node, err := c.parse([2]int{0, c.startOf(x.s.selectAt)}, [2]int{c.endOf(x.s.selectAt), start}, [2]int{end, len(c.src)})
	if err != nil {
		return nil
	}
	sel, ok := node.(*ast.SelectStmt)
	if !ok || sel.Fields == nil || len(sel.Fields.Fields) != 1 || sel.Fields.Fields[0].Expr == nil {
		return nil
	}
	agg, ok := sel.Fields.Fields[0].Expr.(*ast.AggregateFuncExpr)
	if !ok {
		return nil
	}
	return agg
}
