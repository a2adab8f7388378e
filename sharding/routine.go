package sharding

import "strings"

// viewDDL places a view where the tables that it reads are.
func (c *compiler) viewDDL(verb string, i int) error {
	d := &c.st.DDL
	d.Verb = verb
	if c.words(i, "IF", "NOT", "EXISTS") {
		i += 3
	}
	if c.words(i, "IF", "EXISTS") {
		d.IfExists = true
		i += 2
	}
	n, next, ok := c.qualified(i)
	if !ok {
		return syntaxError(c.src, c.startOf(i))
	}
	if n.database == "" {
		return errorf(codeNoDatabase, "No database selected")
	}
	c.markDatabase(i)
	d.Database, d.Tables = n.database, []string{n.name}
	c.defines("table", n)
	if verb == "drop view" {
		return c.dropTables(i)
	}
	shards, err := c.viewShards(next)
	if err == nil {
		err = c.isReplaced(n, shards)
	}
	if err != nil && c.hint == "" {
		return err
	}
	c.st.planner = &fixedPlanner{shards: shards, write: true, copies: true, why: "a view is where its tables are"}
	return c.applyHint()
}

// routineDDL goes to every shard: a routine runs beside the rows that it is called for.
func (c *compiler) routineDDL(verb string, i int) error {
	c.st.Opaque = strings.HasPrefix(verb, "create")
	d := &c.st.DDL
	d.Verb = verb
	// What routines do decides where callers run, and rows of a table with triggers do not move.
	d.Reload = strings.HasSuffix(verb, "function") || strings.HasSuffix(verb, "procedure") || strings.HasSuffix(verb, "trigger")
	switch {
	case c.words(i, "IF", "NOT", "EXISTS"):
		i += 3
	case c.words(i, "IF", "EXISTS"):
		d.IfExists = true
		i += 2
	}
	n, _, ok := c.qualified(i)
	if !ok {
		return syntaxError(c.src, c.startOf(i))
	}
	if n.database == "" {
		return errorf(codeNoDatabase, "No database selected")
	}
	c.markDatabase(i)
	d.Database = n.database
	_, kind, _ := strings.Cut(verb, " ")
	c.defines(kind, n)
	shards := c.schema.allSet
	if strings.HasSuffix(verb, "trigger") {
		if on := c.find(i, len(c.toks), "ON"); strings.HasPrefix(verb, "create") && on < len(c.toks) {
			if tn, after, ok := c.qualified(on + 1); ok {
				d.Tables = []string{tn.name}
				c.markDatabase(on + 1)
				if t, ok := c.schema.Table(tn.database, tn.name); ok && len(t.Rule.Shards) > 0 {
					shards = t.shards()
					if reason := c.mayTrigger(t, after); reason != "" && c.hint == "" && len(c.schema.shards) > 1 {
						return refuse("a trigger on %s runs on the shard of each row: %s", t.Name, reason)
					}
				}
			}
		}
	}
	c.st.planner = &fixedPlanner{shards: shards, write: true, copies: true, why: "a routine is on every shard"}
	return c.applyHint()
}

// mentioned is every known table whose name stands among the tokens from i on: more than the statement uses, never less.
func (c *compiler) mentioned(i int) []*Table {
	var out []*Table
	seen := make(map[*Table]bool)
	add := func(database, name string) {
		if t, ok := c.schema.Table(database, name); ok && !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	for ; i < len(c.toks); i++ {
		if !c.isName(i) {
			continue
		}
		if c.punct(i+1, '.') && c.isName(i+2) {
			add(c.nameOf(i), c.nameOf(i+2))
		}
		if !c.toks[i].afterDot {
			add(c.env.Database, c.nameOf(i))
		}
	}
	return out
}

// markQualifier marks each place where the table is named with its database.
func (c *compiler) markQualifier(t *Table) {
	if c.qualifiersOf[t] {
		return
	}
	if c.qualifiersOf == nil {
		c.qualifiersOf = make(map[*Table]bool)
	}
	c.qualifiersOf[t] = true
	for i := range c.toks {
		if c.isName(i) && !c.toks[i].afterDot && c.punct(i+1, '.') && c.isName(i+2) && c.nameOf(i) == t.Database && c.nameOf(i+2) == t.Name {
			c.markName(i)
		}
	}
}
