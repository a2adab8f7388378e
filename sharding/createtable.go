package sharding

// createTable decides where a new table goes: by its rule, or by the default rule. Without a primary key a default rule
// by primary key cannot shard; the table is then placed single on the first shard (Schema does the same once it exists).
func (c *compiler) createTable(n tableName, next int) error {
	if c.st.DDL.Temporary {
		return c.temporaryTable(n, next)
	}
	if query := c.queryOf(next); query < len(c.toks) {
		if c.hint == "" {
			return c.createSelect(n, next, query)
		}
		return c.applyHint()
	}
	info := TableInfo{Database: n.database, Name: n.name}
	source, err := c.likeTable(next)
	if err != nil {
		return err
	}
	if source != nil {
		info = source.TableInfo
		info.Database, info.Name = n.database, n.name
	} else {
		c.readDefinition(next, &info)
		if err := c.declares(c.closing(next)+1, &info); err != nil && c.hint == "" {
			return err
		}
	}
	if r, _ := c.schema.ruleFor(n.database, n.name); r == nil && info.Declared == "" {
		if c.hint != "" {
			return c.applyHint()
		}
		return refuse("table %s has no rule and there is no default rule: add one to the configuration, or to its comment (COMMENT 'lockstep: shard_key=…')", n.name)
	}
	shards, err := c.placeNew(&info)
	if err != nil {
		return err
	}
	if c.hint == "" && c.punct(next, '(') && source == nil {
		t, err := c.schema.newTable(&info)
		if err == nil {
			err = c.foreignKeys(t, c.split(next+1, c.closing(next)))
		}
		if err != nil {
			return err
		}
	}
	if source != nil && source.shards().and(shards) != shards {
		return refuse("CREATE TABLE … LIKE %s: that table is not on every shard of the new one", source.Name)
	}
	c.st.planner = &fixedPlanner{shards: shards, write: true, copies: true, why: "a definition goes to every shard that the table's rule names"}
	return c.applyHint()
}

// temporaryTable goes to one shard: the session keeps it there.
func (c *compiler) temporaryTable(n tableName, next int) error {
	c.st.DDL.Reload = false
	if query := c.queryOf(next); query < len(c.toks) && c.hint == "" {
		return c.createSelect(n, next, query)
	}
	shards := c.schema.allSet
	source, err := c.likeTable(next)
	if err != nil {
		return err
	}
	if source != nil {
		shards = source.shards()
	}
	c.st.planner = &fixedPlanner{shards: shards, any: true, why: "a temporary table belongs to one connection"}
	return c.applyHint()
}

// likeTable is the table of LIKE behind the new table's name; nil: it says none.
func (c *compiler) likeTable(i int) (*Table, error) {
	if c.punct(i, '(') && c.word(i+1) == "LIKE" {
		i++
	}
	if c.word(i) != "LIKE" {
		return nil, nil
	}
	source, _, ok := c.qualified(i + 1)
	if !ok {
		return nil, syntaxError(c.src, c.startOf(i+1))
	}
	c.markDatabase(i + 1)
	t, ok := c.schema.Table(source.database, source.name)
	if !ok {
		return nil, errorf(codeNoTable, "Table '%s.%s' doesn't exist", source.database, source.name)
	}
	c.addTable(t)
	return t, nil
}

// placeNew is where a table of this definition goes.
func (c *compiler) placeNew(info *TableInfo) (shardSet, error) {
	t, err := c.schema.newTable(info)
	if err != nil {
		return shardSet{}, refuse("%v", err)
	}
	return t.shards(), nil
}

// readDefinition reads as much of ( … ) as placing needs: columns with their types, and the primary key.
func (c *compiler) readDefinition(i int, info *TableInfo) {
	if !c.punct(i, '(') {
		return
	}
	end := c.closing(i)
	tableCollation := c.tableCollation(end + 1)
	for _, part := range c.split(i+1, end) {
		a, b := part[0], part[1]
		switch c.word(a) {
		case "CONSTRAINT":
			a++
			if c.isName(a) && !c.oneOf(a, "PRIMARY", "UNIQUE", "FOREIGN", "CHECK") {
				a++
			}
			if !c.words(a, "PRIMARY", "KEY") {
				continue
			}
			info.PrimaryKey = c.keyParts(a+2, b)
		case "PRIMARY":
			if c.word(a+1) == "KEY" {
				info.PrimaryKey = c.keyParts(a+2, b)
			}
		case "KEY", "INDEX", "UNIQUE", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "PERIOD", "LIKE":
		default:
			if c.isName(a) {
				c.readColumn(a, b, info, tableCollation)
			}
		}
	}
}

func (c *compiler) keyParts(i, end int) []string {
	for i < end && !c.punct(i, '(') {
		i++
	}
	var names []string
	for _, part := range c.split(i+1, min(c.closing(i), end)) {
		if c.isName(part[0]) {
			names = append(names, c.nameOf(part[0]))
		}
	}
	return names
}
