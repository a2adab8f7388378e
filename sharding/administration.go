package sharding

// administration reads the remaining words: table maintenance, CALL, LOCK TABLES, and what is refused.
func (c *compiler) administration() (bool, error) {
	st := c.st
	switch c.word(0) {
	case "ANALYZE", "OPTIMIZE", "CHECK", "REPAIR", "CHECKSUM":
		if c.word(0) == "ANALYZE" && c.oneOf(1, "SELECT", "FORMAT", "WITH") {
			return true, c.explain() // MariaDB's EXPLAIN ANALYZE, of queries
		}
		st.Kind = KindAdmin
		i := 1
		for c.oneOf(i, "NO_WRITE_TO_BINLOG", "LOCAL") {
			i++
		}
		if !c.oneOf(i, "TABLE", "TABLES") {
			return true, syntaxError(c.src, c.startOf(i))
		}
		return true, c.maintainTables(i + 1)
	case "FLUSH", "RESET", "PURGE", "CHANGE", "STOP", "INSTALL", "UNINSTALL", "SHUTDOWN", "BINLOG", "CACHE", "BACKUP", "GRANT", "REVOKE":
		st.Kind = KindAdmin
		return true, refuse("%s concerns one server; connect to it directly", c.word(0))
	case "CALL":
		return true, c.call()
	case "PREPARE", "EXECUTE", "DEALLOCATE":
		return true, c.prepareText()
	case "LOAD":
		return true, c.load()
	case "SIGNAL", "RESIGNAL", "HELP":
		st.Kind = KindDo
		c.findSlots(1, len(c.toks))
		c.st.planner = &fixedPlanner{shards: c.schema.allSet, any: true, noTables: true, why: "every server says the same"}
		return true, c.applyHint()
	case "HANDLER", "IMPORT", "GET":
		st.Kind = KindHandler
		st.Opaque = true
		if c.hint != "" {
			return true, c.applyHint()
		}
		return true, refuse("%s", map[string]string{
			"HANDLER": "HANDLER keeps a place in a table on one server connection, and a session has none of its own; use SELECT … ORDER BY … LIMIT",
			"IMPORT":  "IMPORT TABLE reads files of one server; connect to it directly",
			"GET":     "GET DIAGNOSTICS outside routines reads what a server connection remembers of its last statement, and a session has none of its own; use SHOW WARNINGS",
		}[c.word(0)])
	}
	return false, nil
}

// maintainTables goes to the union of the tables' shards: each answers with rows of its own.
func (c *compiler) maintainTables(i int) error {
	var shards shardSet
	for {
		n, next, ok := c.qualified(i)
		if !ok {
			return syntaxError(c.src, c.startOf(i))
		}
		if n.database == "" {
			return errorf(codeNoDatabase, "No database selected")
		}
		c.markDatabase(i)
		t, ok := c.schema.Table(n.database, n.name)
		if !ok {
			shards = shards.or(c.firstShard())
		} else {
			c.st.Tables = append(c.st.Tables, t)
			shards = shards.or(t.shards())
		}
		if !c.punct(next, ',') {
			break
		}
		i = next + 1
	}
	c.st.planner = &fixedPlanner{shards: shards, why: "maintenance goes to every shard of the tables"}
	return c.applyHint()
}

// lockTables reads the names; no shard is asked.
func (c *compiler) lockTables() error {
	for _, part := range c.split(2, len(c.toks)) {
		n, _, ok := c.qualified(part[0])
		if !ok {
			return syntaxError(c.src, c.startOf(part[0]))
		}
		if n.database == "" {
			return errorf(codeNoDatabase, "No database selected")
		}
		if t, ok := c.schema.Table(n.database, n.name); ok {
			c.addTable(t)
		}
	}
	return nil
}
