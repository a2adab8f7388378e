package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// scatterer makes the text and the merge of a query over several shards.
type scatterer struct {
	c       *compiler
	sel     *ast.SelectStmt
	s       clauses
	r       *routing
	b       *block
	visible []output
	extra   []template // hidden columns
	reuse   [][2]int   // hidden columns that are a span of the query alone, by position in extra
	fail    error
	merge   Merge
	compute computation
	average averageUse // of the expression that is computed
	grouped bool       // groups that lie on several shards are joined
	needed  bool       // a merge is needed at all

	// of each key of a group
	groupCols  []column // source nil where it is no plain column
	groupSpans [][2]int
	keySorts   []bool // shards can put rows in its order

	distinctInside bool // an aggregate has DISTINCT

	regroups   bool     // shards group by more than GROUP BY says
	moreGroups [][2]int // that is, arguments of DISTINCT aggregates
}

// output is a column that the client sees.
type output struct {
	expr  ast.ExprNode
	name  string // its alias or column name, folded; "" for other expressions
	alias bool
	col   column // where it is a plain column
	plain bool
	span  [2]int // tokens of the expression, without alias
	star  string // text, for columns that stand for *
	field int    // of a star: which of the query's fields it is

	computed bool // by a server, once groups are whole
}

// scatter fills p for a query over several shards, or sets the routing's obstacle when rows of several shards cannot be
// made into the right answer.
func (c *compiler) scatter(sel *ast.SelectStmt, s clauses, p *selectPlanner) error {
	x := &scatterer{c: c, sel: sel, s: s, r: p.routing, b: p.routing.groups[p.routing.main].block}
	x.merge.Limit = NoLimit
	reason := x.build(p)
	if x.fail != nil {
		return x.fail
	}
	if reason != "" {
		p.routing.setObstacle(reason)
		p.parts, p.merge, p.limit = nil, nil, nil
	}
	return nil
}

func (x *scatterer) build(p *selectPlanner) (obstacle string) {
	if reason := x.windowObstacle(); reason != "" {
		return reason
	}
	if reason := x.outputs(); reason != "" {
		return reason
	}
	if x.c.prepared && x.showsFloat() {
		return "a FLOAT would reach a prepared statement with the six digits that its text has"
	}
	whole := x.groupsAreWhole()
	switch {
	case x.sel.GroupBy != nil && x.sel.GroupBy.Rollup:
		return "WITH ROLLUP needs all rows on one shard"
	}
	if x.aggregates() && !whole || x.sel.GroupBy != nil && !whole {
		x.grouped = true
		if x.onlyOrdersByAggregates() {
			return "an aggregate in ORDER BY alone, which some servers refuse"
		}
		if reason := x.group(); reason != "" {
			return reason
		}
		if reason := x.having(); reason != "" {
			return reason
		}
	}
	if reason := x.distinct(); reason != "" {
		return reason
	}
	if reason := x.order(); reason != "" {
		return reason
	}
	x.arrival()
	if x.sel.SelectStmtOpts != nil && x.sel.SelectStmtOpts.CalcFoundRows {
		x.merge.FoundRows, x.needed = true, true
	}
	if reason := x.limit(p); reason != "" {
		return reason
	}
	if !x.needed {
		return ""
	}
	x.finishCompute(p)
	x.merge.Visible = len(x.visible)
	m := x.merge
	p.merge = &m
	x.finishText(p)
	return ""
}

// outputs reads the fields; * becomes the columns that the catalog knows.
func (x *scatterer) outputs() string {
	if len(x.s.fields) != len(x.sel.Fields.Fields) {
		return "its columns cannot be told apart"
	}
	for i, f := range x.sel.Fields.Fields {
		span := x.s.fields[i]
		if f.WildCard != nil {
			x.expand(f.WildCard, i)
			continue
		}
		o := output{expr: f.Expr, span: span}
		if f.AsName.O != "" {
			o.name, o.alias = foldName(f.AsName.O), true
			o.span[1]--
			if x.c.word(o.span[1]-1) == "AS" {
				o.span[1]--
			}
			if o.span[0] >= o.span[1] {
				return "its columns cannot be told apart"
			}
		}
		if n, ok := unwrap(f.Expr).(*ast.ColumnNameExpr); ok {
			o.col, o.plain = x.b.resolve(n.Name)
			if !o.alias {
				o.name = foldName(n.Name.Name.O)
			}
		}
		x.visible = append(x.visible, o)
	}
	return ""
}

// expand replaces a star. The columns are named one by one in the text, so that a column that was added behind the
// catalog's back cannot shift the hidden ones.
func (x *scatterer) expand(w *ast.WildCardField, field int) {
	for _, s := range x.b.sources {
		if w.Table.O != "" && s.alias != w.Table.O {
			continue
		}
		if s.table == nil || s.table.nameless {
			x.visible = append(x.visible, output{star: "?", field: field})
			continue
		}
		for i := range s.table.Columns {
			if s.table.Columns[i].Invisible {
				continue
			}
			name := s.table.Columns[i].Name
			var text []byte
			if len(x.b.sources) > 1 {
				text = append(appendName(text, s.alias), '.')
			}
			x.visible = append(x.visible, output{name: foldName(name), plain: true, col: column{s, i}, star: string(appendName(text, name)), field: field})
		}
	}
}

// starOpen says that what a star stands for is not known: columns of derived tables, and joint columns of USING.
func (x *scatterer) starOpen() bool {
	star := false
	for _, f := range x.sel.Fields.Fields {
		star = star || f.WildCard != nil
	}
	if !star {
		return false
	}
	for _, o := range x.visible {
		if o.star == "?" {
			return true
		}
	}
	return x.b.using != nil
}

// aggregates says whether the fields or the order use aggregate functions.
func (x *scatterer) aggregates() bool {
	if x.sel.OrderBy != nil {
		for _, i := range x.sel.OrderBy.Items {
			if ast.HasAggFlag(i.Expr) {
				return true
			}
		}
	}
	return x.fieldsAggregate() || x.sel.Having != nil && ast.HasAggFlag(x.sel.Having.Expr)
}

func (x *scatterer) fieldsAggregate() bool {
	return slices.ContainsFunc(x.visible, func(o output) bool { return o.expr != nil && ast.HasAggFlag(o.expr) })
}

// onlyOrdersByAggregates says whether nothing but ORDER BY makes the query one of groups.
func (x *scatterer) onlyOrdersByAggregates() bool {
	return x.sel.GroupBy == nil && x.sel.Having == nil && !x.fieldsAggregate()
}

// keyCover collects which columns of the shard key that the tables meet on are among some columns: rows that are equal in
// all of them are on one shard.
type keyCover struct {
	g     *group
	b     *block
	parts uint64
}

func (x *scatterer) keyCover() keyCover { return keyCover{g: &x.r.groups[x.r.main], b: x.b} }

// add takes a column in. optional says that the key of an outer join's optional side counts too. It does not for
// groups: every shard has rows without a partner, and they are all NULL there.
func (k *keyCover) add(c column, optional bool) {
	if c.source.optional && !optional {
		return
	}
	class := k.b.classes.find(c.id())
	for part := range k.g.classes {
		if k.g.classes[part] == class {
			k.parts |= 1 << part
		}
	}
}

func (k *keyCover) whole() bool { return k.parts == 1<<len(k.g.keys)-1 }

// groupsAreWhole says whether every group lies on one shard: GROUP BY includes the shard key.
func (x *scatterer) groupsAreWhole() bool {
	if x.sel.GroupBy == nil {
		return false
	}
	cover := x.keyCover()
	for _, i := range x.sel.GroupBy.Items {
		if o := x.target(i.Expr, true); o >= 0 && x.visible[o].plain {
			cover.add(x.visible[o].col, false)
		}
		if n, ok := unwrap(i.Expr).(*ast.ColumnNameExpr); ok {
			if col, ok := x.b.resolve(n.Name); ok {
				cover.add(col, false)
			}
		}
	}
	return cover.whole()
}

// target is the visible column that an expression of ORDER BY or GROUP BY stands for, or -1. GROUP BY looks for a column
// of the tables before it looks for an alias, ORDER BY the other way round.
func (x *scatterer) target(e ast.ExprNode, columnsFirst bool) int {
	switch e := unwrap(e).(type) {
	case *ast.PositionExpr:
		if e.N >= 1 && e.N <= len(x.visible) {
			return e.N - 1
		}
	case *ast.ColumnNameExpr:
		col, known := x.b.resolve(e.Name)
		byColumn := func() int {
			if known {
				for i, o := range x.visible {
					if o.plain && o.col == col {
						return i
					}
				}
			}
			return -1
		}
		if columnsFirst && known {
			return byColumn()
		}
		if e.Name.Table.O == "" {
			for i, o := range x.visible {
				if o.alias && o.name == foldName(e.Name.Name.O) {
					return i
				}
			}
		}
		return byColumn()
	}
	return -1
}

// knowsAll says whether every column that the query can name is known.
func (x *scatterer) knowsAll() bool {
	for _, s := range x.b.sources {
		if s.table == nil || s.table.nameless {
			return false
		}
	}
	return x.b.using == nil
}

// addHidden appends a hidden column and returns its position.
func (x *scatterer) addHidden(parts ...any) int {
	t := template{}
	var alone [2]int
	if span, ok := parts[0].([2]int); ok && len(parts) == 1 {
		alone = span
		for i, r := range x.reuse {
			if r[1] > r[0] && x.sameText(r, span) {
				return len(x.visible) + i
			}
		}
	}
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			t.addText(p)
		case [2]int:
			x.c.appendSpan(&t, x.c.startOf(p[0]), x.c.endOf(p[1]-1))
		case template:
			for _, piece := range p.pieces {
				t.add(piece)
			}
		}
	}
	for i := range x.extra {
		if slices.Equal(x.extra[i].pieces, t.pieces) {
			return len(x.visible) + i
		}
	}
	x.reuse = append(x.reuse, alone)
	x.extra = append(x.extra, t)
	return len(x.visible) + len(x.extra) - 1
}

// exprText is the text of a visible column, or its span.
func (x *scatterer) textOf(o *output) any {
	if o.star != "" {
		return o.star
	}
	return o.span
}

// keyFor makes the key that compares a column (visible, or hidden at position at) as the server does.
func (x *scatterer) keyFor(at int, text any, e ast.ExprNode, col column, plain bool) (Key, string) {
	// A function of a grouped column is the same in the whole group, and servers know it. What is computed
	// from a grouped expression they do not: with ONLY_FULL_GROUP_BY, MySQL's default, it has to be an aggregate.
	if x.sel.GroupBy != nil && !plain && e != nil && !ast.HasAggFlag(e) {
		return x.keyBy(at, text, e, col, plain, func(parts ...any) int {
			return x.addHidden(append(append([]any{"MIN("}, parts...), ")")...)
		})
	}
	return x.keyBy(at, text, e, col, plain, x.addHidden)
}

// keyBy is keyFor with a way to add the weight's column.
func (x *scatterer) keyBy(at int, text any, e ast.ExprNode, col column, plain bool, weigh func(...any) int) (Key, string) {
	k := Key{Column: at, Weight: -1}
	switch x.c.comparison(x.b, e, col, plain) {
	case compareValue:
		return k, ""
	case comparePadded:
		k.Weight = weigh("WEIGHT_STRING(CONCAT(RTRIM(", text, "),' '))")
		return k, ""
	case compareText:
		k.Weight = weigh("WEIGHT_STRING(", text, ")")
		return k, ""
	case compareNumber, compareFloat:
		k.Weight = weigh("(", text, ")+0")
		return k, ""
	case compareAddress:
		k.Weight = weigh("CAST(", text, " AS BINARY(16))")
		return k, ""
	}
	return k, "the type of an expression that rows are ordered or grouped by is not known before the server computes it"
}
