package sharding

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

const reasonNotFixed = "a column that is neither grouped by nor aggregated has no certain value over several shards"

// formula makes the text of an expression over merged values: its aggregates and grouped columns become names of merged columns.
// With aliases, names may be those of visible columns, as in HAVING and ORDER BY.
func (x *scatterer) formula(e ast.ExprNode, span [2]int, aliases bool) (template, string) {
	if x.average.depth == 0 {
		x.average = averageUse{}
	}
	x.average.depth++
	x.average.note(x.b, e)
	t, reason := x.rewrite(&formulaWriter{x: x, aliases: aliases}, e, span)
	x.average.depth--
	if reason == "" && x.average.depth == 0 {
		reason = x.averageObstacle()
	}
	return t, reason
}

// withoutAliases is the text of an expression with the visible expressions that its aliases stand for.
func (x *scatterer) withoutAliases(e ast.ExprNode, span [2]int) (template, string) {
	return x.rewrite(&formulaWriter{x: x, aliases: true, source: true}, e, span)
}

func (x *scatterer) rewrite(f *formulaWriter, e ast.ExprNode, span [2]int) (template, string) {
	f.uses.names = map[string]*nameUse{}
	e.Accept(&f.uses)
	if f.uses.obstacle != "" {
		return template{}, f.uses.obstacle
	}
	if reason := f.write(span); reason != "" {
		return template{}, reason
	}
	if f.aggregates != f.uses.aggregates {
		return template{}, "an expression over aggregates cannot be told apart"
	}
	for _, u := range f.uses.names {
		if u.read != u.met {
			return template{}, "the names in an expression over aggregates cannot be told apart"
		}
	}
	var t template
	t.addText("(")
	for _, p := range f.t.pieces {
		t.add(p)
	}
	t.addText(")")
	return t, ""
}

// formulaWriter goes over an expression's tokens. The parser's tree does not say where names are in the text, so
// each name and aggregate that the tree has must be met as often in the tokens.
type formulaWriter struct {
	x          *scatterer
	aliases    bool
	source     bool // only aliases are replaced
	uses       usesFinder
	t          template
	aggregates int
}

type nameUse struct {
	name      *ast.ColumnName
	read, met int // times in the tree, in the tokens
}

// usesFinder collects what an expression uses: names outside aggregates, and how many aggregates.
type usesFinder struct {
	names      map[string]*nameUse
	aggregates int
	obstacle   string
}

func (v *usesFinder) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.AggregateFuncExpr:
		v.aggregates++
		return n, true
	case *ast.ColumnNameExpr:
		key := nameKey(n.Name.Schema.O, n.Name.Table.O, n.Name.Name.O)
		if v.names[key] == nil {
			v.names[key] = &nameUse{name: n.Name}
		}
		v.names[key].read++
		return n, true
	case *ast.SubqueryExpr, *ast.ExistsSubqueryExpr:
		v.obstacle = "a subquery beside aggregates over several shards"
	case *ast.VariableExpr:
		if n.Value != nil {
			v.obstacle = "a variable is assigned beside aggregates over several shards"
		}
	case *ast.DefaultExpr, *ast.ValuesExpr, *ast.MatchAgainst, *ast.WindowFuncExpr:
		v.obstacle = "an expression over aggregates that needs the table's columns"
	case *ast.FuncCallExpr:
		name := strings.ToLower(n.FnName.O)
		switch {
		case unstableFunctions[name]:
			v.obstacle = name + "() beside aggregates over several shards"
		case n.Schema.O != "" && !strings.Contains(n.FnName.O, "literal"):
			v.obstacle = "a stored function beside aggregates over several shards"
		}
	}
	return n, v.obstacle != ""
}

func (v *usesFinder) Leave(n ast.Node) (ast.Node, bool) { return n, v.obstacle == "" }

func nameKey(schema, table, name string) string {
	return foldName(schema) + "\x00" + foldName(table) + "\x00" + foldName(name)
}

// write copies the tokens of span, with other text for what was merged.
func (f *formulaWriter) write(span [2]int) string {
	x, c := f.x, f.x.c
	from := c.startOf(span[0])
	for i := span[0]; i < span[1]; {
		text, end, reason := f.merged(i, span[1])
		if reason != "" {
			return reason
		}
		if end == i {
			i++
			continue
		}
		c.appendSpan(&f.t, from, c.startOf(i))
		if text != nil {
			for _, p := range text.pieces {
				f.t.add(p)
			}
		} else {
			x.c.appendSpan(&f.t, c.startOf(i), c.endOf(end-1))
		}
		from, i = c.endOf(end-1), end
	}
	c.appendSpan(&f.t, from, c.endOf(span[1]-1))
	return ""
}

// merged reads what begins at token i: end is i where that is nothing that was merged.
func (f *formulaWriter) merged(i, limit int) (text *template, end int, reason string) {
	x, c := f.x, f.x.c
	if end := x.callEnd(i, limit); end > i && aggregateNames[c.word(i)] {
		f.aggregates++
		if f.source {
			return nil, end, ""
		}
		s, reason := x.mergedAggregate([2]int{i, end})
		return textTemplate(s), end, reason
	}
	if k, end := x.groupedCallAt(i, limit); k >= 0 && !f.source {
		f.countNames(i, end)
		collation, reason := x.carried(x.sel.GroupBy.Items[k].Expr)
		if reason != "" {
			return nil, i, reason
		}
		return textTemplate(x.input(x.merge.GroupKeys[k].Column, collation)), end, ""
	}
	u, end := f.nameAt(i, limit)
	if u == nil {
		return nil, i, ""
	}
	u.met++
	text, reason = f.nameText(u.name)
	return text, end, reason
}

func textTemplate(s string) *template {
	t := &template{}
	t.addText(s)
	return t
}

// nameAt reads a name of the tree at token i.
func (f *formulaWriter) nameAt(i, limit int) (*nameUse, int) {
	c := f.x.c
	if !c.isName(i) || c.toks[i].afterDot || c.punct(i-1, '.') {
		return nil, i
	}
	parts := []string{c.nameOf(i)}
	end := i + 1
	for len(parts) < 3 && c.punct(end, '.') && c.isName(end+1) {
		parts = append(parts, c.nameOf(end+1))
		end += 2
	}
	if end > limit || c.punct(end, '(') {
		return nil, i
	}
	for len(parts) < 3 {
		parts = append([]string{""}, parts...)
	}
	u := f.uses.names[nameKey(parts[0], parts[1], parts[2])]
	if u == nil {
		return nil, i
	}
	return u, end
}

// countNames counts the names within tokens that are left out.
func (f *formulaWriter) countNames(i, end int) {
	for i < end {
		u, next := f.nameAt(i, end)
		if u == nil {
			i++
			continue
		}
		u.met++
		i = next
	}
}

// nameText is what stands for a name: a grouped column, or the expression behind an alias.
func (f *formulaWriter) nameText(n *ast.ColumnName) (*template, string) {
	x := f.x
	col, known := x.b.resolve(n)
	if f.aliases && n.Table.O == "" {
		at := -1
		for i, o := range x.visible {
			if !o.alias || o.name != foldName(n.Name.O) {
				continue
			}
			if at >= 0 {
				return nil, "a name beside aggregates stands for two columns"
			}
			at = i
		}
		switch {
		case at < 0:
		case known && !(x.visible[at].plain && x.visible[at].col == col):
			return nil, "a name beside aggregates is that of a column and of another column's alias"
		case !known:
			o := &x.visible[at]
			if o.star != "" {
				return nil, reasonNotFixed
			}
			if f.source {
				if ast.HasAggFlag(o.expr) {
					return nil, "ORDER BY computes with the alias of an aggregate" // which some servers refuse
				}
				t := &template{}
				t.addText("(")
				x.c.appendSpan(t, x.c.startOf(o.span[0]), x.c.endOf(o.span[1]-1))
				t.addText(")")
				return t, ""
			}
			t, reason := x.formula(o.expr, o.span, false)
			return &t, reason
		}
	}
	if f.source {
		return nil, ""
	}
	if !known {
		return nil, "an expression over aggregates uses a column that is not known"
	}
	for i, g := range x.groupCols {
		if g.source != nil && g == col {
			collation, reason := x.carried(&ast.ColumnNameExpr{Name: n})
			if reason != "" {
				return nil, reason
			}
			return textTemplate(x.input(x.merge.GroupKeys[i].Column, collation)), ""
		}
	}
	return nil, reasonNotFixed
}

// callEnd is the token behind a call that begins at token i, or i.
func (x *scatterer) callEnd(i, limit int) int {
	if x.c.word(i) == "" || !x.c.punct(i+1, '(') {
		return i
	}
	if end := x.c.closing(i+1) + 1; end <= limit {
		return end
	}
	return i
}

// groupedCallAt finds a function call at token i that GROUP BY has as well.
func (x *scatterer) groupedCallAt(i, limit int) (key, end int) {
	end = x.callEnd(i, limit)
	if end == i {
		return -1, i
	}
	for k, span := range x.groupSpans {
		if x.callEnd(span[0], span[1]) == span[1] && x.sameText(span, [2]int{i, end}) {
			return k, end
		}
	}
	return -1, i
}
