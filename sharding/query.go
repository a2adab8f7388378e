package sharding

import (
	"errors"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// refuseConditional refuses comments that only some servers run in statements that are routed by what they say.
func (c *compiler) refuseConditional() error {
	if !c.conditional {
		return nil
	}
	return refuse("a comment of the form /*!57000 … */ or /*M! … */ is code for some servers only, so what the statement means is not certain")
}

// query compiles SELECT, TABLE, VALUES and WITH.
func (c *compiler) query() error {
	st := c.st
	st.Kind, st.ReadOnly, st.Select, st.MaxTime = KindSelect, true, true, c.maxTime
	if err := c.refuseConditional(); err != nil {
		return err
	}
	into, hasInto := c.selectInto()
	st.Leaves = hasInto
	node, err := c.parse(into...)
	if err != nil {
		node, err = c.parseBeyond(err, into...)
	}
	if err != nil {
		return c.unparsed(err)
	}
	c.findSlots(0, len(c.toks))
	sel, plain := node.(*ast.SelectStmt)
	switch n := node.(type) {
	case *ast.SelectStmt:
		st.CalcFoundRows = n.SelectStmtOpts != nil && n.SelectStmtOpts.CalcFoundRows
		hasInto = hasInto || n.SelectIntoOpt != nil
	case *ast.SetOprStmt:
	default:
		return c.unparsed(refuse("this form of query is not read"))
	}
	c.walk(node)
	st.Leaves = hasInto || c.facts.assigns
	r, refused := c.route()
	if refused != nil && c.hint != "" {
		return refused
	}
	st.Locking = c.locks(node)
	clauses, clausesOK := c.clauses()
	if clausesOK && plain && len(st.slots) > 0 && sel.Fields != nil && len(clauses.fields) == len(sel.Fields.Fields) {
		c.nameFields(clauses.fields, func(i int) bool {
			f := sel.Fields.Fields[i]
			return f.AsName.O != "" || f.WildCard != nil
		})
	}
	if plain {
		c.pinPositions(sel, clauses)
	} else {
		c.pinAll()
	}
	if c.hint != "" {
		return c.applyHint()
	}
	if refused != nil {
		if hasInto && len(into) == 0 {
			return refused // a file, on whichever server
		}
		st.planner, err = c.orScratch(node, nil, refused)
		return err
	}
	if done, err := c.systemQuery(sel); done {
		return err
	}
	if len(c.facts.names) == 0 {
		return c.withoutTables()
	}
	if c.facts.assigns && !r.globalOnly {
		r.obstacle = "a user variable that is assigned in a query would have another value on each shard"
	}
	p := &selectPlanner{routing: r, sameTime: c.facts.clock}
	st.planner = p
	if err := c.scatterOrNot(node, clauses, p, hasInto, clausesOK); err != nil {
		return err
	}
	if hasInto && len(into) == 0 || r.always(c.schema) {
		return nil
	}
	st.planner, err = c.orScratch(node, p, nil)
	return err
}

// scatterOrNot says how several shards answer a query together, or sets the routing's obstacle.
func (c *compiler) scatterOrNot(node ast.StmtNode, clauses clauses, p *selectPlanner, hasInto, clausesOK bool) error {
	r := p.routing
	sel, plain := node.(*ast.SelectStmt)
	if c.history && len(c.facts.names) > 1 {
		c.beyond = "the history of several tables over several shards needs their rows on one server"
	}
	switch {
	case c.beyond != "":
		r.setObstacle(c.beyond)
	case hasInto:
		r.setObstacle("SELECT … INTO needs its rows from one shard")
	case !plain:
		c.scatterUnion(node.(*ast.SetOprStmt), p) //nolint:forcetypeassert // there is no other
	case c.facts.assigns:
		r.setObstacle("a user variable that is assigned in a query would have another value on each shard")
	case !clausesOK:
		r.setObstacle("a query in parentheses over several shards cannot be merged")
	case r.main >= 0 && r.obstacle == "":
		return c.scatter(sel, clauses, p)
	}
	return nil
}

// always says whether the statement can run in one of the present ways, whatever its values.
func (r *routing) always(s *Schema) bool {
	return r.obstacle == "" && len(r.groups) <= 1 && r.allowed == s.allSet || len(r.groups) == 0 && !r.allowed.empty()
}

func (r *routing) setObstacle(reason string) {
	if r.obstacle == "" {
		r.obstacle = reason
	}
}

// withoutTables is a query that any server answers.
func (c *compiler) withoutTables() error {
	c.st.Kind = KindDo
	p := &fixedPlanner{shards: c.schema.allSet, any: true, noTables: true, why: "no table is read"}
	if c.facts.locksByName {
		p.shards, p.noTables, p.why = c.firstShard(), false, "named locks are those of the first shard"
	}
	c.st.planner = p
	return nil
}

// do compiles DO.
func (c *compiler) do() error {
	c.st.Kind, c.st.ReadOnly = KindDo, true
	node, err := c.parse()
	if err != nil {
		return c.unparsed(err)
	}
	c.findSlots(1, len(c.toks))
	c.walk(node)
	if c.hint != "" {
		return c.applyHint()
	}
	if len(c.facts.names) > 0 {
		r, refused := c.route()
		if refused != nil {
			c.st.planner, err = c.orScratch(node, nil, refused)
			return err
		}
		r.setObstacle("DO needs its rows from one shard")
		c.st.planner, err = c.orScratch(node, &selectPlanner{routing: r, sameTime: c.facts.clock}, nil)
		return err
	}
	return c.withoutTables()
}

// locks says whether a query locks rows.
func (c *compiler) locks(n ast.Node) bool {
	if sel, ok := n.(*ast.SelectStmt); ok && sel.LockInfo != nil && sel.LockInfo.LockType != ast.SelectLockNone {
		return true
	}
	for i := range c.toks {
		if c.words(i, "FOR", "UPDATE") || c.words(i, "FOR", "SHARE") || c.words(i, "LOCK", "IN", "SHARE", "MODE") {
			return true
		}
	}
	return false
}

// selectInto finds INTO @x, @y, which the parser does not read.
func (c *compiler) selectInto() (blank [][2]int, found bool) {
	i := c.find(0, len(c.toks), "INTO")
	if i == len(c.toks) {
		return nil, false
	}
	j := i + 1
	for j < len(c.toks) && c.toks[j].kind == tokVar {
		j++
		if !c.punct(j, ',') {
			return [][2]int{{c.startOf(i), c.endOf(j - 1)}}, true
		}
		j++
	}
	return nil, true
}

// unparsed handles statements that the parser cannot read: where only one shard can be meant, its server judges the
// text; otherwise the answer is a syntax error, or a refusal for syntax that some server knows.
func (c *compiler) unparsed(cause error) error {
	c.pinAll()
	c.findSlots(0, len(c.toks))
	c.st.Opaque, c.st.Unknown = true, true
	if c.hint != "" {
		return c.applyHint()
	}
	shards, global := c.schema.allSet, true
	for _, t := range c.mentioned(0) {
		if t.Rule.Kind == Sharded || t.problem != "" {
			return c.notRead(t, cause)
		}
		c.markQualifier(t)
		c.addTable(t)
		shards = shards.and(t.shards())
		global = global && t.Rule.Kind == Global
	}
	if shards.empty() {
		return refuse("its tables are on different shards: %s", c.placesOfTables())
	}
	p := &fixedPlanner{shards: shards, any: true, write: !c.st.ReadOnly, why: "the only tables that it names are there"}
	if len(c.st.Tables) == 0 {
		p.shards = c.firstShard()
	}
	if !c.st.ReadOnly && global {
		p.any, p.copies = false, true
	}
	c.st.planner = p
	return nil
}

// notRead is the error for a statement on a sharded table that the parser cannot read. A server that knows the table is asked first
// what it thinks of the statement.
func (c *compiler) notRead(t *Table, cause error) error {
	var e *Error
	word := c.foreignSyntax()
	switch {
	case word != "":
		e = refuse("%s is not read here for the sharded table %s; the hint /*+ shard(name) */ sends the statement to one shard", word, t.Name)
	case errors.As(cause, &e) && e.Code == codeSyntax:
		_, near, _ := strings.Cut(e.Message, "near ")
		e = refuse("which rows of the sharded table %s it means is not read from this syntax, near %s; the hint /*+ shard(name) */ sends the statement to one shard", t.Name, near)
	default:
		return cause
	}
	e.Judge = true
	return e
}

// foreignSyntax names syntax that servers know and the parser does not.
func (c *compiler) foreignSyntax() string {
	for i := range c.toks {
		if c.oneOf(i, "RETURNING", "JSON_TABLE", "OUTFILE", "DUMPFILE", "SYSTEM_TIME", "SKIP", "NOWAIT", "WAIT", "PORTION", "MATERIALIZED", "FETCH", "PROCEDURE", "EXAMINED") {
			return strings.ToUpper(c.textOf(i))
		}
	}
	return ""
}
