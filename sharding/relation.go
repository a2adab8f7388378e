package sharding

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// relation is what a derived table or common table expression is to the query that reads it. Where its rows on each shard are
// a part of it, and all those parts together are all of it, it is like a sharded table, with the shard key where it shows it. Where
// each shard makes all of it, it is like a table with copies everywhere.
type relation struct {
	table *Table
	where []*predicate // conditions on its key that all its rows fulfil
	pins  []pin
	tree  []*block // that it stands for
}

// cover says that the relation stands for its blocks: where its rows are follows from its table.
func (r *relation) cover() {
	for _, b := range r.tree {
		b.covered = true
	}
}

// relationOf analyses a derived table; nil: its rows on one shard are not certain to be a part of it.
func (c *compiler) relationOf(n ast.Node) *relation {
	if r, known := c.facts.relations[n]; known {
		return r // also while it is being made: a common table expression that reads itself
	}
	if c.facts.relations == nil {
		c.facts.relations = make(map[ast.Node]*relation)
	}
	c.facts.relations[n] = nil
	var r *relation
	switch n := n.(type) {
	case *ast.SelectStmt:
		if b := c.facts.blockOf[n]; b != nil {
			r = c.relateSelect(b, n)
		}
	case *ast.SetOprStmt:
		if n.Limit == nil {
			r = c.relateUnion(n.SelectList)
		}
	}
	c.facts.relations[n] = r
	return r
}

// commonTable is relationOf for a common table expression.
func (c *compiler) commonTable(name string) *relation {
	def := c.facts.common[name]
	if def == nil || def.Query == nil {
		return nil
	}
	r := c.relationOf(def.Query.Query)
	if r == nil || len(def.ColNameList) == 0 {
		return r
	}
	if len(def.ColNameList) != len(r.table.Columns) {
		return nil
	}
	renamed := *r.table
	renamed.Columns = slices.Clone(renamed.Columns)
	for i := range renamed.Columns {
		renamed.Columns[i].Name = def.ColNameList[i].O
	}
	renamed.nameColumns()
	return &relation{table: &renamed, where: r.where, pins: r.pins, tree: r.tree}
}

// relateSelect is relationOf for a SELECT.
func (c *compiler) relateSelect(b *block, sel *ast.SelectStmt) *relation {
	tree := c.facts.blocks[b.first:b.end]
	for _, inner := range tree {
		c.bind(inner)
	}
	if sel.Fields == nil || sel.Limit != nil || sel.SelectIntoOpt != nil || b.lonely != "" || c.facts.assigns {
		return nil
	}
	for _, inner := range tree {
		for _, s := range inner.sources {
			if s.table == nil || s.table.problem != "" {
				return nil
			}
		}
	}
	r := &routing{main: -1}
	c.group(r, tree)
	c.chooseMain(r, b)
	if r.obstacle != "" || r.main < 0 && len(r.groups) > 0 {
		return nil
	}
	columns, from := c.outputs(b, sel)
	if columns == nil {
		return nil
	}
	rel := &relation{table: &Table{TableInfo: TableInfo{Columns: columns}, derived: true}, tree: tree}
	t := rel.table
	t.nameColumns()
	if r.main < 0 {
		if windowed(sel) {
			return nil // among equal rows, each shard may number others first
		}
		t.Rule.Kind = kindOf(tree)
	} else {
		g := &r.groups[r.main]
		if windowed(sel) && (sel.GroupBy != nil || !partitioned(b, sel, g)) {
			return nil
		}
		if !whole(b, sel, g, from) {
			return nil
		}
		t.Rule = Rule{Kind: Sharded, Shards: g.place.shards}
		t.keys, t.place = g.keys, g.place
		t.showKey(b, g, from)
		rel.where, rel.pins = g.where, g.pins
	}
	return rel
}

// outputs are the columns of a query, and the columns that they show as they are (with no source: others). A name that a server would
// make up is "".
func (c *compiler) outputs(b *block, sel *ast.SelectStmt) (columns []ColumnInfo, from []column) {
	for _, f := range sel.Fields.Fields {
		if f.WildCard != nil {
			if b.using != nil {
				return nil, nil
			}
			for _, s := range b.sources {
				if w := f.WildCard; w.Table.O != "" && (s.alias != w.Table.O || w.Schema.O != "" && w.Schema.O != s.database) {
					continue
				}
				for i := range s.table.Columns {
					if s.table.Columns[i].Invisible {
						continue
					}
					columns, from = append(columns, shownAs(&s.table.Columns[i], s.table.Columns[i].Name)), append(from, column{s, i})
				}
			}
			continue
		}
		info, col := ColumnInfo{Name: f.AsName.O}, column{}
		if n, ok := unwrap(f.Expr).(*ast.ColumnNameExpr); ok {
			if info.Name == "" {
				info.Name = n.Name.Name.O
			}
			if found, ok := b.resolve(n.Name); ok && slices.Contains(b.sources, found.source) {
				info, col = shownAs(found.info(), info.Name), found
			}
		} else if c.comparison(b, f.Expr, column{}, false) == compareValue {
			info.DataType = computedValue
		}
		columns, from = append(columns, info), append(from, col)
	}
	return columns, from
}

// computedValue is the type of a derived table's column that is computed: a number or a moment, which compares by its value.
const computedValue = "computed value"

// shownAs is a column as a derived table shows it.
func shownAs(c *ColumnInfo, name string) ColumnInfo {
	return ColumnInfo{Name: name, DataType: c.DataType, ColumnType: c.ColumnType, Collation: c.Collation, CharLength: c.CharLength}
}

// whole says whether groups and distinct rows of a query over a group of tables each lie on one shard.
func whole(b *block, sel *ast.SelectStmt, g *group, from []column) bool {
	if sel.GroupBy != nil {
		if sel.GroupBy.Rollup {
			return false
		}
		cover := keyCover{g: g, b: b}
		for _, item := range sel.GroupBy.Items {
			switch e := unwrap(item.Expr).(type) {
			case *ast.PositionExpr:
				if e.N >= 1 && e.N <= len(from) && len(from) == len(sel.Fields.Fields) && from[e.N-1].source != nil {
					cover.add(from[e.N-1], false)
				}
			case *ast.ColumnNameExpr:
				if col, ok := b.resolve(e.Name); ok {
					cover.add(col, false)
				}
			}
		}
		if !cover.whole() {
			return false
		}
	} else if aggregated(sel) {
		return false
	}
	if !sel.Distinct {
		return true
	}
	cover := keyCover{g: g, b: b}
	for _, col := range from {
		if col.source != nil {
			cover.add(col, false)
		}
	}
	return cover.whole()
}

// showKey finds the columns of the shard key among those that a query shows.
func (t *Table) showKey(b *block, g *group, from []column) {
	t.keyColumns = slices.Repeat([]int{notShown}, len(g.keys))
	for i, col := range from {
		if col.source == nil || col.source.optional {
			continue
		}
		if part := g.keyPart(b.classes, col); part >= 0 && t.keyColumns[part] == notShown {
			t.keyColumns[part] = i
		}
	}
	t.nameKey()
}

// nameKey names the key's columns; a key of which a part is not shown has no name.
func (t *Table) nameKey() {
	t.Rule.Keys = nil
	for _, i := range t.keyColumns {
		if i == notShown {
			t.Rule.Keys, t.Rule.Key = nil, ""
			return
		}
		t.Rule.Keys = append(t.Rule.Keys, t.Columns[i].Name)
	}
	t.Rule.Key = strings.Join(t.Rule.Keys, ", ")
}

// nameColumns makes the columns be found by their names.
func (t *Table) nameColumns() {
	t.columns = make(map[string]int, len(t.Columns))
	for i := range t.Columns {
		if name := t.Columns[i].Name; name != "" {
			t.columns[foldName(name)] = i
		} else {
			t.nameless = true
		}
	}
	if len(t.keyColumns) > 0 {
		t.nameKey()
	}
}

// kindOf is the kind of a query without sharded tables.
func kindOf(tree []*block) RuleKind {
	for _, b := range tree {
		for _, s := range b.sources {
			if s.table.Rule.Kind != Global {
				return Single
			}
		}
	}
	return Global
}
