package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// INSERT … SELECT has three ways. Where its rows are on the shards that they are for, each shard runs the statement for its
// own. Otherwise the rows are read first, by a query of its own that is answered in whichever way is right, and inserted as
// rows of INSERT … VALUES (Plan.Fill). What cannot be told apart in that way is refused.

// Fill is INSERT … SELECT for rows that are read first. Its texts are for this planner, with logical names.
type Fill struct {
	Table     *Table
	Columns   []*ColumnInfo // of the table, which the query's columns go to, in order; nil entries are not known
	Query     []byte
	Head      []byte // of the statement, up to where VALUES stands
	Tail      []byte // behind the rows
	Locks     bool   // Query may be followed by LOCK IN SHARE MODE
	Returning bool
	Ignore    bool
	Strict    bool // warnings of the query are the statement's errors
	Clock     bool // the statement asks for the time
}

// fillPlanner plans INSERT … SELECT.
type fillPlanner struct {
	push  *writePlanner // where the rows are in place; nil: it is known that they are not
	local bool          // push may run on several shards
	fill  Fill
	query template
	head  template
	tail  template
}

func (p *fillPlanner) plan(st *Statement, x *execution) error {
	if p.push != nil {
		s, one, err := p.push.routing.where(x)
		if err == nil && (one || p.local) {
			return p.push.plan(st, x)
		}
		_ = s // an error says that the rows are not in place
	}
	f := p.fill
	var err error
	if f.Query, err = p.query.render(nil, x, logicalNames); err != nil {
		return err
	}
	if f.Head, err = p.head.render(nil, x, logicalNames); err != nil {
		return err
	}
	if f.Tail, err = p.tail.render(nil, x, logicalNames); err != nil {
		return err
	}
	x.plan.Write, x.plan.Ignore = true, f.Ignore
	x.plan.Fill = &f
	x.plan.Why = "the rows are read first, then inserted where they belong"
	return nil
}

// queryTail finds what follows the query of INSERT … SELECT: ON DUPLICATE KEY UPDATE, RETURNING, or the end.
func (c *compiler) queryTail(i int) (tail, returning int) {
	n := len(c.toks)
	returning = c.find(i, n, "RETURNING")
	for tail = c.find(i, returning, "ON"); tail < returning; tail = c.find(tail+1, returning, "ON") {
		if c.word(tail+1) == "DUPLICATE" {
			break
		}
	}
	return tail, returning
}

// fillUnparsed is for a query that the parser does not read: what reads it later may.
func (c *compiler) fillUnparsed(name tableName, parts insertParts) (bool, error) {
	t, known := c.schema.Table(name.database, name.name)
	if !known || t.Rule.Kind == Single || t.problem != "" || c.hint != "" {
		return false, nil
	}
	if err := c.mayChange(t, true); err != nil {
		return true, err
	}
	c.findSlots(0, len(c.toks))
	c.pinAll()
	c.uses(t.Database)
	c.addTable(t)
	c.markQualifier(t)
	p, err := c.newFill(t, parts, nil)
	if err != nil {
		return true, err
	}
	for i := parts.tail; i < len(c.toks); i++ {
		if t.isKey(c.nameOf(i)) || c.word(i) == "SELECT" {
			return true, refuse("INSERT … SELECT with a query that is not read, and what follows it names the shard key or has a subquery")
		}
	}
	p.fill.Ignore = c.find(0, parts.nameEnd, "IGNORE") < parts.nameEnd
	p.fill.Strict = c.env.strict() && !p.fill.Ignore
	c.st.planner = p
	return true, nil
}

// insertSelect compiles INSERT … SELECT.
func (c *compiler) insertSelect(n *ast.InsertStmt, name tableName, parts insertParts) error {
	c.pinAll()
	c.walk(n)
	if c.hint != "" {
		return c.applyHint()
	}
	t, known := c.schema.Table(name.database, name.name)
	if known {
		if err := c.mayChange(t, true); err != nil {
			return err
		}
	}
	if !known || t.problem != "" {
		r, err := c.route()
		if err != nil {
			return err
		}
		r.setObstacle("INSERT … SELECT needs its source rows on the shard of its target")
		c.st.planner = &writePlanner{routing: r}
		return nil
	}
	if err := c.noteTables(); err != nil {
		return err
	}
	returning := parts.returning < len(c.toks)
	r, err := c.route()
	switch {
	case err != nil: // its tables are on different shards
		r = nil
	case t.Rule.Kind == Single:
		r.setObstacle("INSERT … SELECT needs its source rows on the shard of its target")
	case t.Rule.Kind == Global && r.globalOnly && !returning && c.copiesAgree(t, n):
		c.st.planner = &fixedPlanner{shards: t.shards(), write: true, copies: true, sameTime: c.facts.clock || t.takesTime(true), why: "every copy is filled from copies"}
		return nil
	}
	if t.Rule.Kind == Sharded {
		if err := c.checkOnDuplicate(t, n.OnDuplicate); err != nil {
			return err
		}
	}
	if err := c.checkTail(n, parts); err != nil {
		return err
	}
	p, err := c.newFill(t, parts, n)
	if err != nil {
		return err
	}
	switch {
	case r == nil:
	case t.Rule.Kind == Single:
		p.push = &writePlanner{routing: r}
	case t.Rule.Kind == Sharded && !returning && c.inPlace(t, n, r):
		p.push, p.local = &writePlanner{routing: r, sameTime: c.facts.clock}, true
	}
	if p.push == nil || !p.local {
		if err := c.tailOfItsOwn(t, n); err != nil {
			if p.push == nil {
				return err
			}
			c.st.planner = p.push
			return nil
		}
	}
	p.fill.Ignore = n.IgnoreErr
	p.fill.Strict = c.env.strict() && !n.IgnoreErr
	c.st.planner = p
	return nil
}

// copiesAgree says whether copies of a table that are filled from copies come out the same.
func (c *compiler) copiesAgree(t *Table, n *ast.InsertStmt) bool {
	sel, plain := n.Select.(*ast.SelectStmt)
	if !plain || sel.Limit != nil || c.facts.nondetermined != "" || c.facts.assigns || c.facts.windows > 0 || c.facts.subqueries || len(c.facts.blocks) > 1 {
		return false
	}
	return t.AutoIncrement == ""
}

// newFill cuts the statement's text. n is nil where the parser has not read it.
func (c *compiler) newFill(t *Table, parts insertParts, n *ast.InsertStmt) (*fillPlanner, error) {
	p := &fillPlanner{fill: Fill{Table: t, Returning: parts.returning < len(c.toks), Clock: c.facts.clock || n == nil || t.takesTime(true)}}
	if t.Rule.Kind == Global && c.unstableTail(n) {
		return nil, refuse("ON DUPLICATE KEY UPDATE would give each shard's copy of the table another value; compute it first")
	}
	p.fill.Columns = c.filledColumns(t, parts)
	if err := c.bytesOfText(n, p.fill.Columns); err != nil {
		return nil, err
	}
	from, to := parts.query, parts.tail
	for c.punct(from, '(') && c.closing(from) == to-1 {
		from, to = from+1, to-1
	}
	if from >= to {
		return nil, syntaxError(c.src, len(c.src))
	}
	if n != nil {
		sel, plain := n.Select.(*ast.SelectStmt)
		p.fill.Locks = plain && sel.From != nil && sel.LockInfo == nil && sel.SelectIntoOpt == nil && !c.locks(n.Select)
		c.widenFloats(n.Select, p.fill.Columns, from, to)
	}
	c.sortEdits()
	c.appendSpan(&p.head, 0, c.startOf(parts.query))
	c.appendSpan(&p.query, c.startOf(from), c.endOf(to-1))
	if parts.tail < len(c.toks) {
		p.tail.addText(" ")
		c.appendSpan(&p.tail, c.startOf(parts.tail), len(c.src))
	}
	return p, nil
}

// filledColumns are the columns that the query's columns go to.
func (c *compiler) filledColumns(t *Table, parts insertParts) []*ColumnInfo {
	var list []*ColumnInfo
	if parts.listOpen < 0 {
		for i := range t.Columns {
			if !t.Columns[i].Invisible {
				list = append(list, &t.Columns[i])
			}
		}
		return list
	}
	for _, span := range c.split(parts.listOpen+1, parts.listClose) {
		var col *ColumnInfo
		if i, ok := t.column(c.nameOf(span[1] - 1)); ok { // the last of a qualified name
			col = &t.Columns[i]
		}
		list = append(list, col)
	}
	return list
}
