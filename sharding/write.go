package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// writePlanner plans UPDATE, DELETE and INSERT … SELECT.
type writePlanner struct {
	routing  *routing
	copies   bool   // global tables: all shards
	one      string // why it needs one shard, or ""
	sameTime bool
	moves    []keyAssignment
	ids      []operand // INSERT into a table of one shard: what its rows give for the AUTO_INCREMENT column
}

// keyAssignment is SET shard_key = value: allowed where the row stays on its shard.
type keyAssignment struct {
	table *Table
	value operand
}

func (p *writePlanner) plan(st *Statement, x *execution) error {
	x.plan.Write = true
	if p.copies {
		x.plan.SumAffected = false
		x.plan.Why = "every shard has a copy of the table"
		x.plan.SameTime = p.sameTime && p.routing.allowed.count() > 1
		return x.targets(p.routing.allowed)
	}
	s, any, err := p.routing.where(x)
	if err != nil {
		return err
	}
	if any {
		shard := x.anyOf(s)
		x.plan.Why = whyOne(p.routing)
		x.plan.Numbers = x.leavesNumber(p.ids)
		for i := range p.moves {
			if err := p.moves[i].check(x, shard); err != nil {
				return err
			}
		}
		return x.target(shard)
	}
	if p.one != "" {
		return refuse("%s", p.one)
	}
	x.plan.Why = "the shard key does not narrow it to one shard"
	return x.targets(s)
}

func (m *keyAssignment) check(x *execution, shard int) error {
	t := m.table
	if t.several() {
		return refuse("it changes a column of the shard key (%s) of %s, and whether the row stays on its shard is decided by all of them; delete it and insert it anew", t.Rule.Key, t.Name)
	}
	v, ok := x.value(&m.value)
	if ok && v.Kind != ValNull {
		k, scratch, f := t.keys[0].convert(x.scratch, &v, x.st.charset, storing)
		x.scratch = scratch
		if f == fitExact && t.place.shard(&k) == shard {
			return nil
		}
	}
	return refuse("it changes the shard key %s of %s so that the row would belong to another shard; delete it and insert it anew", t.Rule.Key, t.Name)
}

// update compiles UPDATE.
func (c *compiler) update() error {
	c.st.Kind = KindUpdate
	if err := c.refuseConditional(); err != nil {
		return err
	}
	node, err := c.parse()
	if err != nil {
		return c.unparsed(err)
	}
	n, ok := node.(*ast.UpdateStmt)
	if !ok {
		return c.unparsed(syntaxError(c.src, 0))
	}
	c.findSlots(0, len(c.toks))
	c.walk(n)
	if c.hint != "" {
		return c.applyHint()
	}
	r, err := c.route()
	if err != nil {
		return err
	}
	p := &writePlanner{routing: r}
	var targets []*Table
	b := c.facts.blocks[0]
	for _, a := range n.List {
		t, known := b.assigned(a.Column)
		if !known {
			continue
		}
		targets = append(targets, t)
		if !t.isKey(a.Column.Name.O) || isKeyItself(b, a.Column, a.Expr) {
			continue
		}
		p.moves = append(p.moves, keyAssignment{table: t, value: c.operand(a.Expr)})
	}
	if len(p.moves) > 0 {
		p.one = "it changes the shard key " + p.moves[0].table.Rule.Key + " of rows on several shards"
	}
	return c.finishWrite(p, targets, n.Limit != nil, n.Order != nil)
}

// assigned is the table whose column is set. Where the name leaves it open, every table counts.
func (b *block) assigned(n *ast.ColumnName) (*Table, bool) {
	if col, ok := b.resolve(n); ok {
		return col.source.table, true
	}
	for _, s := range b.sources {
		if s.table != nil && s.table.isKey(n.Name.O) {
			return s.table, true
		}
	}
	return nil, false
}

// isKeyItself reads SET k = k.
func isKeyItself(b *block, assigned *ast.ColumnName, e ast.ExprNode) bool {
	n, ok := unwrap(e).(*ast.ColumnNameExpr)
	if !ok {
		return false
	}
	to, known := b.resolve(assigned)
	from, ok := b.resolve(n.Name)
	return ok && known && from == to
}

// delete compiles DELETE.
func (c *compiler) delete() error {
	c.st.Kind = KindDelete
	if err := c.refuseConditional(); err != nil {
		return err
	}
	returning := c.find(0, len(c.toks), "RETURNING")
	var blank [][2]int
	if returning < len(c.toks) {
		blank = append(blank, [2]int{c.startOf(returning), len(c.src)})
	}
	node, err := c.parse(blank...)
	if err != nil {
		return c.unparsed(err)
	}
	n, ok := node.(*ast.DeleteStmt)
	if !ok {
		return c.unparsed(syntaxError(c.src, 0))
	}
	c.findSlots(0, len(c.toks))
	c.walk(n)
	if c.hint != "" {
		return c.applyHint()
	}
	r, err := c.route()
	if err != nil {
		return err
	}
	p := &writePlanner{routing: r}
	b := c.facts.blocks[0]
	var targets []*Table
	if n.IsMultiTable && n.Tables != nil {
		for _, tn := range n.Tables.Tables {
			for _, s := range b.sources {
				if s.table != nil && s.alias == tn.Name.O {
					targets = append(targets, s.table)
				}
			}
			if tn.Schema.O != "" {
				if t, ok := c.schema.Table(tn.Schema.O, tn.Name.O); ok {
					c.markQualifier(t)
					targets = append(targets, t)
				}
			}
		}
	} else {
		for _, s := range b.sources {
			if s.table != nil {
				targets = append(targets, s.table)
			}
		}
	}
	if returning < len(c.toks) {
		p.one = "DELETE … RETURNING is answered only for rows of one shard"
	}
	return c.finishWrite(p, targets, n.Limit != nil, n.Order != nil)
}

// finishWrite settles where UPDATE and DELETE of these tables may run.
func (c *compiler) finishWrite(p *writePlanner, targets []*Table, limit, order bool) error {
	r := p.routing
	global, other := false, false
	for _, t := range targets {
		if err := c.mayChange(t, false); err != nil {
			return err
		}
		if t.Rule.Kind == Global {
			global = true
		} else {
			other = true
		}
	}
	for _, t := range c.st.Tables {
		if global && t.Rule.Kind != Global {
			return refuse("it changes a table with copies on all shards by rows of %s, which is %s", t.Name, t.Rule.Kind)
		}
	}
	switch {
	case global && other:
		return refuse("it changes a table with copies on all shards together with others")
	case global:
		if err := c.checkCopies(); err != nil {
			return err
		}
		if limit && !order {
			return refuse("LIMIT without ORDER BY could change other rows in each copy of the table")
		}
		if p.one != "" {
			return refuse("%s", p.one)
		}
		p.copies, p.sameTime = true, c.facts.clock
	case limit && p.one == "":
		p.one = "LIMIT of a change over several shards: which rows it means is known only where they are all on one shard"
	}
	if c.facts.assigns {
		r.setObstacle("a user variable that is assigned in a statement would have another value on each shard")
	}
	c.st.planner = p
	return nil
}
