package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// updateBuilder makes the Change of an UPDATE.
type updateBuilder struct {
	*changeBuilder
	n       *ast.UpdateStmt
	single  bool   // one table, whose assignments are carried out from left to right
	head    [2]int // tokens before SET
	clauses changeClauses
	tables  []updatedTable
}

// updatedTable is one table of an UPDATE.
type updatedTable struct {
	source *source
	to     *changedTemplate
	list   []updateSpan
	set    map[string]bool // columns that are assigned, lower case
}

// assign finds an assignment's table.
func (u *updateBuilder) assign(a updateSpan) (reason string) {
	col, ok := u.b.resolve(a.Column)
	if !ok {
		u.p.change.Refused = "the table of the column " + a.Column.Name.O + " cannot be told"
		return ""
	}
	for i := range u.tables {
		if u.tables[i].source == col.source {
			u.tables[i].list = append(u.tables[i].list, a)
			return ""
		}
	}
	t := updatedTable{source: col.source, list: []updateSpan{a}, set: make(map[string]bool)}
	if t.to, reason = u.table(col.source); reason != "" {
		return reason
	}
	u.tables = append(u.tables, t)
	return ""
}

// finish makes the statement of one table. An expression that needs nothing but its own row is left to the row's shard; of
// any other the query gives the value.
func (u *updateBuilder) finish(t *updatedTable, moves bool) (reason string) {
	text := &t.to.text
	table := t.source.table
	if u.single {
		u.c.appendSpan(text, 0, u.c.endOf(u.head[1]-1))
	} else {
		text.addText("UPDATE ")
		if u.n.IgnoreErr {
			text.addText("IGNORE ")
		}
		text.add(piece{kind: pieceDatabase, text: table.Database})
		text.addText("." + string(appendName(nil, table.Name)))
		if t.source.database == "" { // it has an alias
			text.addText(" AS " + string(appendName(nil, t.source.alias)))
		}
	}
	fresh := make(map[string]int) // column of the primary key → what the query computes for it
	moving := false
	for i, a := range t.list {
		name := foldName(a.Column.Name.O)
		if i == 0 {
			text.addText(" SET ")
		} else {
			text.addText(", ")
		}
		u.c.appendSpan(text, u.c.startOf(a.left[0]), u.c.endOf(a.left[1]-1))
		text.addText(" = ")
		at, reason := u.value(t, a)
		if reason != "" {
			return reason
		}
		moving = moving || moves && table.isKey(name) && !isKeyItself(u.b, a.Column, a.Expr)
		if t.inPrimaryKey(name) {
			t.to.table.OneRow = t.to.table.OneRow || at >= 0
			if fresh[name], reason = u.fresh(t, a, at); reason != "" && moves {
				return reason
			}
		}
		t.set[name] = true
	}
	if u.clauses.orderHasQuery {
		return "its ORDER BY holds a query, by which a shard alone cannot order its rows"
	}
	u.span(&t.to.tail, " ", u.clauses.order[0], u.clauses.order[1])
	if !moving {
		return ""
	}
	if u.n.IgnoreErr {
		return "UPDATE IGNORE changes the shard key " + table.Rule.Key + " of " + table.Name
	}
	return u.move(t, fresh)
}

func (t *updatedTable) inPrimaryKey(name string) bool {
	for _, k := range t.source.table.PrimaryKey {
		if foldName(k) == name {
			return true
		}
	}
	return false
}

// value writes the right side of an assignment: as it stands (at is -1 then), or for a value of the query.
func (u *updateBuilder) value(t *updatedTable, a updateSpan) (at int, reason string) {
	table, m := t.source.table, mentions(a.Expr)
	earlier, ordered := m.names(t.set)
	own := m.of(u.b, t.source)
	unstable := u.c.facts.nondetermined != "" && (table.Rule.Kind == Global || t.inPrimaryKey(foldName(a.Column.Name.O)))
	switch {
	case ordered && (!own || !u.single):
		return 0, "the value for " + a.Column.Name.O + " is of the column " + earlier + ", which the statement changes too: which of its values is meant depends on the server's plan"
	case own && (m.other || !unstable):
		u.c.appendSpan(&t.to.text, u.c.startOf(a.right[0]), u.c.endOf(a.right[1]-1))
		return -1, ""
	case m.other:
		return 0, "DEFAULT stands beside other tables' columns"
	}
	i, ok := table.column(a.Column.Name.O)
	if !ok {
		return 0, "column " + a.Column.Name.O + " is not known"
	}
	after := ""
	if n, ok := unwrap(a.Expr).(*ast.ColumnNameExpr); ok {
		col, ok := u.b.resolve(n.Name)
		to := table.Columns[i].DataType
		if ok && col.info().DataType == "float" && (to == "float" || to == "double") {
			after = "+0e0" // all its digits
		}
	}
	v := ReadValue{At: u.expression(a.right[0], a.right[1], after), Column: &table.Columns[i]}
	t.to.text.add(piece{kind: pieceValue, n: len(t.to.table.Values)})
	t.to.table.Values = append(t.to.table.Values, v)
	return v.At, ""
}

// fresh is where the query computes the new value of a column of the primary key.
func (u *updateBuilder) fresh(t *updatedTable, a updateSpan, at int) (int, string) {
	if at >= 0 {
		return at, ""
	}
	m := mentions(a.Expr)
	if earlier, ok := m.names(t.set); ok || m.other {
		if m.other {
			earlier = "DEFAULT"
		}
		return 0, "the new value of " + a.Column.Name.O + " depends on " + earlier
	}
	return u.expression(a.right[0], a.right[1], ""), ""
}

// move says how the rows move.
func (u *updateBuilder) move(t *updatedTable, fresh map[string]int) (reason string) {
	table := t.source.table
	m, reason := u.c.schema.moveOf(table, t.set)
	if reason != "" {
		return reason
	}
	for _, key := range t.to.table.Key {
		f := FreshColumn{ReadColumn: key}
		if at, ok := fresh[foldName(key.Name)]; ok {
			f.At, f.Computed = at, true
		}
		m.Fresh = append(m.Fresh, f)
	}
	qualifier := string(appendName(nil, t.source.alias)) + "."
	for _, key := range m.Clash {
		for i := range key.Columns {
			key.Columns[i].At = u.field(key.Columns[i].expression(qualifier))
		}
	}
	t.to.table.Move = m
	return ""
}
