package sharding

// dropPlanner drops tables that are on different shards: each shard is told of those that it has.
type dropPlanner struct {
	head, tail *template // around the names
	names      []*template
	at         []shardSet // of each name
	union      shardSet
}

// dropWhereTheyAre plans DROP TABLE a, b where a and b are not on the same shards.
func (c *compiler) dropWhereTheyAre(names []tableName, spans [][2]int) {
	p := &dropPlanner{head: &template{}, tail: &template{}}
	different := false
	for _, n := range names {
		at := c.schema.allSet
		if t, ok := c.schema.Table(n.database, n.name); ok && t.View && !c.schema.there(t).empty() {
			at = c.schema.there(t)
		} else if ok && !t.View && len(t.Rule.Shards) > 0 {
			at = t.shards()
		}
		different = different || len(p.at) > 0 && at != p.at[0]
		p.at, p.union = append(p.at, at), p.union.or(at)
	}
	if !different {
		return
	}
	c.sortEdits()
	c.appendSpan(p.head, 0, spans[0][0])
	for _, s := range spans {
		t := &template{}
		c.appendSpan(t, s[0], s[1])
		p.names = append(p.names, t)
	}
	c.appendSpan(p.tail, spans[len(spans)-1][1], len(c.src))
	c.st.planner = p
}

func (p *dropPlanner) plan(_ *Statement, x *execution) error {
	x.plan.Why, x.plan.Write, x.plan.SumAffected = "each table is dropped where it is", true, false
	for shard := p.union.first(); shard >= 0; shard = p.union.next(shard + 1) {
		t := &template{}
		t.pieces = append(t.pieces, p.head.pieces...)
		first := true
		for i, name := range p.names {
			if !p.at[i].has(shard) {
				continue
			}
			if !first {
				t.addText(", ")
			}
			first = false
			t.pieces = append(t.pieces, name.pieces...)
		}
		t.pieces = append(t.pieces, p.tail.pieces...)
		if err := x.targetText(shard, t); err != nil {
			return err
		}
	}
	return nil
}
