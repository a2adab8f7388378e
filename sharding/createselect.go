package sharding

// CreateSelect is CREATE TABLE … SELECT: a definition that a server makes of the query's columns, and rows to fill it with.
// The plan's first target has the text that makes a temporary table of the definition, its second the query without rows.
type CreateSelect struct {
	Database, Name string
	Head           string // CREATE … TABLE, up to the name
	Fill           string // INSERT, INSERT IGNORE, REPLACE
	Query          string
}

// ShapeTable is the name of the temporary table.
const ShapeTable = "lockstep_shape"

// createSelectPlanner plans CREATE TABLE … SELECT.
type createSelectPlanner struct {
	shards shardSet
	shape  template
	none   template // the query without rows
}

func (p *createSelectPlanner) plan(st *Statement, x *execution) error {
	x.plan.Write, x.plan.Why = true, "a server makes the definition of the query's columns; the rows are inserted then"
	shard := x.anyOf(p.shards)
	if err := x.targetText(shard, &p.shape); err != nil {
		return err
	}
	return x.targetText(shard, &p.none)
}

// createSelect compiles CREATE TABLE … SELECT. next is behind the new table's name, from where the query begins.
func (c *compiler) createSelect(n tableName, next, query int) error {
	end := len(c.toks)
	from := query
	for c.punct(from, '(') && c.closing(from) == end-1 {
		from, end = from+1, end-1
	}
	if from >= end {
		return syntaxError(c.src, len(c.src))
	}
	cs := &CreateSelect{Database: n.database, Name: n.name, Fill: "INSERT", Query: c.src[c.startOf(from):c.endOf(end-1)]}
	first := c.nameStart(next)
	cs.Head = c.src[:c.startOf(first)]
	definitionEnd := query
	if c.word(definitionEnd-1) == "AS" {
		definitionEnd--
	}
	switch c.word(definitionEnd - 1) {
	case "IGNORE":
		cs.Fill = "INSERT IGNORE"
		definitionEnd--
	case "REPLACE":
		cs.Fill = "REPLACE"
		definitionEnd--
	}
	if definitionEnd < next {
		return syntaxError(c.src, c.startOf(next))
	}
	p := &createSelectPlanner{shards: c.schema.allSet}
	for _, t := range c.mentioned(query) {
		if t.Database == n.database && t.Name == n.name {
			return refuse("CREATE TABLE … SELECT from a table of the new one's name")
		}
		c.markQualifier(t)
		c.addTable(t)
		if p.shards = p.shards.and(t.shards()); p.shards.empty() {
			return refuse("CREATE TABLE … SELECT from tables that are on different shards; create the table, then INSERT … SELECT")
		}
	}
	c.sortEdits()
	p.shape.addText("CREATE TEMPORARY TABLE ")
	p.shape.add(piece{kind: pieceDatabase, text: n.database})
	p.shape.addText(".`" + ShapeTable + "` ")
	if definitionEnd > next {
		c.appendSpan(&p.shape, c.startOf(next), c.endOf(definitionEnd-1))
	}
	p.shape.addText(" AS ")
	cut := c.withoutRows(from, end)
	for _, t := range []*template{&p.shape, &p.none} {
		c.appendSpan(t, c.startOf(from), c.endOf(cut-1))
		t.addText(" LIMIT 0")
	}
	c.uses(n.database)
	c.st.databases = append(c.st.databases, n.database)
	c.st.CreateSelect, c.st.planner = cs, p
	return nil
}

// nameStart is the first token of the qualified name that ends before a token.
func (c *compiler) nameStart(next int) int {
	if c.punct(next-2, '.') {
		return next - 3
	}
	return next - 1
}

// withoutRows is where a query ends without what chooses or locks its rows at the end.
func (c *compiler) withoutRows(from, end int) int {
	depth := 0
	for i := from; i < end; i++ {
		switch {
		case c.punct(i, '('):
			depth++
		case c.punct(i, ')'):
			depth--
		case depth > 0:
		case c.word(i) == "LIMIT", c.words(i, "FOR", "UPDATE"), c.words(i, "FOR", "SHARE"), c.words(i, "LOCK", "IN"):
			return i
		}
	}
	return end
}

// queryOf is where the query begins that fills a new table, or len(toks). i is behind the table's name.
func (c *compiler) queryOf(i int) int {
	opensQuery := func(i int) bool {
		for c.punct(i, '(') {
			i++
		}
		return c.oneOf(i, "SELECT", "WITH", "VALUES")
	}
	for ; i < len(c.toks); i++ {
		switch {
		case c.word(i) == "SELECT", c.word(i-1) == "AS" && c.oneOf(i, "WITH", "TABLE", "VALUES"):
			return i
		case c.punct(i, '('):
			if opensQuery(i) {
				return i
			}
			i = c.closing(i)
		}
	}
	return len(c.toks)
}
