package sharding

import "github.com/pingcap/tidb/pkg/parser/ast"

// What INSERT … SELECT reads must arrive whole: as many digits, and the same bytes, as a server would hand on itself.

// bytesOfText refuses to hand text on to columns of bytes where it may be in another character set than that in which it is read.
func (c *compiler) bytesOfText(n *ast.InsertStmt, to []*ColumnInfo) error {
	from := c.queryColumns(n)
	for i, col := range to {
		if col == nil || !col.takesBytes() || i < len(from) && from[i] != nil && from[i].inUTF8() {
			continue
		}
		for _, t := range c.st.Tables {
			for j := range t.Columns {
				if !t.Columns[j].inUTF8() {
					return refuse("INSERT … SELECT into %s, which takes bytes, from a table with text in another character set than UTF-8 (%s.%s)", col.Name, t.Name, t.Columns[j].Name)
				}
			}
		}
	}
	return nil
}

// queryColumns are the columns of tables that a query's columns are, as they are; nil for all others.
func (c *compiler) queryColumns(n *ast.InsertStmt) (list []*ColumnInfo) {
	if n == nil || len(c.facts.blocks) == 0 {
		return nil
	}
	sel, plain := n.Select.(*ast.SelectStmt)
	if !plain || sel.Fields == nil {
		return nil
	}
	b := c.facts.blocks[0]
	for _, f := range sel.Fields.Fields {
		if f.WildCard != nil {
			if len(b.sources) != 1 || b.sources[0].table == nil {
				return list
			}
			t := b.sources[0].table
			for i := range t.Columns {
				if !t.Columns[i].Invisible {
					list = append(list, &t.Columns[i])
				}
			}
			continue
		}
		var found *ColumnInfo
		if name, ok := f.Expr.(*ast.ColumnNameExpr); ok {
			if col, ok := b.resolve(name.Name); ok {
				found = col.info()
			}
		}
		list = append(list, found)
	}
	return list
}

// widenFloats has FLOAT columns read as DOUBLE, which they are when a server hands them on: written out, it gives a FLOAT six
// digits, which are not all.
func (c *compiler) widenFloats(query ast.ResultSetNode, columns []*ColumnInfo, first, end int) {
	sel, plain := query.(*ast.SelectStmt)
	if !plain || sel.Fields == nil || c.word(first) != "SELECT" || len(c.facts.blocks) == 0 {
		return
	}
	i := first + 1
	for c.oneOf(i, selectOptions...) {
		i++
	}
	spans := c.split(i, c.find(i, end, "FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "INTO", "FOR", "LOCK"))
	if len(spans) != len(sel.Fields.Fields) {
		return
	}
	for n, f := range sel.Fields.Fields {
		if f.WildCard != nil {
			c.spellOut(f.WildCard, columns, spans[n])
			continue
		}
		name, ok := f.Expr.(*ast.ColumnNameExpr)
		if !ok {
			continue
		}
		col, ok := c.facts.blocks[0].resolve(name.Name)
		if !ok || col.info().DataType != "float" || len(columns) == len(spans) && columns[n] != nil && columns[n].Class() == LongColumn {
			continue
		}
		nameEnd := spans[n][0]
		for nameEnd+2 < spans[n][1] && c.punct(nameEnd+1, '.') {
			nameEnd += 2
		}
		text := piece{text: "+0e0 "}
		if f.AsName.O == "" {
			text.text += "AS " + string(appendName(nil, name.Name.Name.O)) + " "
		}
		c.edits = append(c.edits, edit{start: c.endOf(nameEnd), end: c.endOf(nameEnd), with: []piece{text}})
	}
}

// spellOut writes the columns of the only table in the place of its *, where one is FLOAT.
func (c *compiler) spellOut(w *ast.WildCardField, columns []*ColumnInfo, span [2]int) {
	b := c.facts.blocks[0]
	if len(b.sources) != 1 || b.sources[0].table == nil {
		return
	}
	var list []byte
	floats, visible := false, 0
	qualifier := ""
	if w.Table.O != "" {
		qualifier = string(appendName(nil, w.Table.O)) + "."
	}
	for i := range b.sources[0].table.Columns {
		col := &b.sources[0].table.Columns[i]
		if col.Invisible {
			continue
		}
		if len(list) > 0 {
			list = append(list, ", "...)
		}
		list = appendName(append(list, qualifier...), col.Name)
		visible++
		if col.DataType == "float" && (visible > len(columns) || columns[visible-1] == nil || columns[visible-1].Class() != LongColumn) {
			floats = true
			list = appendName(append(list, "+0e0 AS "...), col.Name)
		}
	}
	if floats {
		c.edits = append(c.edits, edit{start: c.startOf(span[0]), end: c.endOf(span[1] - 1), with: []piece{{text: string(list)}}})
	}
}
