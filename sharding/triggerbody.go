package sharding

import "strings"

// A trigger runs on the shard of its row, for that row. So what its body reads and writes has to be there, and what it makes
// must be what one server would make: rows of tables that are placed by the very key of its row, and nothing that each shard would
// do in its own way.

// mayTrigger says why a trigger on a table would not do over several shards what it does on one server; "" where it does.
// The body begins at token i.
func (c *compiler) mayTrigger(t *Table, i int) string {
	if t.Rule.Kind == Single {
		return c.besideTrigger(t, i)
	}
	for _, part := range c.statements(i) {
		if reason := c.triggerStatement(t, part[0], part[1]); reason != "" {
			return reason
		}
	}
	return ""
}

// besideTrigger checks that all that a trigger of a single table names is on that table's shard.
func (c *compiler) besideTrigger(t *Table, i int) string {
	for _, u := range c.mentioned(i) {
		switch {
		case u == t:
		case u.Rule.Kind == Sharded || u.problem != "":
			return "it reads or writes the sharded table " + u.Name
		case u.shards().and(t.shards()).empty():
			return "it reads or writes " + u.Name + ", which is on another shard"
		case u.Rule.Kind == Global && c.writesTo(u, i, len(c.toks)):
			return "it writes to " + u.Name + ", of which only one copy would change"
		}
	}
	return ""
}

// statements cuts the body into what stands between semicolons.
func (c *compiler) statements(i int) [][2]int {
	var parts [][2]int
	start := i
	for ; i < len(c.toks); i++ {
		if c.punct(i, ';') {
			parts = append(parts, [2]int{start, i})
			start = i + 1
		}
	}
	return append(parts, [2]int{start, i})
}

func (c *compiler) triggerStatement(t *Table, i, end int) string {
	for j := i; j < end; j++ {
		if c.word(j) == "CALL" {
			return "it calls a procedure, which is not looked into"
		}
		if !c.isName(j) {
			continue
		}
		name := strings.ToLower(c.nameOf(j))
		if c.oneOf(j, "NEW") && c.punct(j+1, '.') && c.punct(j+3, '=') && t.isKey(c.nameOf(j+2)) && c.setsRow(j, i) {
			return "it sets the shard key " + c.nameOf(j+2) + " of its row, which is on its shard already"
		}
		call := c.punct(j+1, '(')
		if call && c.schema.routine(c.env.Database, name, true) != nil {
			return "it calls the function " + name + ", which is not looked into"
		}
		if t.Rule.Kind == Global && (call && unstableFunctions[name] || clockFunctions[name] && (call || !c.toks[j].afterDot && strings.HasPrefix(name, "current_"))) {
			return name + "() would give each copy of its row another value"
		}
	}
	uses := 0
	for _, u := range c.mentionedIn(i, end) {
		if u == t && !c.tableWordBefore(u, i, end) {
			continue // a column of that name
		}
		switch {
		case u.problem != "":
			return "it uses " + u.Name + ": " + u.problem
		case u.Rule.Kind == Single:
			return "it uses " + u.Name + ", which is on one shard"
		case u.Rule.Kind == Global && t.Rule.Kind == Sharded && c.writesTo(u, i, end):
			return "it writes to " + u.Name + ", of which only one copy would change"
		case t.Rule.Kind == Global && u.Rule.Kind == Sharded:
			return "it uses the sharded table " + u.Name + " once for each copy of its row"
		case u.AutoIncrement != "" && c.writesTo(u, i, end) && c.oneOf(c.firstWord(i, end), "INSERT", "REPLACE"):
			return "it inserts into " + u.Name + ", whose AUTO_INCREMENT values each shard would give by itself"
		case u.Rule.Kind != Sharded:
			continue
		}
		if uses++; uses > 1 || c.occurrences(u, i, end) > 1 {
			return "a statement of it uses sharded tables more than once"
		}
		if reason := c.meetsRow(t, u, i, end); reason != "" {
			return reason
		}
	}
	return ""
}

// setsRow says whether NEW.x = at token j is one of SET, not a comparison.
func (c *compiler) setsRow(j, from int) bool {
	for j--; j >= from; j-- {
		switch {
		case c.word(j) == "SET":
			return true
		case c.oneOf(j, "WHERE", "IF", "WHEN", "SELECT", "AND", "OR", "ON"):
			return false
		}
	}
	return false
}

// firstWord is the token of the verb of a statement of the body: behind BEGIN, THEN and the like.
func (c *compiler) firstWord(i, end int) int {
	for j := i; j < end; j++ {
		if c.oneOf(j, "INSERT", "REPLACE", "UPDATE", "DELETE", "SELECT", "SET") {
			return j
		}
	}
	return i
}

func (c *compiler) mentionedIn(i, end int) []*Table {
	whole := c.toks
	c.toks = c.toks[:end]
	defer func() { c.toks = whole }()
	return c.mentioned(i)
}

// occurrences counts where a table's name stands as a table's.
func (c *compiler) occurrences(u *Table, i, end int) int {
	n := 0
	for j := i; j < end; j++ {
		if c.isName(j) && c.nameOf(j) == u.Name && c.oneOf(c.beforeName(j), "FROM", "JOIN", "INTO", "UPDATE", "TABLE", "INSERT", "REPLACE", "IGNORE") {
			n++
		}
	}
	return n
}

// beforeName is the token before a name that may be qualified.
func (c *compiler) beforeName(j int) int {
	if c.toks[j].afterDot {
		j -= 2
	}
	return j - 1
}

func (c *compiler) tableWordBefore(u *Table, i, end int) bool { return c.occurrences(u, i, end) > 0 }

// writesTo says whether a statement may change a table.
func (c *compiler) writesTo(u *Table, i, end int) bool {
	for j := i; j < end; j++ {
		if c.isName(j) && c.nameOf(j) == u.Name {
			if c.oneOf(c.beforeName(j), "INTO", "UPDATE", "INSERT", "REPLACE", "IGNORE", "LOW_PRIORITY", "DELAYED", "TABLE", "TRUNCATE") {
				return true
			}
			if c.word(c.beforeName(j)) == "FROM" && c.find(i, j, "DELETE") < j {
				return true
			}
		}
	}
	return false
}

// meetsRow checks that a statement concerns only rows of u that are on the shard of the trigger's row: placed by the same
// function, and tied to the row by NEW.key or OLD.key in every column of the key.
func (c *compiler) meetsRow(t, u *Table, i, end int) string {
	apart := "it uses the table " + u.Name + ", which is not sharded as " + t.Name + " is"
	if u.View || t.place == nil || !t.place.same(u.place) || len(t.keys) != len(u.keys) {
		return apart
	}
	for n := range u.keys {
		if !u.keys[n].sameClass(t.keys[n]) {
			return apart
		}
	}
	verb := c.firstWord(i, end)
	if c.oneOf(verb, "INSERT", "REPLACE") {
		return c.insertsBeside(t, u, verb, end)
	}
	if c.find(i, end, "OR") < end || c.find(i, end, "UNION") < end {
		return "a statement of it on " + u.Name + " has OR or UNION, so which rows it means is not certain"
	}
	for n, key := range u.Rule.Keys {
		if !c.tiedTo(key, t.Rule.Keys[n], i, end) {
			return "a statement of it on " + u.Name + " does not say " + key + " = NEW." + t.Rule.Keys[n]
		}
	}
	return ""
}

// ofRow says whether tokens i to i+2 are NEW.name or OLD.name.
func (c *compiler) ofRow(i int, name string) bool {
	return c.oneOf(i, "NEW", "OLD") && c.punct(i+1, '.') && c.isName(i+2) && foldName(c.nameOf(i+2)) == foldName(name)
}

// tiedTo finds key = NEW.name among the conditions.
func (c *compiler) tiedTo(key, name string, i, end int) bool {
	where := c.find(i, end, "WHERE")
	for j := where; j < end; j++ {
		isKey := func(k int) bool {
			return c.isName(k) && foldName(c.nameOf(k)) == foldName(key) && !c.oneOf(k-2, "NEW", "OLD")
		}
		before := c.oneOf(j-1, "WHERE", "AND") || c.toks[j].afterDot && c.oneOf(j-3, "WHERE", "AND")
		after := func(k int) bool { return k >= end || c.oneOf(k, "AND", "ORDER", "LIMIT", "GROUP") || c.punct(k, ')') }
		if isKey(j) && before && c.punct(j+1, '=') && c.ofRow(j+2, name) && after(j+5) {
			return true
		}
		if c.ofRow(j, name) && c.oneOf(j-1, "WHERE", "AND") && c.punct(j+3, '=') {
			k := j + 4
			if c.punct(k+1, '.') {
				k += 2
			}
			if isKey(k) && after(k+1) {
				return true
			}
		}
	}
	return false
}

// insertsBeside checks INSERT INTO u (…, key, …) VALUES (…, NEW.key, …) and INSERT INTO u SET key = NEW.key.
func (c *compiler) insertsBeside(t, u *Table, verb, end int) string {
	reason := "it inserts into " + u.Name + " with a shard key that is not that of its row"
	values := c.find(verb, end, "VALUES", "VALUE", "SET", "SELECT")
	if values == end || c.word(values) == "SELECT" || c.find(values, end, "DUPLICATE") < end {
		return reason
	}
	if c.word(values) == "SET" {
		for n, key := range u.Rule.Keys {
			found := false
			for _, part := range c.split(values+1, end) {
				j := part[0]
				found = found || c.isName(j) && foldName(c.nameOf(j)) == foldName(key) && c.punct(j+1, '=') && c.ofRow(j+2, t.Rule.Keys[n]) && part[1] == j+5
			}
			if !found {
				return reason
			}
		}
		return ""
	}
	columns := make([]string, len(u.Columns))
	for n := range u.Columns {
		columns[n] = u.Columns[n].Name
	}
	if c.punct(values-1, ')') {
		open := values - 1
		for open > verb && !c.punct(open, '(') {
			open--
		}
		columns = nil
		for _, part := range c.split(open+1, values-1) {
			columns = append(columns, c.nameOf(part[0]))
		}
	}
	if !c.punct(values+1, '(') || c.punct(c.closing(values+1)+1, ',') {
		return reason
	}
	row := c.split(values+2, c.closing(values+1))
	for n, key := range u.Rule.Keys {
		found := false
		for k, column := range columns {
			found = found || k < len(row) && foldName(column) == foldName(key) && c.ofRow(row[k][0], t.Rule.Keys[n]) && row[k][1] == row[k][0]+3
		}
		if !found {
			return reason
		}
	}
	return ""
}
