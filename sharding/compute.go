package sharding

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// computation collects what a server computes of merged groups.
type computation struct {
	inputs  []Input
	outputs []Output
	exprs   []template
	having  *template
}

// computes makes column at one that a server computes of merged values: e, whose text is span. notNull is the column that
// shows whether it can be NULL, or -1.
func (x *scatterer) computes(at, notNull int, t template) {
	x.compute.outputs = append(x.compute.outputs, Output{Column: at, NotNull: notNull})
	x.compute.exprs = append(x.compute.exprs, t)
}

// computeVisible makes a visible expression over aggregates one that is computed. The shards only tell its type: of
// a part of a group its value is not needed, and it might end in an error or a warning that the whole does not give.
func (x *scatterer) computeVisible(at int) string {
	o := &x.visible[at]
	t, reason := x.formula(o.expr, o.span, false)
	if reason != "" {
		return reason
	}
	if !o.alias && x.hasSlot(o.span) {
		return "a function of the session in an expression over aggregates needs an alias"
	}
	o.computed = true
	x.computes(at, x.addHidden("IF(0, ", o.span, ", 0)"), t)
	return ""
}

// computeHidden adds a hidden column that is computed: of an expression, put between before and after.
func (x *scatterer) computeHidden(before string, source template, after string, formula template) int {
	at := x.addHidden("IF(0, "+before, source, after+", NULL)")
	for _, o := range x.compute.outputs {
		if o.Column == at {
			return at
		}
	}
	var t template
	t.addText(before)
	for _, p := range formula.pieces {
		t.add(p)
	}
	t.addText(after)
	x.computes(at, -1, t)
	return at
}

// computedKey makes the key of a visible column, or else a hidden one (at < 0), that is computed.
func (x *scatterer) computedKey(at int, e ast.ExprNode, span [2]int) (Key, string) {
	formula, reason := x.formula(e, span, at < 0)
	if reason != "" {
		return Key{}, reason
	}
	source, reason := x.withoutAliases(e, span)
	if reason != "" {
		return Key{}, reason
	}
	var before, after string
	switch x.c.comparison(x.b, e, column{}, false) {
	case compareValue:
		if at < 0 {
			at = x.computeHidden("", source, "", formula)
		}
		return Key{Column: at, Weight: -1}, ""
	case comparePadded:
		before, after = "WEIGHT_STRING(CONCAT(RTRIM(", "),' '))"
	case compareText:
		before, after = "WEIGHT_STRING(", ")"
	default:
		return Key{}, "the type of an expression that rows are ordered or grouped by is not known before the server computes it"
	}
	weight := x.computeHidden(before, source, after, formula)
	if at < 0 {
		at = weight
	}
	return Key{Column: at, Weight: weight}, ""
}

// having makes the condition of groups that lie on several shards.
func (x *scatterer) having() string {
	if x.sel.Having == nil {
		return ""
	}
	if x.s.having[0] >= x.s.having[1] {
		return "its HAVING cannot be told apart"
	}
	t, reason := x.formula(x.sel.Having.Expr, x.s.having, true)
	if reason != "" {
		return reason
	}
	x.compute.having = &t
	return ""
}

// finishCompute puts the computation into the plan. With a LIMIT, what rows are not ordered by is computed of the rows that are
// shown: of others it may be an error.
func (x *scatterer) finishCompute(p *selectPlanner) {
	if len(x.compute.exprs) == 0 && x.compute.having == nil {
		return
	}
	early, late := &Compute{Inputs: x.compute.inputs}, &Compute{Inputs: x.compute.inputs}
	var now, then template
	for i, o := range x.compute.outputs {
		c, t := early, &now
		if x.merge.Limited && !x.isOrdered(o.Column) {
			c, t = late, &then
		}
		if len(c.Outputs) > 0 {
			t.addText(", ")
		}
		c.Outputs = append(c.Outputs, o)
		for _, piece := range x.compute.exprs[i].pieces {
			t.add(piece)
		}
	}
	if len(early.Outputs) > 0 || x.compute.having != nil {
		x.merge.Compute, p.compute, p.having = early, &now, x.compute.having
	}
	if len(late.Outputs) > 0 {
		x.merge.Late, p.late = late, &then
	}
}

// isOrdered says whether rows are ordered by a column, or told apart.
func (x *scatterer) isOrdered(at int) bool {
	compared := func(k Key) bool { return k.Weight == at || k.Weight < 0 && k.Column == at }
	for _, k := range x.merge.OrderBy {
		if compared(k.Key) {
			return true
		}
	}
	return slices.ContainsFunc(x.merge.DistinctKeys, compared)
}

// input names a merged column in an expression.
func (x *scatterer) input(at int, collation string) string {
	known := false
	for _, i := range x.compute.inputs {
		known = known || i.Column == at
	}
	if !known {
		x.compute.inputs = append(x.compute.inputs, Input{Column: at, Collation: collation})
	}
	return InputName(at)
}

// hasSlot says whether a span has a session slot in it.
func (x *scatterer) hasSlot(span [2]int) bool {
	for at := range x.c.slotStarts {
		if at >= x.c.startOf(span[0]) && at < x.c.endOf(span[1]-1) {
			return true
		}
	}
	return false
}

// carried says how a value of an expression gets to another server unchanged: the collation that a text needs, or
// an obstacle.
func (x *scatterer) carried(e ast.ExprNode) (collation, obstacle string) {
	if n, ok := unwrap(e).(*ast.ColumnNameExpr); ok {
		col, known := x.b.resolve(n.Name)
		if !known {
			return "", "an expression over aggregates uses a column that is not known"
		}
		info := col.info()
		if strings.Contains(strings.ToLower(info.ColumnType), "zerofill") {
			return "", "an expression over aggregates or HAVING uses a ZEROFILL column, whose text has more digits than its value"
		}
		switch info.DataType {
		case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "date", "datetime", "timestamp", "time", "year", computedValue:
			return "", ""
		case "double":
			if !strings.Contains(info.ColumnType, "(") {
				return "", ""
			}
		case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
			if info.Collation != "" && !strings.EqualFold(info.Collation, "binary") {
				return info.Collation, ""
			}
		}
		return "", "an expression over aggregates or HAVING uses a column of type " + strings.ToUpper(info.DataType)
	}
	if x.c.comparison(x.b, e, column{}, false) != compareValue || x.hasFixedFloat(e) {
		return "", "an expression over aggregates or HAVING uses text that is computed"
	}
	return "", ""
}

// hasFixedFloat says whether an expression uses a FLOAT or DOUBLE with a fixed number of decimals, whose text is not its value.
func (x *scatterer) hasFixedFloat(e ast.ExprNode) bool {
	v := &nameFinder{}
	e.Accept(v)
	for _, n := range v.names {
		if col, ok := x.b.resolve(n); ok {
			info := col.info()
			if (info.DataType == "double" || info.DataType == "float") && strings.Contains(info.ColumnType, "(") {
				return true
			}
		}
	}
	return false
}
