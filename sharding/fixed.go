package sharding

// fixedPlanner sends a statement to shards that do not depend on its values.
type fixedPlanner struct {
	shards   shardSet
	any      bool // one of shards will do
	noTables bool
	write    bool
	copies   bool // every shard has its copy: affected rows are those of one
	sameTime bool
	why      string
}

func (p *fixedPlanner) plan(st *Statement, x *execution) error {
	x.plan.Why, x.plan.Write, x.plan.AnyShard = p.why, p.write, p.noTables
	x.plan.SumAffected = !p.copies
	if p.any {
		return x.target(x.anyOf(p.shards))
	}
	x.plan.SameTime = p.sameTime && p.shards.count() > 1
	return x.targets(p.shards)
}

func (c *compiler) firstShard() shardSet {
	var s shardSet
	if len(c.schema.shards) > 0 {
		s.add(0)
	}
	return s
}

// applyHint replaces the plan by the one shard that a /*+ shard(name) */ names.
func (c *compiler) applyHint() error {
	if c.hint == "" {
		return nil
	}
	i, ok := c.schema.index[c.hint]
	if !ok {
		return errorf(codeWrongArguments, "Unknown shard '%s' in the hint /*+ shard(…) */", c.hint)
	}
	var s shardSet
	s.add(i)
	c.st.planner = &fixedPlanner{shards: s, write: !c.st.ReadOnly, why: "the hint names the shard"}
	return nil
}

// markDatabase notes that the name at token i may be qualified by a database, whose physical name may differ.
func (c *compiler) markDatabase(i int) {
	if c.isName(i) && c.punct(i+1, '.') && c.isName(i+2) {
		c.markName(i)
	}
}

// markName makes the database name at token i a slot.
func (c *compiler) markName(i int) {
	name := c.nameOf(i)
	if c.marked[c.startOf(i)] {
		return
	}
	if c.marked == nil {
		c.marked = make(map[int]bool)
	}
	c.marked[c.startOf(i)] = true
	c.edits = append(c.edits, edit{start: c.startOf(i), end: c.endOf(i), with: []piece{{kind: pieceDatabase, text: name}}})
	for _, d := range c.st.databases {
		if d == name {
			return
		}
	}
	c.st.databases = append(c.st.databases, name)
}
