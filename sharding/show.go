package sharding

import (
	"strings"
)

// show reads SHOW, DESCRIBE and EXPLAIN.
func (c *compiler) show() (bool, error) {
	switch c.word(0) {
	case "SHOW":
		c.st.ReadOnly = true
		if c.word(1) == "LOCKSTEP" {
			c.st.Kind = KindLockstep
			if w := c.word(2); w == "OUTCOME" || w == "TRANSACTION" {
				return true, c.showNamed(w, 3)
			}
			c.st.Words = c.rest(2)
			return true, nil
		}
		c.st.Kind = KindShow
		return true, c.showWhat()
	case "DESCRIBE", "DESC", "EXPLAIN":
		return true, c.explain()
	}
	return false, nil
}

// showNamed reads the name in SHOW LOCKSTEP OUTCOME 'token' and SHOW LOCKSTEP TRANSACTION 'gtrid'.
func (c *compiler) showNamed(what string, i int) error {
	c.st.Words = []string{what}
	if i >= len(c.toks) {
		return syntaxError(c.src, len(c.src))
	}
	switch t := c.toks[i]; {
	case c.isString(t):
		v, _ := decodeLiteral(nil, []byte(c.textOf(i)), t.lit, false, c.env.NoBackslash)
		c.st.Name = string(v.B)
	case t.kind == tokParam:
	default:
		return syntaxError(c.src, c.startOf(i))
	}
	return c.end(i + 1)
}

var showPairs = map[string]string{
	"TABLE STATUS": "table status", "CREATE TABLE": "create table", "CREATE VIEW": "create table", "CREATE DATABASE": "create database",
	"CREATE SCHEMA": "create database", "PROCEDURE STATUS": "procedure status", "FUNCTION STATUS": "function status",
	"MASTER STATUS": "master status", "BINLOG STATUS": "master status", "SLAVE STATUS": "replica status", "REPLICA STATUS": "replica status",
	"SLAVES STATUS": "replica status", "REPLICAS STATUS": "replica status", "BINARY LOGS": "binary logs", "MASTER LOGS": "binary logs", "BINLOG EVENTS": "binlog events",
	"RELAYLOG EVENTS": "relaylog events", "SLAVE HOSTS": "replicas", "REPLICA HOSTS": "replicas", "OPEN TABLES": "open tables", "CREATE USER": "create user", "CHARACTER SET": "charset", "STORAGE ENGINES": "engines",
}

var showWords = map[string]string{
	"WARNINGS": "warnings", "ERRORS": "errors", "DATABASES": "databases", "SCHEMAS": "databases", "TABLES": "tables",
	"COLUMNS": "columns", "FIELDS": "columns", "INDEX": "index", "INDEXES": "index", "KEYS": "index", "VARIABLES": "variables",
	"STATUS": "status", "PROCESSLIST": "processlist", "ENGINES": "engines", "COLLATION": "collation", "CHARSET": "charset",
	"ENGINE": "engine status", "REPLICAS": "replicas", "GRANTS": "grants", "PRIVILEGES": "privileges", "PLUGINS": "plugins", "TRIGGERS": "triggers", "EVENTS": "events",
}

func (c *compiler) showWhat() error {
	s := &c.st.Show
	i := 1
	for c.oneOf(i, "FULL", "EXTENDED", "GLOBAL", "SESSION", "LOCAL") {
		s.Full = s.Full || c.word(i) == "FULL"
		s.Global = s.Global || c.word(i) == "GLOBAL"
		i++
	}
	s.What = "other"
	s.Database = c.env.Database
	if c.word(i) == "COUNT" && c.punct(i+1, '(') && c.punct(i+2, '*') && c.punct(i+3, ')') {
		switch c.word(i + 4) {
		case "WARNINGS":
			s.What = "count warnings"
		case "ERRORS":
			s.What = "count errors"
		}
		return c.routeShow()
	}
	if what, ok := showPairs[c.word(i)+" "+c.word(i+1)]; ok {
		s.What = what
		i += 2
	} else if what, ok := showWords[c.word(i)]; ok {
		s.What = what
		i++
	}
	switch s.What {
	case "warnings", "errors":
		if err := c.showLimit(i); err != nil {
			return err
		}
	case "create database":
		i = c.skipIf(i, "IF", "NOT", "EXISTS")
		if !c.isName(i) {
			return syntaxError(c.src, c.startOf(i))
		}
		s.Database = c.nameOf(i)
	case "create table":
		n, _, ok := c.qualified(i)
		if !ok {
			return syntaxError(c.src, c.startOf(i))
		}
		s.Database, s.Table = n.database, n.name
		c.markDatabase(i)
		s.Plain = c.hint == ""
	case "columns", "index":
		if !c.oneOf(i, "FROM", "IN") || !c.isName(i+1) {
			return syntaxError(c.src, c.startOf(i))
		}
		n, next, _ := c.qualified(i + 1)
		c.markDatabase(i + 1)
		s.Database, s.Table = n.database, n.name
		if c.oneOf(next, "FROM", "IN") && c.isName(next+1) {
			s.Database = c.nameOf(next + 1)
			c.markName(next + 1)
			next += 2
		}
		c.showTail(next)
	case "tables", "table status", "triggers", "events":
		if c.oneOf(i, "FROM", "IN") && c.isName(i+1) {
			s.Database = c.nameOf(i + 1)
			c.markName(i + 1)
			i += 2
		}
		c.showTail(i)
		if s.What == "tables" && c.hint == "" && c.showTables(s.Database, s.Full) {
			return nil
		}
	case "grants":
		if c.words(i, "FOR", "CURRENT_USER") {
			i += 2
			if c.punct(i, '(') && c.punct(i+1, ')') {
				i += 2
			}
		}
		s.Plain = i == len(c.toks)
	case "master status", "replica status", "binary logs", "binlog events", "relaylog events", "replicas", "engine status", "open tables":
		s.Plain = c.hint == ""
	default:
		c.showTail(i)
	}
	return c.routeShow()
}

// showTail reads LIKE or WHERE at the end.
func (c *compiler) showTail(i int) {
	s := &c.st.Show
	switch {
	case i == len(c.toks):
	case c.word(i) == "LIKE" && i+2 == len(c.toks) && c.isString(c.toks[i+1]):
		s.Like = c.textOf(i + 1)
	case c.word(i) == "WHERE" && i+1 < len(c.toks):
		s.Where = strings.TrimRight(c.src[c.startOf(i+1):c.endOf(len(c.toks)-1)], " ")
	default:
		return
	}
	s.Plain = c.hint == "" && len(c.params) == 0
}

func (c *compiler) showLimit(i int) error {
	if c.word(i) != "LIMIT" {
		return c.end(i)
	}
	number := func(i int) (uint64, bool) {
		if i >= len(c.toks) || c.toks[i].lit != LitInt {
			return 0, false
		}
		return parseDigits([]byte(c.textOf(i)))
	}
	var ok bool
	if c.st.Show.Limit, ok = number(i + 1); !ok {
		return syntaxError(c.src, c.startOf(i+1))
	}
	if c.punct(i+2, ',') {
		c.st.Show.Offset = c.st.Show.Limit
		if c.st.Show.Limit, ok = number(i + 3); !ok {
			return syntaxError(c.src, c.startOf(i+3))
		}
		return c.end(i + 4)
	}
	if c.word(i+2) == "OFFSET" {
		if c.st.Show.Offset, ok = number(i + 3); !ok {
			return syntaxError(c.src, c.startOf(i+3))
		}
		return c.end(i + 4)
	}
	return c.end(i + 2)
}

// routeShow sends SHOW to a shard that has the table; other forms to the first shard.
func (c *compiler) routeShow() error {
	s := &c.st.Show
	shards := c.firstShard()
	if s.Table != "" {
		if t, ok := c.schema.Table(s.Database, s.Table); ok {
			c.st.Tables = append(c.st.Tables, t)
			set := t.shards()
			if t.View {
				set = c.schema.there(t)
			}
			if !set.empty() {
				shards = shardSet{}
				shards.add(set.first())
			}
		}
	}
	c.st.planner = &fixedPlanner{shards: shards, why: "metadata is the same on every shard that has the table"}
	return c.applyHint()
}

// explain reads DESCRIBE t, EXPLAIN statement and EXPLAIN LOCKSTEP statement.
func (c *compiler) explain() error {
	st := c.st
	st.ReadOnly = true
	i := 1
	kind := KindExplain
	if c.word(i) == "LOCKSTEP" {
		kind = KindExplainLockstep
		i++
		if c.word(i) == "FORMAT" && c.punct(i+1, '=') {
			switch format := strings.ToUpper(strings.Trim(c.textOf(i+2), "'\"`")); format {
			case "JSON":
				st.JSON = true
			case "TRADITIONAL":
			default:
				return errorf(codeUnknownFormat, "Unknown EXPLAIN format name: '%s'", format)
			}
			i += 3
		}
	} else {
		for {
			switch {
			case c.oneOf(i, "EXTENDED", "PARTITIONS"):
				i++
				continue
			case c.word(i) == "ANALYZE":
				i++
				st.ReadOnly = false
				continue
			case c.word(i) == "FORMAT" && c.punct(i+1, '='):
				i += 3
				continue
			}
			break
		}
	}
	if i >= len(c.toks) {
		return syntaxError(c.src, len(c.src))
	}
	if kind == KindExplain && !c.punct(i, '(') && !c.oneOf(i, "SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH", "TABLE", "VALUES") {
		return c.describe(i)
	}
	inner := &compiler{
		schema: c.schema, env: c.env, charset: c.charset, src: strings.Repeat(" ", c.startOf(i)) + c.src[c.startOf(i):],
		toks: c.toks[i:], lits: c.lits, params: c.params, prepared: c.prepared, conditional: c.conditional, hint: c.hint,
	}
	inner.st = &Statement{env: *c.env, charset: c.charset, schema: c.schema, prepared: c.prepared, Params: len(c.params), Verbatim: true,
		own: st.own, ownLits: st.ownLits, start: c.startOf(i)}
	if err := inner.statement(); err != nil {
		return err
	}
	if !inner.st.ReadOnly && kind == KindExplain && (c.word(0) == "ANALYZE" || c.find(1, i, "ANALYZE") < i) {
		return refuse("ANALYZE runs the statement, and it would change the rows of one shard only")
	}
	st.Kind, st.Inner = kind, inner.st
	st.ReadOnly = st.ReadOnly || inner.st.ReadOnly
	st.Tables = inner.st.Tables
	c.edits = inner.edits
	st.slots, st.databases = inner.st.slots, inner.st.databases
	st.planner = explainPlanner{}
	c.st.pinned = nil
	c.pinAll()
	if kind == KindExplainLockstep {
		inner.finish()
	}
	return nil
}

// describe reads DESCRIBE t [column].
func (c *compiler) describe(i int) error {
	n, _, ok := c.qualified(i)
	if !ok {
		return syntaxError(c.src, c.startOf(i))
	}
	c.st.Kind, c.st.ReadOnly = KindShow, true
	c.st.Show = Show{What: "columns", Database: n.database, Table: n.name}
	c.markDatabase(i)
	return c.routeShow()
}

// explainPlanner asks one shard that the inner statement needs.
type explainPlanner struct{}

func (explainPlanner) plan(st *Statement, x *execution) error {
	if st.Inner.planner == nil {
		return refuse("this statement has no plan on the shards")
	}
	if st.Kind == KindExplainLockstep {
		x.st = st.Inner
		return st.Inner.planner.plan(st.Inner, x)
	}
	// The inner plan must not reserve numbers or report ids: it is only asked for its shards.
	reserve, explicit := x.in.Reserve, x.in.Explicit
	in := *x.in
	in.Reserve = func(*Table, int) (uint64, error) { return 1, nil }
	in.Explicit = nil
	outer := x.in
	x.in, x.st = &in, st.Inner
	err := st.Inner.planner.plan(st.Inner, x)
	x.in, x.st = outer, st
	_, _ = reserve, explicit
	if err != nil {
		return err
	}
	p := x.plan
	var shard int
	if len(p.Targets) > 0 {
		shard = p.Targets[0].Shard
	} else { // rows are brought together first: a server that has all tables tells what it would do with its own
		s := st.schema.allSet
		for _, t := range st.Tables {
			s = s.and(t.shards())
		}
		if s.empty() {
			return refuse("EXPLAIN of a statement whose tables are not all on one shard; EXPLAIN LOCKSTEP shows what is done")
		}
		shard = x.anyOf(s)
	}
	p.Scratch, p.Fill, p.Change, p.Evaluate, p.System, p.Returning, p.SameTime = nil, nil, nil, nil, nil, false, false
	p.Targets, p.Merge, p.InsertID, p.Write, p.AnyShard = p.Targets[:0], nil, 0, false, false
	p.Why = "EXPLAIN asks one of the shards that the statement needs"
	return x.target(shard)
}
