package sharding

// loadLines is how the lines of a file for one table become shards' files.
type loadLines struct {
	table   *Table
	format  *lineFormat
	skip    uint64
	charset string // of CHARACTER SET; "" means Inputs.FileCharset
	keyAt   int    // field of the shard key; -1: it is the generated id, or there is none
	idAt    int    // field of the AUTO_INCREMENT column; -1: none
	addID   bool   // that column is not in the file: each line gets it in front
	keyIsID bool
	// zeroIsValue: 0 in the AUTO_INCREMENT column is a value and no wish for one.
	zeroIsValue bool
	strict      bool // what does not fit a column is an error, as with REPLACE in strict mode

	head template // up to CHARACTER SET
	tail template // what FIELDS and LINES say, the columns, SET
}

// loadLines compiles the reading of lines. The text for the shards has no IGNORE n LINES (each would leave out lines of its
// own), names the character set and the columns, and has the AUTO_INCREMENT column where the file does not.
func (c *compiler) loadLines(t *Table, p *loadParts, f *lineFormat) (*loadLines, error) {
	if err := f.settle(p.skip > 0); err != nil {
		return nil, err
	}
	if t.several() {
		return nil, refuse("LOAD DATA into %s, whose shard key has several columns (%s): lines are placed by one field only; insert the rows instead", t.Name, t.Rule.Key)
	}
	l := &loadLines{table: t, format: f, skip: p.skip, charset: p.charset, keyAt: -1, idAt: -1,
		zeroIsValue: c.env.hasMode("NO_AUTO_VALUE_ON_ZERO"), strict: p.replace && c.env.strict()}
	c.sortEdits()
	c.appendSpan(&l.head, 0, c.endOf(p.nameEnd-1))
	if p.formatEnd > p.format {
		l.tail.addText(" ")
		c.appendSpan(&l.tail, c.startOf(p.format), c.endOf(p.formatEnd-1))
	}
	names, fields, err := c.loadFields(l, p)
	if err != nil {
		return nil, err
	}
	if err := c.loadAssignments(l, p, fields); err != nil {
		return nil, err
	}
	if t.AutoIncrement != "" && l.idAt < 0 {
		if !f.takesDigits() {
			return nil, refuse("ids for %s cannot be written into the file: FIELDS TERMINATED BY is empty, or a terminator holds digits", t.AutoIncrement)
		}
		l.addID = true
		names = string(appendName(nil, t.AutoIncrement)) + ", " + names
	}
	l.keyIsID = t.AutoIncrement != "" && t.isKey(t.AutoIncrement)
	if l.keyIsID {
		l.keyAt = -1
	} else if t.Rule.Kind == Sharded && l.keyAt < 0 {
		return nil, refuse("the file has no field for the shard key %s of %s", t.Rule.Key, t.Name)
	}
	l.tail.addText(" (" + names + ")")
	if p.set < len(c.toks) {
		l.tail.addText(" ")
		c.appendSpan(&l.tail, c.startOf(p.set), len(c.src))
	}
	return l, nil
}

// loadFields finds the fields of the shard key and the AUTO_INCREMENT column. It returns the list of columns and where
// each user variable is read from last.
func (c *compiler) loadFields(l *loadLines, p *loadParts) (names string, variables map[string]int, err error) {
	t := l.table
	variables = map[string]int{}
	column := func(name string, at int) error {
		switch {
		case foldName(name) == foldName(t.AutoIncrement) && t.AutoIncrement != "":
			if l.idAt >= 0 {
				return refuse("column %s is read twice", name)
			}
			l.idAt = at
		}
		if t.isKey(name) {
			if l.keyAt >= 0 {
				return refuse("column %s is read twice", name)
			}
			l.keyAt = at
		}
		return nil
	}
	list := c.loadList(p)
	for at, part := range list {
		if at > 0 {
			names += ", "
		}
		names += c.src[c.startOf(part[0]):c.endOf(part[1]-1)]
		if c.toks[part[0]].kind == tokVar {
			_, _, name := variableParts(c.textOf(part[0]))
			variables[name] = at
			continue
		}
		if err := column(c.nameOf(part[1]-1), at); err != nil {
			return "", nil, err
		}
	}
	l.format.columns = len(list)
	if len(list) > 0 {
		return names, variables, nil
	}
	for i := range t.Columns {
		if t.Columns[i].Invisible {
			continue
		}
		if l.format.columns > 0 {
			names += ", "
		}
		names += string(appendName(nil, t.Columns[i].Name))
		if err := column(t.Columns[i].Name, l.format.columns); err != nil {
			return "", nil, err
		}
		l.format.columns++
	}
	return names, variables, nil
}

// loadAssignments looks at SET: what it gives to the shard key must be a field as it is in the file.
func (c *compiler) loadAssignments(l *loadLines, p *loadParts, variables map[string]int) error {
	if p.set >= len(c.toks) {
		return nil
	}
	t := l.table
	for _, part := range c.split(p.set+1, len(c.toks)) {
		equals := part[0]
		for equals < part[1] && !c.punct(equals, '=') {
			equals++
		}
		if equals == part[0] || equals == part[1] {
			return syntaxError(c.src, c.startOf(part[0]))
		}
		name := c.nameOf(equals - 1)
		if t.AutoIncrement != "" && foldName(name) == foldName(t.AutoIncrement) {
			return refuse("SET gives the AUTO_INCREMENT column %s a value, so which ids are taken is not known here; read it from a field, or leave it out", name)
		}
		if !t.isKey(name) {
			continue
		}
		at, ok := -1, false
		if part[1] == equals+2 && c.toks[equals+1].kind == tokVar {
			_, _, variable := variableParts(c.textOf(equals + 1))
			at, ok = variables[variable], true
			if _, read := variables[variable]; !read {
				ok = false
			}
		}
		if !ok {
			return refuse("SET computes the shard key %s, so the shard of a line is not known before a server has read it; read the key from a field", name)
		}
		l.keyAt = at
	}
	return nil
}
