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
				return c.insertSelect(n, false)
			}
			err = syntaxError(c.src, len(c.src))
		}
		return c.unparsed(err)
	}
	blank := parts.alias
	if parts.returning < len(c.toks) {
		blank = append(blank, [2]int{c.startOf(parts.returning), len(c.src)})
	}
	node, err := c.parse(blank...)
	if err != nil {
		return c.unparsed(err)
	}
	n, isInsert := node.(*ast.InsertStmt)
	if !isInsert {
		return c.unparsed(syntaxError(c.src, 0))
	}
	c.findSlots(0, len(c.toks))
	if n.Select != nil {
		return c.insertSelect(n, parts.returning < len(c.toks))
	}
	c.walk(n)
	if c.hint != "" {
		return c.applyHint()
	}
	if name.database == "" {
		return errorf(codeNoDatabase, "No database selected")
	}
	r, err := c.route()
	if err != nil {
		return err
	}
	t, known := c.schema.Table(name.database, name.name)
	if known {
		if err := c.mayChange(t, true); err != nil {
			return err
		}
	}
	if !known || t.Rule.Kind == Single {
		st.planner = &writePlanner{routing: r}
		return nil
	}
	if len(c.facts.names) > 1 {
		return refuse("INSERT with a subquery is answered only for tables of one shard")
	}
	p := &insertPlanner{table: t, returning: parts.returning < len(c.toks), strict: c.env.strict() && !n.IgnoreErr, ignore: n.IgnoreErr,
		zeroIsValue: c.env.hasMode("NO_AUTO_VALUE_ON_ZERO")}
	if err := c.insertRows(p, n, parts); err != nil {
		return err
	}
	if t.Rule.Kind == Global {
		if err := c.checkCopies(); err != nil {
			return err
		}
		if p.returning {
			return refuse("RETURNING from a table with copies on all shards is not answered")
		}
		p.sameTime = c.facts.clock
	} else if err := c.checkOnDuplicate(t, n.OnDuplicate); err != nil {
		return err
	}
	st.planner = p
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
	p.nameEnd, p.listOpen, p.returning = next, -1, n
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
		p.tail = n
		p.returning = c.find(next, n, "RETURNING")
		return name, p, true
	default:
		if c.punct(next, '(') {
			p.tail = n
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

// insertSelect compiles INSERT … SELECT: both sides on one shard, or copies filled from copies.
func (c *compiler) insertSelect(n *ast.InsertStmt, returning bool) error {
	c.pinAll()
	c.walk(n)
	if c.hint != "" {
		return c.applyHint()
	}
	r, err := c.route()
	if err != nil {
		return err
	}
	var target *Table
	if ts, ok := n.Table.TableRefs.Left.(*ast.TableSource); ok {
		if tn, ok := ts.Source.(*ast.TableName); ok {
			target = c.lookupTable(tn)
		}
	}
	if target != nil {
		if err := c.mayChange(target, true); err != nil {
			return err
		}
	}
	switch {
	case target == nil || target.Rule.Kind == Single:
		r.setObstacle("INSERT … SELECT needs its source rows on the shard of its target")
		c.st.planner = &writePlanner{routing: r}
		return nil
	case target.Rule.Kind == Global && r.globalOnly:
		if err := c.checkCopies(); err != nil {
			return err
		}
		if target.AutoIncrement != "" && !c.listsColumn(n, target.AutoIncrement) {
			return refuse("AUTO_INCREMENT values of INSERT … SELECT could differ between the copies of %s", target.Name)
		}
		if returning {
			return refuse("RETURNING from a table with copies on all shards is not answered")
		}
		c.st.planner = &fixedPlanner{shards: target.shards(), write: true, copies: true, sameTime: c.facts.clock, why: "every copy is filled from copies"}
		return nil
	}
	return refuse("INSERT … SELECT into %s, which is %s: the shard of each row is not known before the rows are read; SELECT them, then insert", target.Name, target.Rule.Kind)
}

func (c *compiler) listsColumn(n *ast.InsertStmt, name string) bool {
	if len(n.Columns) == 0 {
		return true
	}
	for _, col := range n.Columns {
		if foldName(col.Name.O) == foldName(name) {
			return true
		}
	}
	return false
}
