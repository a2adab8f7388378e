package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// insertParts are the token spans of INSERT and REPLACE.
type insertParts struct {
	nameEnd   int // behind the table's name and PARTITION (…)
	listOpen  int // '(' of the column list, -1 without
	listClose int
	rows      [][2]int // '(' and ')' of each row
	set       [2]int   // assignments of the SET form
	isSet     bool
	tail      int // ON DUPLICATE …, RETURNING, or the end
	alias     [][2]int
	query     int // the SELECT of INSERT … SELECT, or len(toks)
	returning int // token, or len(toks)
}

// insert compiles INSERT and REPLACE.
func (c *compiler) insert() error {
	st := c.st
	st.Kind = KindInsert
	st.UpdateReplace = c.word(0) == "REPLACE"
	if err := c.refuseConditional(); err != nil {
		return err
	}
	name, parts, ok := c.insertParts()
	if !ok {
		node, err := c.parse()
		if err == nil {
			if n, isInsert := node.(*ast.InsertStmt); isInsert && n.Select != nil {
				return refuse("this form of INSERT is not read")
			}
			err = syntaxError(c.src, len(c.src))
		}
		return c.unparsed(err)
	}
	st.Returns = parts.returning < len(c.toks)
	blank := parts.alias
	if parts.returning < len(c.toks) {
		blank = append(blank, [2]int{c.startOf(parts.returning), len(c.src)})
	}
	node, err := c.parse(blank...)
	if err != nil {
		if parts.query < len(c.toks) {
			if done, err := c.fillUnparsed(name, parts); done {
				return err
			}
		}
		return c.unparsed(err)
	}
	n, isInsert := node.(*ast.InsertStmt)
	if !isInsert {
		return c.unparsed(syntaxError(c.src, 0))
	}
	c.findSlots(0, len(c.toks))
	if n.Select != nil {
		return c.insertSelect(n, name, parts)
	}
	c.walk(n)
	if c.hint != "" {
		return c.applyHint()
	}
	if name.database == "" {
		return errorf(codeNoDatabase, "No database selected")
	}
	t, known := c.schema.Table(name.database, name.name)
	if known {
		if err := c.mayChange(t, true); err != nil {
			return err
		}
	}
	if !known || t.Rule.Kind == Single || t.problem != "" {
		r, err := c.route()
		if err != nil {
			return err
		}
		w := &writePlanner{routing: r}
		if known && t.problem == "" {
			w.ids = c.ownIDs(t, n)
		}
		st.planner = w
		return nil
	}
	if err := c.noteTables(); err != nil {
		return err
	}
	p := &insertPlanner{table: t, returning: parts.returning < len(c.toks), strict: c.env.strict() && !n.IgnoreErr, ignore: n.IgnoreErr,
		zeroIsValue: c.env.hasMode("NO_AUTO_VALUE_ON_ZERO")}
	p.onDuplicate = len(n.OnDuplicate) > 0
	p.lenient = !c.env.strict() && !n.IgnoreErr
	if err := c.insertRows(p, n, parts); err != nil {
		return err
	}
	if err := c.checkTail(n, parts); err != nil {
		return err
	}
	p.sameTime = c.facts.clock || t.takesTime(true)
	p.evaluation.clock, p.evaluation.strict = c.facts.clock, p.strict
	if t.Rule.Kind == Global {
		if c.facts.assigns {
			return refuse("a user variable that is assigned in a write to a table with copies on all shards")
		}
	} else if err := c.checkOnDuplicate(t, n.OnDuplicate); err != nil {
		return err
	}
	st.planner = p
	return nil
}

// ownIDs are the values for the AUTO_INCREMENT column of a table that is on one shard, whose server numbers its rows.
func (c *compiler) ownIDs(t *Table, n *ast.InsertStmt) []operand {
	if t.AutoIncrement == "" {
		return nil
	}
	at, visible := -1, 0
	if len(n.Columns) == 0 {
		for i := range t.Columns {
			if t.Columns[i].Invisible {
				continue
			}
			if t.Columns[i].AutoIncrement {
				at = visible
			}
			visible++
		}
	}
	for i, col := range n.Columns {
		if foldName(col.Name.O) == foldName(t.AutoIncrement) {
			at = i
		}
	}
	ids := make([]operand, len(n.Lists))
	for i, list := range n.Lists {
		ids[i] = operand{kind: operandDefault}
		if at >= 0 && at < len(list) {
			ids[i] = c.operand(list[at])
		}
	}
	return ids
}

// noteTables notes the tables of a statement that is not routed by what it reads.
func (c *compiler) noteTables() error {
	for _, n := range c.facts.names {
		if c.isCTE(n) {
			continue
		}
		database := c.databaseOf(n)
		if database == "" {
			return errorf(codeNoDatabase, "No database selected")
		}
		c.uses(database)
		t := c.lookupTable(n)
		if t == nil {
			continue // the server says that it does not exist, or has it itself
		}
		if n.Schema.O != "" {
			c.markQualifier(t)
		}
		c.addTable(t)
	}
	return nil
}

// checkTail refuses what each shard would work out by itself behind the rows.
func (c *compiler) checkTail(n *ast.InsertStmt, parts insertParts) error {
	for _, a := range n.OnDuplicate {
		nature := natureOf(a.Expr)
		if nature.subquery {
			return refuse("ON DUPLICATE KEY UPDATE with a subquery is answered only for tables of one shard")
		}
		if nature.unstable && len(c.st.Tables) > 0 && c.st.Tables[0].Rule.Kind == Global {
			return refuse("ON DUPLICATE KEY UPDATE would give each shard's copy of the table another value; compute it first")
		}
	}
	for i := parts.returning; i < len(c.toks); i++ {
		if c.word(i) == "SELECT" {
			return refuse("RETURNING with a subquery is answered only for tables of one shard")
		}
	}
	return nil
}

// checkCopies refuses what would make the copies of a global table differ.
func (c *compiler) checkCopies() error {
	if f := c.facts.nondetermined; f != "" {
		return refuse("%s() would give each shard's copy of the table another value; compute it first", f)
	}
	if c.facts.assigns {
		return refuse("a user variable that is assigned in a write to a table with copies on all shards")
	}
	return nil
}

// checkOnDuplicate refuses assignments that would move the row.
func (c *compiler) checkOnDuplicate(t *Table, list []*ast.Assignment) error {
	for _, a := range list {
		part := t.keyPart(a.Column.Name.O)
		if part < 0 {
			continue
		}
		switch e := unwrap(a.Expr).(type) {
		case *ast.ColumnNameExpr:
			if t.keyPart(e.Name.Name.O) == part {
				continue
			}
		case *ast.ValuesExpr:
			if t.keyPart(e.Column.Name.Name.O) == part {
				continue
			}
		case *ast.FuncCallExpr: // the idiom id = LAST_INSERT_ID(id)
			if e.FnName.L == "last_insert_id" && len(e.Args) == 1 {
				if n, ok := unwrap(e.Args[0]).(*ast.ColumnNameExpr); ok && t.keyPart(n.Name.Name.O) == part {
					continue
				}
			}
		}
		return refuse("ON DUPLICATE KEY UPDATE changes the shard key %s of %s", t.Rule.Key, t.Name)
	}
	return nil
}

// insertParts finds the parts of INSERT … VALUES and INSERT … SET.
func (c *compiler) insertParts() (name tableName, p insertParts, ok bool) {
	n := len(c.toks)
	i := 1
	for c.oneOf(i, "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO") {
		i++
	}
	name, next, ok := c.qualified(i)
	if !ok {
		return name, p, false
	}
	if c.word(next) == "PARTITION" {
		next = c.closing(next+1) + 1
	}
	p.nameEnd, p.listOpen, p.returning, p.query = next, -1, n, n
	if c.punct(next, '(') && !c.oneOf(next+1, "SELECT", "WITH") {
		p.listOpen, p.listClose = next, c.closing(next)
		next = p.listClose + 1
	}
	switch c.word(next) {
	case "VALUES", "VALUE":
		next++
		for c.punct(next, '(') {
			end := c.closing(next)
			if end >= n {
				return name, p, false
			}
			p.rows = append(p.rows, [2]int{next, end})
			next = end + 1
			if !c.punct(next, ',') {
				break
			}
			next++
		}
	case "SET":
		p.isSet = true
		end := c.find(next+1, n, "ON", "RETURNING", "AS")
		p.set = [2]int{next + 1, end}
		next = end
	case "SELECT", "WITH", "TABLE":
		p.query = next
		p.tail, p.returning = c.queryTail(next)
		return name, p, true
	default:
		if c.punct(next, '(') {
			p.query = next
			p.tail, p.returning = c.queryTail(next)
			return name, p, true
		}
		return name, p, false
	}
	if c.word(next) == "AS" && c.isName(next+1) { // VALUES (…) AS new [(a, b)] ON DUPLICATE KEY UPDATE
		end := next + 2
		if c.punct(end, '(') {
			end = c.closing(end) + 1
		}
		p.alias = append(p.alias, [2]int{c.startOf(next), c.endOf(min(end, n) - 1)})
		p.tail = next
		p.returning = c.find(end, n, "RETURNING")
		return name, p, true
	}
	p.tail = next
	p.returning = c.find(next, n, "RETURNING")
	return name, p, true
}
