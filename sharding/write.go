package sharding

import "slices"

// writePlanner plans UPDATE, DELETE and INSERT … SELECT.
type writePlanner struct {
	routing   *routing
	apart     error  // no shard has all its tables
	copies    bool   // global tables: all shards
	one       string // why it needs one shard, or ""
	byRows    string // why copies are changed by rows that a query names, or ""
	sameTime  bool
	returning bool
	moves     []keyAssignment
	ids       []operand // INSERT into a table of one shard: what its rows give for the AUTO_INCREMENT column

	change       *changePlanner // where neither one shard nor each for itself can do it; nil: not possible
	unchangeable string         // why not; "": a change is not called for
}

// keyAssignment is SET shard_key = value: the row stays on its shard, or moves.
type keyAssignment struct {
	table *Table
	value operand
}

func (p *writePlanner) plan(st *Statement, x *execution) error {
	x.plan.Write = true
	switch {
	case p.apart != nil:
		return p.byKeys(x, p.apart, "no shard has all its tables: a query names the rows, which are changed by their primary keys")
	case p.byRows != "":
		return p.byKeys(x, refuse("%s", p.byRows), "a query names the rows, which are changed in every copy by their primary keys")
	case p.copies:
		x.plan.SumAffected = false
		x.plan.Why = "every shard has a copy of the table"
		x.plan.SameTime = p.sameTime && p.routing.allowed.count() > 1
		return x.targets(p.routing.allowed)
	}
	s, any, err := p.routing.where(x)
	if err != nil {
		return p.byKeys(x, err, "it needs rows of several shards: a query names the rows, which are changed by their primary keys")
	}
	if any {
		shard := x.anyOf(s)
		x.plan.Why = whyOne(p.routing)
		x.plan.Numbers = x.leavesNumber(p.ids)
		for i := range p.moves {
			if err := p.moves[i].check(x, shard); err != nil {
				return p.byKeys(x, err, "rows may move to other shards with their new shard keys")
			}
		}
		return x.target(shard)
	}
	if p.one != "" {
		why := "which rows it means is known when those of all shards are seen: a query names them, and they are changed by their primary keys"
		if len(p.moves) > 0 {
			why = "rows may move to other shards with their new shard keys"
		}
		return p.byKeys(x, refuse("%s", p.one), why)
	}
	x.plan.Why, x.plan.Returning = "the shard key does not narrow it to one shard", p.returning
	x.plan.SameTime = p.sameTime
	return x.targets(s)
}

// byKeys is the way for what no shard can do by the statement's own text.
func (p *writePlanner) byKeys(x *execution, cause error, why string) error {
	if p.change != nil {
		return p.change.plan(x, why)
	}
	if p.unchangeable != "" {
		return refuse("%s", p.unchangeable)
	}
	return cause
}

// check says that a row on the shard stays there.
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

// routeWrite routes UPDATE and DELETE. That no shard has all their tables is not the end of it.
func (c *compiler) routeWrite() (*writePlanner, error) {
	r, err := c.route()
	if err != nil {
		if !c.apart {
			return nil, err
		}
		return &writePlanner{routing: &routing{main: -1}, apart: err}, nil
	}
	return &writePlanner{routing: r}, nil
}

// mayNeedChange says whether some execution could be one that needs a Change.
func (p *writePlanner) mayNeedChange(c *compiler, sources int) bool {
	if p.copies {
		return false
	}
	return p.apart != nil || p.byRows != "" || p.one != "" || len(p.moves) > 0 || sources > 1 || c.facts.subqueries
}

// finishWrite settles where UPDATE and DELETE of these tables may run.
func (c *compiler) finishWrite(p *writePlanner, targets []*Table, limit bool) error {
	r := p.routing
	p.sameTime = c.facts.clock || slices.ContainsFunc(targets, func(t *Table) bool { return c.st.Kind == KindUpdate && t.takesTime(false) })
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
	if global {
		p.byRows = c.copiesByRows(other)
	}
	switch {
	case p.byRows != "":
	case global && c.facts.nondetermined != "":
		p.byRows = c.facts.nondetermined + "() would give each shard's copy of the table another value"
	case global && limit:
		p.byRows = "LIMIT could change other rows in each copy of the table"
	case global:
		if err := c.checkCopies(); err != nil {
			return err
		}
		p.copies = true
	case limit && p.one == "":
		p.one = "LIMIT of a change over several shards: which rows it means is known only where they are all on one shard"
	}
	if global && p.returning {
		return refuse("RETURNING from a table with copies on all shards is not answered")
	}
	if c.facts.assigns {
		r.setObstacle("a user variable that is assigned in a statement would have another value on each shard")
	}
	c.st.planner = p
	return nil
}

// copiesByRows says why the copies of a global table cannot be changed by each shard for itself: other shards' rows decide.
func (c *compiler) copiesByRows(other bool) string {
	for _, t := range c.st.Tables {
		if t.Rule.Kind != Global {
			return "it changes a table with copies on all shards by rows of " + t.Name + ", which is " + t.Rule.Kind.String()
		}
	}
	if other {
		return "it changes a table with copies on all shards together with others"
	}
	return ""
}
