package sharding

// A server looks for the parents of a row, and for the children, among the rows that it has. So a foreign key means what it means on
// one server only where both are always on the same shard; another one is refused when it is defined.

// foreignKeys reads the foreign keys of the parts of a definition ( … ) or of an ALTER TABLE and checks them. t is the table as it is, or will be.
func (c *compiler) foreignKeys(t *Table, parts [][2]int) error {
	for _, part := range parts {
		f, parent, ok := c.foreignKey(t, part[0], part[1])
		if !ok {
			continue
		}
		if reason := f.apart(t, parent); reason != "" {
			return refuse("the foreign key of %s to %s would find only what is on the same shard: %s", t.Name, parent.Name, reason)
		}
	}
	return nil
}

// foreignKey reads the foreign key in a part of a definition. ok is false where there is none, or one to a table that is not there.
func (c *compiler) foreignKey(t *Table, a, b int) (f ForeignKey, parent *Table, ok bool) {
	at := c.find(a, b, "REFERENCES")
	if at >= b {
		return f, nil, false
	}
	if key := c.find(a, at, "FOREIGN"); key < at {
		f.Columns = c.keyParts(key, at)
	} else if a = c.skipIf(c.skipIf(c.skipIf(a, "ADD"), "COLUMN"), "IF", "NOT", "EXISTS"); c.isName(a) {
		f.Columns = []string{c.nameOf(a)}
	}
	n, next, named := c.qualified(at + 1)
	if !named || !c.punct(next, '(') {
		return f, nil, false
	}
	c.markDatabase(at + 1)
	f.References = c.keyParts(next, b)
	if parent, ok = c.schema.Table(n.database, n.name); n.database == t.Database && n.name == t.Name {
		parent, ok = t, true
	}
	return f, parent, ok && len(f.Columns) == len(f.References)
}

// apart says why rows of the child and the parents that they refer to may be on different shards.
func (f *ForeignKey) apart(child, parent *Table) string {
	switch {
	case parent.View, child.problem != "", parent.problem != "":
		return "" // the server, or the table's own problem, says more
	case parent.Rule.Kind == Global:
		if child.shards().and(parent.shards()) != child.shards() {
			return parent.Name + " has no copy on some of its shards"
		}
		return ""
	case child.Rule.Kind == Global:
		return "it has copies on all shards, and " + parent.Name + " has not; make that global too"
	case child.shards().count() == 1 && child.shards() == parent.shards():
		return ""
	case child.Rule.Kind == Single || parent.Rule.Kind == Single:
		return "one is on a single shard; make " + parent.Name + " global"
	case len(child.keys) != len(parent.keys) || !child.place.same(parent.place):
		return "they are not placed alike; put them in one group, or make " + parent.Name + " global"
	}
	for part := range child.keys {
		joined := false
		for i := range f.Columns {
			joined = joined || child.keyPart(f.Columns[i]) == part && parent.keyPart(f.References[i]) == part
		}
		if !joined || !child.keys[part].sameClass(parent.keys[part]) {
			return "it does not join their shard keys (" + child.Rule.Key + ", " + parent.Rule.Key + "); place " + child.Name + " by the column that refers, or make " + parent.Name + " global"
		}
	}
	return ""
}
