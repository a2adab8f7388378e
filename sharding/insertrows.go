package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// insertPlanner splits rows among shards by their keys, and fills AUTO_INCREMENT columns.
type insertPlanner struct {
	table       *Table
	rows        []insertRow
	prefix      template // up to VALUES, or up to what SET assigns
	keyword     template // VALUES
	suffix      template // behind the last row
	numbered    bool     // the table has an AUTO_INCREMENT column that the proxy fills
	prefixID    template // prefix for rows that the proxy numbers, where the column list has to name the column
	returning   bool
	strict      bool
	ignore      bool
	onDuplicate bool
	lenient     bool // a NULL becomes the column's implicit default, but in the only row of VALUES
	zeroIsValue bool
	sameTime    bool
	evaluation  evaluation
	keyIsID     bool // the shard key is the AUTO_INCREMENT column
}

// insertRow is one row: its text in two forms, and the values that routing needs.
type insertRow struct {
	keys      []operand // of each column of the shard key; operandDefault where it is absent
	id        operand   // of the AUTO_INCREMENT column; operandDefault where it is absent
	text      template
	plain     bool // it has no DEFAULT: it can stand in a SELECT
	mayBeNull bool // a value of it may be NULL
	// numbered is the text with the generated value (pieceID); where the column is absent all rows use it
	numbered template
}

// insertRows reads the rows into p.
func (c *compiler) insertRows(p *insertPlanner, n *ast.InsertStmt, parts insertParts) error {
	t := p.table
	p.numbered = t.AutoIncrement != ""
	p.keyIsID = p.numbered && t.isKey(t.AutoIncrement)
	if parts.isSet {
		return c.insertSet(p, n, parts)
	}
	if len(n.Lists) != len(parts.rows) || len(n.Lists) == 0 {
		return c.unsplit()
	}
	keys, id, width, err := c.insertColumns(t, n, parts)
	if err != nil {
		return err
	}
	columns := c.filledColumns(t, parts)
	absent := t.absentKeys(len(n.Lists))
	values := make([][][2]int, len(n.Lists))
	for i, list := range n.Lists {
		values[i] = c.split(parts.rows[i][0]+1, parts.rows[i][1])
		if len(values[i]) != len(list) || len(list) != width && len(list) != 0 {
			return errorf(codeColumnCount, "Column count doesn't match value count at row %d", i+1)
		}
		row := insertRow{keys: absent(i), id: operand{kind: operandDefault}}
		if err := c.insertRow(p, &row, list, rowShape{values[i], columns, keys, id}); err != nil {
			return err
		}
		p.rows = append(p.rows, row)
	}
	if parts.listClose > parts.listOpen+1 {
		c.evaluateAbsentKeys(p, parts, keys)
	}
	c.sortEdits()
	first, last := parts.rows[0], parts.rows[len(parts.rows)-1]
	c.appendSpan(&p.prefix, 0, c.startOf(first[0]-1))
	c.appendSpan(&p.keyword, c.startOf(first[0]-1), c.startOf(first[0]))
	c.appendSpan(&p.suffix, c.endOf(last[1]), len(c.src))
	noID := p.numbered && id < 0
	if noID {
		c.prefixWithID(p, parts, first)
	}
	for i, list := range n.Lists {
		open, closing := parts.rows[i][0], parts.rows[i][1]
		row := &p.rows[i]
		row.plain, row.mayBeNull = len(list) > 0 && len(parts.alias) == 0 && !anyDefault(list), slices.ContainsFunc(list, mayBeNull)
		c.appendSpan(&row.text, c.startOf(open), c.endOf(closing))
		switch {
		case noID || p.numbered && len(list) == 0:
			c.appendSpan(&row.numbered, c.startOf(open), c.startOf(closing))
			if len(list) > 0 {
				row.numbered.addText(",")
			}
			row.numbered.add(piece{kind: pieceID})
			c.appendSpan(&row.numbered, c.startOf(closing), c.endOf(closing))
		case p.numbered:
			v := values[i][id]
			c.appendSpan(&row.numbered, c.startOf(open), c.startOf(v[0]))
			row.numbered.add(piece{kind: pieceID})
			c.appendSpan(&row.numbered, c.endOf(v[1]-1), c.endOf(closing))
		}
	}
	return nil
}

func anyDefault(list []ast.ExprNode) bool {
	return slices.ContainsFunc(list, func(e ast.ExprNode) bool { _, ok := unwrap(e).(*ast.DefaultExpr); return ok })
}

// mayBeNull says that a value is not a constant other than NULL.
func mayBeNull(e ast.ExprNode) bool {
	switch e := unwrap(e).(type) {
	case *driver.ParamMarkerExpr:
		return true
	case *driver.ValueExpr:
		return e.Kind() == driver.KindNull
	case *ast.UnaryOperationExpr:
		return mayBeNull(e.V)
	case *ast.DefaultExpr:
		return false
	}
	return true
}

func (c *compiler) unsplit() error {
	return refuse("its rows cannot be told apart")
}

// prefixWithID makes the text before the rows with the AUTO_INCREMENT column in the list.
func (c *compiler) prefixWithID(p *insertPlanner, parts insertParts, first [2]int) {
	name := string(appendName(nil, p.table.AutoIncrement))
	t := &p.prefixID
	if parts.listOpen < 0 {
		c.appendSpan(t, 0, c.endOf(parts.nameEnd-1))
		t.addText(" (" + name + ")")
		c.appendSpan(t, c.endOf(parts.nameEnd-1), c.startOf(first[0]-1))
		return
	}
	c.appendSpan(t, 0, c.startOf(parts.listClose))
	if parts.listClose > parts.listOpen+1 {
		name = "," + name
	}
	t.addText(name)
	c.appendSpan(t, c.startOf(parts.listClose), c.startOf(first[0]-1))
}

// insertColumns finds the positions of the shard key's columns and of the AUTO_INCREMENT column in the rows; -1 where absent.
func (c *compiler) insertColumns(t *Table, n *ast.InsertStmt, parts insertParts) (keys []int, id, width int, err error) {
	keys, id = slices.Repeat([]int{-1}, len(t.keys)), -1
	if parts.listOpen < 0 {
		if len(n.Lists[0]) == 0 {
			return keys, -1, 0, nil // VALUES (): all defaults
		}
		for i := range t.Columns {
			if t.Columns[i].Invisible {
				continue
			}
			if part := t.keyPart(t.Columns[i].Name); part >= 0 {
				keys[part] = width
			}
			if t.Columns[i].AutoIncrement {
				id = width
			}
			width++
		}
		return keys, id, width, nil
	}
	for i, col := range n.Columns {
		if part := t.keyPart(col.Name.O); part >= 0 {
			keys[part] = i
		}
		if t.AutoIncrement != "" && foldName(col.Name.O) == foldName(t.AutoIncrement) {
			id = i
		}
	}
	return keys, id, len(n.Columns), nil
}

// insertSet reads INSERT … SET a = 1, b = 2 as one row.
func (c *compiler) insertSet(p *insertPlanner, n *ast.InsertStmt, parts insertParts) error {
	t := p.table
	spans := c.split(parts.set[0], parts.set[1])
	if len(n.Lists) != 1 || len(n.Lists[0]) != len(spans) || len(n.Columns) != len(spans) {
		return c.unsplit()
	}
	keys, id := slices.Repeat([]int{-1}, len(t.keys)), -1
	columns := make([]*ColumnInfo, len(n.Columns))
	for i, col := range n.Columns {
		if at, ok := t.column(col.Name.O); ok {
			columns[i] = &t.Columns[at]
		}
		if part := t.keyPart(col.Name.O); part >= 0 {
			keys[part] = i
		}
		if t.AutoIncrement != "" && foldName(col.Name.O) == foldName(t.AutoIncrement) {
			id = i
		}
		for spans[i][0] < spans[i][1] && !c.punct(spans[i][0], '=') {
			spans[i][0]++
		}
		if spans[i][0]++; spans[i][0] >= spans[i][1] {
			return c.unsplit()
		}
	}
	row := insertRow{keys: t.absentKeys(1)(0), id: operand{kind: operandDefault}}
	if err := c.insertRow(p, &row, n.Lists[0], rowShape{spans, columns, keys, id}); err != nil {
		return err
	}
	p.rows = append(p.rows, row)
	c.evaluateAbsentKeys(p, parts, keys)
	c.sortEdits()
	start, end := c.startOf(parts.set[0]), c.endOf(parts.set[1]-1)
	c.appendSpan(&p.prefix, 0, start)
	c.appendSpan(&p.suffix, end, len(c.src))
	first := &p.rows[0]
	c.appendSpan(&first.text, start, end)
	switch {
	case !p.numbered:
	case id >= 0:
		c.appendSpan(&first.numbered, start, c.startOf(spans[id][0]))
		first.numbered.add(piece{kind: pieceID})
		c.appendSpan(&first.numbered, c.endOf(spans[id][1]-1), end)
	default:
		c.appendSpan(&first.numbered, start, end)
		first.numbered.addText(string(appendName([]byte(", "), t.AutoIncrement)) + " = ")
		first.numbered.add(piece{kind: pieceID})
	}
	return nil
}

func (c *compiler) sortEdits() {
	slices.SortStableFunc(c.edits, func(a, b edit) int { return a.start - b.start })
}

// absentKeys makes the keys of n rows that give none of its columns a value.
func (t *Table) absentKeys(n int) func(row int) []operand {
	width := len(t.keys)
	all := slices.Repeat([]operand{{kind: operandDefault}}, n*width)
	return func(row int) []operand { return all[row*width : (row+1)*width : (row+1)*width] }
}
