package sharding

import (
	"slices"
	"strings"
)

// routing is where a statement can run, by all its tables in all its blocks.
type routing struct {
	allowed    shardSet // shards that have every table that is not sharded
	groups     []group
	main       int    // index of the group that may be scattered, -1: none
	obstacle   string // why the statement cannot run on several shards
	globalOnly bool   // every table is global (or there is none)
}

// route builds the routing of a statement that was walked.
func (c *compiler) route() (*routing, error) {
	r := &routing{allowed: c.schema.allSet, main: -1, globalOnly: true}
	f := &c.facts
	system, unknown := "", false
	for _, n := range f.names {
		if c.isCTE(n) {
			if t, ok := c.schema.Table(c.env.Database, n.Name.O); ok {
				return nil, refuse("the common table expression %s has the name of a table, which leaves open where which is meant", t.Name)
			}
			continue
		}
		database := c.databaseOf(n)
		if database == "" {
			return nil, errorf(codeNoDatabase, "No database selected")
		}
		c.uses(database)
		if isSystemDatabase(database) {
			system = n.Name.O
			continue
		}
		t := c.lookupTable(n)
		if t == nil {
			unknown, c.st.Unknown = true, true // the server says that it does not exist, if nobody has made it by now
			continue
		}
		if t.problem != "" && c.hint == "" {
			return nil, refuse("table %s: %s", t.Name, t.problem)
		}
		if n.Schema.O != "" {
			c.markQualifier(t)
		}
		c.addTable(t)
		if t.Rule.Kind != Sharded {
			r.allowed = r.allowed.and(t.shards())
		}
		if t.Rule.Kind != Global {
			r.globalOnly = false
		}
	}
	if system != "" {
		if len(c.st.Tables) > 0 && c.hint == "" {
			return nil, refuse("the server's own table %s cannot be joined with tables of the cluster", system)
		}
		r.allowed, r.globalOnly = c.firstShard(), false
		return r, nil
	}
	if unknown {
		r.allowed, r.globalOnly = r.allowed.and(c.firstShard()), false
		if r.allowed.empty() {
			r.allowed = c.firstShard()
		}
	}
	if r.allowed.empty() && c.hint == "" {
		c.apart = true
		return nil, refuse("its tables are on different shards: %s", c.placesOfTables())
	}
	c.addGroups(r)
	return r, nil
}

func (c *compiler) addTable(t *Table) {
	for _, o := range c.st.Tables {
		if o == t {
			return
		}
	}
	c.st.Tables = append(c.st.Tables, t)
	for _, name := range t.functions { // a view calls them wherever it is read
		if !slices.Contains(c.st.Functions, name) {
			c.st.Functions = append(c.st.Functions, name)
		}
	}
}

func (c *compiler) placesOfTables() string {
	var parts []string
	for _, t := range c.st.Tables {
		switch t.Rule.Kind {
		case Single:
			parts = append(parts, t.Name+" on "+c.schema.shards[t.Rule.Shards[0]])
		default:
			parts = append(parts, t.Name+" "+t.Rule.Kind.String())
		}
	}
	return strings.Join(parts, ", ")
}

// where is the set of shards that a statement needs. any says that each of them alone answers all.
func (r *routing) where(x *execution) (s shardSet, any bool, err error) {
	s = r.allowed
	pinned := false
	for i := range r.groups {
		g := &r.groups[i]
		if i == r.main || g.linked {
			continue
		}
		at := g.evaluate(x)
		switch at.count() {
		case 0: // no row of the group can match, on any shard
		case 1:
			s, pinned = s.and(at), true
		default:
			return s, false, refuse("%s", r.obstacle)
		}
	}
	if r.main >= 0 {
		at := r.groups[r.main].evaluate(x)
		switch n := at.count(); {
		case n == 1:
			s = s.and(at)
		case n > 1 && r.obstacle != "":
			return s, false, refuse("%s", r.obstacle)
		case n > 1 && pinned:
			return s, false, refuse("a subquery needs one shard, the outer rows are on several")
		case n > 1:
			if at.and(r.allowed) != at {
				return s, false, refuse("its tables are not all on the same shards: %s", r.tables())
			}
			return at, false, nil
		}
	}
	if s.empty() {
		return s, false, refuse("it needs rows of different shards: %s", r.tables())
	}
	return s, true, nil
}

func (r *routing) tables() string {
	var names []string
	for i := range r.groups {
		for _, t := range r.groups[i].tables {
			names = append(names, t.Name+" (sharded by "+t.Rule.Key+")")
		}
	}
	return strings.Join(names, ", ")
}
