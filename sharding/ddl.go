package sharding

import (
	"slices"
	"strings"
)

// ddl classifies definitions by their words: the parser cannot read all of them, and the text goes on as it is.
func (c *compiler) ddl() (bool, error) {
	switch c.word(0) {
	case "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME":
	default:
		return false, nil
	}
	if c.words(0, "DROP", "PREPARE") {
		return true, c.prepareText()
	}
	st := c.st
	st.Kind, st.ReadOnly = KindDDL, false
	st.DDL.Database = c.env.Database
	st.DDL.Reload = true
	i := 1
	verb := strings.ToLower(c.word(0))
	if verb == "truncate" {
		return true, c.tableDDL("truncate table", c.skipIf(1, "TABLE"))
	}
	st.DDL.Replaces = c.words(i, "OR", "REPLACE")
	i = c.skipIf(i, "OR", "REPLACE")
	i = c.skipIf(i, "ONLINE")
	i = c.skipIf(i, "IGNORE")
	for i < len(c.toks) {
		switch w := c.word(i); w {
		case "TEMPORARY":
			st.DDL.Temporary = true
			i++
			continue
		case "UNIQUE", "FULLTEXT", "SPATIAL", "AGGREGATE":
			i++
			continue
		case "ALGORITHM", "SQL", "DEFINER":
			i = c.skipViewOption(i)
			continue
		case "TABLE", "TABLES":
			return true, c.tableDDL(verb+" table", i+1)
		case "INDEX":
			return true, c.indexDDL(verb+" index", i+1)
		case "VIEW":
			return true, c.viewDDL(verb+" view", i+1)
		case "DATABASE", "SCHEMA":
			return true, c.databaseDDL(verb+" database", i+1)
		case "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE":
			return true, c.routineDDL(verb+" "+strings.ToLower(w), i+1)
		case "SEQUENCE":
			return true, refuse("sequences are not sharded; use AUTO_INCREMENT")
		case "USER", "ROLE":
			return true, refuse("users and roles are those of the configuration, not of the shards")
		case "SERVER", "TABLESPACE", "LOGFILE", "RESOURCE", "UNDO", "INSTANCE":
			return true, refuse("%s %s concerns one server; connect to it directly", strings.ToUpper(verb), w)
		}
		return true, syntaxError(c.src, c.startOf(i))
	}
	return true, syntaxError(c.src, len(c.src))
}

// skipViewOption moves behind ALGORITHM=x, SQL SECURITY x, DEFINER=user.
func (c *compiler) skipViewOption(i int) int {
	if c.words(i, "SQL", "SECURITY") {
		return i + 3
	}
	start := i
	for i++; i < len(c.toks); i++ {
		if c.oneOf(i, "VIEW", "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "SQL", "AGGREGATE", "PACKAGE") && i > start+1 {
			return i
		}
	}
	return i
}

// tableDDL reads the names of tables and routes to where they are or will be.
func (c *compiler) tableDDL(verb string, i int) error {
	d := &c.st.DDL
	d.Verb = verb
	switch {
	case c.words(i, "IF", "NOT", "EXISTS"):
		d.IfExists = true
		i += 3
	case c.words(i, "IF", "EXISTS"):
		d.IfExists = true
		i += 2
	}
	first := i
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
	if isSystemDatabase(n.database) {
		return refuse("system tables are not changed through the proxy")
	}
	switch verb {
	case "create table":
		return c.createTable(n, next)
	case "alter table":
		if err := c.alterTable(n, next); err != nil {
			return err
		}
	case "rename table":
		return c.renameTables(first)
	case "drop table":
		return c.dropTables(first)
	}
	if verb == "truncate table" || verb == "alter table" {
		d.Reload = verb == "alter table"
	}
	return c.routeDDL([]tableName{n})
}

// routeDDL sends a definition to every shard that has one of the tables; what is not known goes to all shards, where the
// servers say what is wrong.
func (c *compiler) routeDDL(names []tableName) error {
	var shards shardSet
	copies := true
	for _, n := range names {
		t, ok := c.schema.Table(n.database, n.name)
		if ok && t.View && !c.schema.there(t).empty() {
			c.st.Tables = append(c.st.Tables, t)
			shards = shards.or(c.schema.there(t))
			continue
		}
		if !ok || len(t.Rule.Shards) == 0 {
			shards = c.schema.allSet
			continue
		}
		c.st.Tables = append(c.st.Tables, t)
		copies = copies && t.Rule.Kind == Global
		shards = shards.or(t.shards())
	}
	c.st.planner = &fixedPlanner{shards: shards, write: true, copies: copies, why: "a definition goes to every shard of its tables"}
	return c.applyHint()
}

func (c *compiler) dropTables(i int) error {
	var names []tableName
	var spans [][2]int
	c.st.DDL.Tables, c.st.DDL.Objects = nil, nil
	for {
		n, next, ok := c.qualified(i)
		if !ok {
			return syntaxError(c.src, c.startOf(i))
		}
		if n.database == "" {
			return errorf(codeNoDatabase, "No database selected")
		}
		c.markDatabase(i)
		c.defines("table", n)
		names = append(names, n)
		spans = append(spans, [2]int{c.startOf(i), c.endOf(next - 1)})
		c.st.DDL.Tables = append(c.st.DDL.Tables, n.name)
		if !c.punct(next, ',') {
			break
		}
		i = next + 1
	}
	if err := c.routeDDL(names); err != nil || c.hint != "" {
		return err
	}
	c.dropWhereTheyAre(names, spans)
	return nil
}

func (c *compiler) renameTables(i int) error {
	var names []tableName
	c.st.DDL.Tables, c.st.DDL.Objects = nil, nil
	for {
		from, next, ok := c.qualified(i)
		if !ok {
			return syntaxError(c.src, c.startOf(i))
		}
		c.markDatabase(i)
		if c.word(next) != "TO" {
			return syntaxError(c.src, c.startOf(next))
		}
		to, after, ok := c.qualified(next + 1)
		if !ok {
			return syntaxError(c.src, c.startOf(next+1))
		}
		c.markDatabase(next + 1)
		if err := c.mayRename(from, to); err != nil {
			return err
		}
		if from.database == "" || to.database == "" {
			return errorf(codeNoDatabase, "No database selected")
		}
		names = append(names, from)
		c.defines("table", from)
		c.defines("table", to)
		c.st.DDL.Tables = append(c.st.DDL.Tables, from.name, to.name)
		if !c.punct(after, ',') {
			break
		}
		i = after + 1
	}
	return c.routeDDL(names)
}

// mayRename refuses names under which the table's rows would be looked for elsewhere.
func (c *compiler) mayRename(from, to tableName) error {
	t, ok := c.schema.Table(from.database, from.name)
	if !ok {
		return nil
	}
	renamed := t.TableInfo
	renamed.Database, renamed.Name = to.database, to.name
	after, err := c.schema.newTable(&renamed)
	if err != nil {
		return refuse("table %s would have no valid rule under the name %s: %v", from.name, to.name, err)
	}
	if !t.placedLike(after) {
		return refuse("table %s would be placed by another rule under the name %s; add a rule for the new name first", from.name, to.name)
	}
	return nil
}

func (c *compiler) indexDDL(verb string, i int) error {
	c.st.DDL.Verb = verb
	on := c.find(i, len(c.toks), "ON")
	if on == len(c.toks) {
		return syntaxError(c.src, len(c.src))
	}
	n, _, ok := c.qualified(on + 1)
	if !ok {
		return syntaxError(c.src, c.startOf(on+1))
	}
	if n.database == "" {
		return errorf(codeNoDatabase, "No database selected")
	}
	c.markDatabase(on + 1)
	c.st.DDL.Database, c.st.DDL.Tables = n.database, []string{n.name}
	c.defines("table", n)
	return c.routeDDL([]tableName{n})
}

// defines notes an object whose definition the statement may change.
func (c *compiler) defines(kind string, n tableName) {
	o := DefinedObject{Kind: kind, Database: n.database, Name: n.name}
	if !slices.Contains(c.st.DDL.Objects, o) {
		c.st.DDL.Objects = append(c.st.DDL.Objects, o)
	}
}

func (c *compiler) databaseDDL(verb string, i int) error {
	d := &c.st.DDL
	d.Verb = verb
	switch {
	case c.words(i, "IF", "NOT", "EXISTS"):
		d.IfExists = true
		i += 3
	case c.words(i, "IF", "EXISTS"):
		d.IfExists = true
		i += 2
	}
	if c.isName(i) && !(verb == "alter database" && c.oneOf(i, "DEFAULT", "CHARACTER", "COLLATE", "CHARSET")) {
		d.Database = c.nameOf(i)
		c.markName(i)
	}
	if d.Database == "" {
		return errorf(codeNoDatabase, "No database selected")
	}
	c.defines("database", tableName{database: d.Database})
	if isSystemDatabase(d.Database) {
		return refuse("system databases are not changed through the proxy")
	}
	c.st.planner = &fixedPlanner{shards: c.schema.allSet, write: true, copies: true, why: "a database is on every shard"}
	return c.applyHint()
}
