package sharding

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// averageUse is what an expression over merged values has that decides whether its averages can be taken for quotients. A server keeps an
// average exact inside an expression unless it has put it into a table by then, and it has two values for it: the exact one, and
// the DOUBLE that computing with DOUBLE begins from.
type averageUse struct {
	averages bool
	inexact  bool // something in it is or may be a DOUBLE
	depth    int
}

// note takes an expression in. Of aliases in it the expressions behind them are noted too.
func (u *averageUse) note(b *block, e ast.ExprNode) {
	v := &exactFinder{b: b, use: u}
	e.Accept(v)
}

// obstacle says why averages in an expression are not merged.
func (x *scatterer) averageObstacle() string {
	switch u := &x.average; {
	case !u.averages:
		return ""
	case x.c.schema.MySQL: // which cuts a quotient to the digits that it shows before it computes with it
		return "AVG in an expression, of which these servers keep more digits than of a quotient"
	case u.inexact:
		return "AVG in an expression with other values than integers and decimals"
	case x.distinctInside:
		return "AVG in an expression, beside aggregates with DISTINCT, may be rounded by servers"
	}
	return ""
}

// exactFinder looks for averages, and for what may be a DOUBLE.
type exactFinder struct {
	b   *block
	use *averageUse
}

var exactTypes = map[string]bool{
	"tinyint": true, "smallint": true, "mediumint": true, "int": true, "bigint": true, "decimal": true, "year": true,
}

// exactFunctions are exact of exact values, and take an average for what it is.
var exactFunctions = map[string]bool{
	"round": true, "truncate": true, "floor": true, "ceil": true, "ceiling": true, "abs": true, "sign": true, "mod": true,
	"ifnull": true, "coalesce": true, "nullif": true, "if": true, "concat": true,
}

func (v *exactFinder) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.AggregateFuncExpr:
		if strings.EqualFold(n.F, ast.AggFuncCount) {
			return n, true
		}
		v.use.averages = v.use.averages || strings.EqualFold(n.F, ast.AggFuncAvg)
	case *ast.ColumnNameExpr:
		if col, ok := v.b.resolve(n.Name); ok {
			v.use.inexact = v.use.inexact || !exactTypes[col.info().DataType]
		}
	case *ast.FuncCallExpr:
		v.use.inexact = v.use.inexact || !exactFunctions[strings.ToLower(n.FnName.O)]
	case *driver.ParamMarkerExpr:
		v.use.inexact = true
	case *driver.ValueExpr:
		switch n.Kind() {
		case driver.KindInt64, driver.KindUint64, driver.KindMysqlDecimal, driver.KindNull:
		default:
			v.use.inexact = true
		}
	case *ast.FuncCastExpr, *ast.PatternLikeOrIlikeExpr, *ast.PatternRegexpExpr, *ast.VariableExpr:
		v.use.inexact = true
	}
	return n, false
}

func (v *exactFinder) Leave(n ast.Node) (ast.Node, bool) { return n, true }
