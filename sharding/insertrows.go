package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// insertPlanner splits rows among shards by their keys, and fills AUTO_INCREMENT columns.
type insertPlanner struct {
	table       *Table
	rows        []insertRow
	prefix      template // up to the first row
	suffix      template // behind the last row
	numbered    bool     // the table has an AUTO_INCREMENT column that the proxy fills
	prefixID    template // prefix for rows that the proxy numbers, where the column list has to name the column
	returning   bool
	strict      bool
	ignore      bool
	zeroIsValue bool
	sameTime    bool
	keyIsID     bool // the shard key is the AUTO_INCREMENT column
}

// insertRow is one row: its text in two forms, and the values that routing needs.
type insertRow struct {
	keys []operand // of each column of the shard key; operandDefault where it is absent
	id   operand   // of the AUTO_INCREMENT column; operandDefault where it is absent
	text template
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
	first, last := parts.rows[0], parts.rows[len(parts.rows)-1]
	c.sortEdits()
	c.appendSpan(&p.prefix, 0, c.startOf(first[0]))
	c.appendSpan(&p.suffix, c.endOf(last[1]), len(c.src))
	noID := p.numbered && id < 0
	if noID {
		c.prefixWithID(p, parts, first)
	}
	absent := t.absentKeys(len(n.Lists))
	for i, list := range n.Lists {
		open, closing := parts.rows[i][0], parts.rows[i][1]
		values := c.split(open+1, closing)
		if len(values) != len(list) || len(list) != width && len(list) != 0 {
			return errorf(codeColumnCount, "Column count doesn't match value count at row %d", i+1)
		}
		row := insertRow{keys: absent(i), id: operand{kind: operandDefault}}
		for part, at := range keys {
			if at >= 0 && len(list) > 0 {
				row.keys[part] = c.operand(list[at])
			}
		}
		if id >= 0 && len(list) > 0 {
			row.id = c.operand(list[id])
		}
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
			v := values[id]
			c.appendSpan(&row.numbered, c.startOf(open), c.startOf(v[0]))
			row.numbered.add(piece{kind: pieceID})
			c.appendSpan(&row.numbered, c.endOf(v[1]-1), c.endOf(closing))
		}
		p.rows = append(p.rows, row)
	}
	return nil
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
		c.appendSpan(t, c.endOf(parts.nameEnd-1), c.startOf(first[0]))
		return
	}
	c.appendSpan(t, 0, c.startOf(parts.listClose))
	if parts.listClose > parts.listOpen+1 {
		name = "," + name
	}
	t.addText(name)
	c.appendSpan(t, c.startOf(parts.listClose), c.startOf(first[0]))
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
	c.sortEdits()
	start, end := c.startOf(parts.set[0]), c.endOf(parts.set[1]-1)
	c.appendSpan(&p.prefix, 0, start)
	c.appendSpan(&p.suffix, end, len(c.src))
	row := insertRow{keys: t.absentKeys(1)(0), id: operand{kind: operandDefault}}
	c.appendSpan(&row.text, start, end)
	absent := true
	for i, col := range n.Columns {
		if part := t.keyPart(col.Name.O); part >= 0 {
			row.keys[part] = c.operand(n.Lists[0][i])
		}
		if t.AutoIncrement == "" || foldName(col.Name.O) != foldName(t.AutoIncrement) {
			continue
		}
		absent = false
		row.id = c.operand(n.Lists[0][i])
		value := spans[i][0]
		for value < spans[i][1] && !c.punct(value, '=') {
			value++
		}
		if value+1 >= spans[i][1] {
			return c.unsplit()
		}
		c.appendSpan(&row.numbered, start, c.startOf(value+1))
		row.numbered.add(piece{kind: pieceID})
		c.appendSpan(&row.numbered, c.endOf(spans[i][1]-1), end)
	}
	if absent && p.numbered {
		c.appendSpan(&row.numbered, start, end)
		row.numbered.addText(string(appendName([]byte(", "), t.AutoIncrement)) + " = ")
		row.numbered.add(piece{kind: pieceID})
	}
	p.rows = append(p.rows, row)
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
