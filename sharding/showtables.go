package sharding

// tablesPlanner answers SHOW TABLES from all shards that it takes to see every table. A name stands for one
// table: rows with the same one are one row.
type tablesPlanner struct {
	shards shardSet
	merge  Merge
}

func (p *tablesPlanner) plan(_ *Statement, x *execution) error {
	x.plan.Why = "some tables are on one shard only"
	x.merge = p.merge
	x.plan.Merge = &x.merge
	return x.targets(p.shards)
}

// showTables plans SHOW TABLES; false: the first shard has all tables of the database.
func (c *compiler) showTables(database string, full bool) bool {
	shards := c.firstShard()
	for _, t := range c.schema.Tables() {
		if t.Database == database && shards.and(t.shards()).empty() && !t.shards().empty() {
			shards.add(t.shards().first())
		}
	}
	if shards.count() < 2 {
		return false
	}
	name := Key{Column: 0, Weight: -1}
	p := &tablesPlanner{shards: shards, merge: Merge{Visible: 1, Distinct: true, DistinctKeys: []Key{name}, OrderBy: []SortKey{{Key: name}}, Limit: NoLimit}}
	if full {
		p.merge.Visible = 2 // and the type
	}
	c.st.planner = p
	return true
}
