package sharding

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// changeBuilder makes the texts of a Change: the query that names the rows, and the statements that change them.
type changeBuilder struct {
	c      *compiler
	b      *block
	p      *changePlanner
	fields []template // what the query selects
	known  map[string]int
}

// newChange begins a Change; the reason says why the statement cannot be one.
func (c *compiler) newChange() (k *changeBuilder, reason string) {
	if len(c.facts.blocks) == 0 {
		return nil, "its tables cannot be told"
	}
	k = &changeBuilder{c: c, b: c.facts.blocks[0], known: make(map[string]int)}
	k.p = &changePlanner{check: c.schema.allSet, sameTime: c.facts.clock}
	if c.facts.assigns {
		return nil, "a user variable that is assigned in a statement would have another value on each shard"
	}
	for _, s := range k.b.sources {
		for _, o := range k.b.sources {
			if s != o && s.alias == o.alias {
				return nil, "two of its tables have the same name " + s.alias
			}
		}
	}
	for _, t := range c.st.Tables {
		k.p.check = k.p.check.and(t.shards())
	}
	k.p.change.Strict = c.env.hasMode("STRICT_TRANS_TABLES") || c.env.hasMode("STRICT_ALL_TABLES")
	return k, ""
}

// field adds a column to the query, unless it has it.
func (k *changeBuilder) field(text string) int {
	if at, ok := k.known[text]; ok {
		return at
	}
	k.known[text] = len(k.fields)
	k.fields = append(k.fields, template{pieces: []piece{{kind: pieceText, text: text}}})
	return len(k.fields) - 1
}

// expression adds the expression of tokens [i, end) to the query.
func (k *changeBuilder) expression(i, end int, after string) int {
	t := template{}
	k.read(&t, "(", i, end)
	t.addText(after + ")")
	k.fields = append(k.fields, t)
	return len(k.fields) - 1
}

// table begins what becomes of a table's rows: how the query names them.
func (k *changeBuilder) table(s *source) (ct *changedTemplate, reason string) {
	t := s.table
	switch {
	case t == nil:
		return nil, "it changes " + s.alias + ", which is not known to be a table"
	case t.View || len(t.PrimaryKey) == 0:
		return nil, "rows of " + t.Name + " on several shards cannot be named: it has no primary key"
	}
	key, reason := t.readColumns(t.PrimaryKey)
	if reason != "" {
		return nil, reason
	}
	qualifier := string(appendName(nil, s.alias)) + "."
	for i := range key {
		key[i].At = k.field(key[i].expression(qualifier))
	}
	k.p.sameTime = k.p.sameTime || t.takesTime(false)
	ct = &changedTemplate{table: ChangedTable{Table: t, Key: key}}
	for _, i := range t.keyColumns { // none where it is not sharded
		if i == notShown {
			return nil, "the shard key of " + t.Name + " is not shown"
		}
		r, ok := readColumn(&t.Columns[i])
		if !ok || r.stamp {
			return nil, "the shard key of " + t.Name + " has a type that is not read"
		}
		r.At = k.field(r.expression(qualifier))
		ct.table.Place = append(ct.table.Place, r)
	}
	return ct, ""
}

// span appends tokens [i, end) with text before them, if there are any.
func (k *changeBuilder) span(t *template, before string, i, end int) {
	if i >= end {
		return
	}
	t.addText(before)
	k.c.appendSpan(t, k.c.startOf(i), k.c.endOf(end-1))
}

// read is span for the query that names the rows. The queries inside a change read rows as they are now, and keep them so,
// which a query inside a SELECT does only where it says so.
func (k *changeBuilder) read(t *template, before string, i, end int) {
	if i >= end {
		return
	}
	c := k.c
	at := c.startOf(i)
	t.addText(before)
	for _, closing := range c.innerQueries(i, end) {
		c.appendSpan(t, at, c.startOf(closing))
		t.addText(" LOCK IN SHARE MODE")
		at = c.startOf(closing)
	}
	c.appendSpan(t, at, c.endOf(end-1))
}

// innerQueries are the tokens that close the queries in parentheses in tokens [i, end), in order. Of unions, whose last part
// alone would be meant, and of queries that say themselves how they read there are none.
func (c *compiler) innerQueries(i, end int) (list []int) {
	for ; i < end; i++ {
		if !c.punct(i, '(') || !c.oneOf(i+1, "SELECT", "WITH") {
			continue
		}
		closing := c.closing(i)
		if closing < end && c.find(i+1, closing, "UNION", "EXCEPT", "INTERSECT", "LOCK", "FOR", "PROCEDURE") == closing {
			list = append(list, closing)
		}
	}
	slices.Sort(list)
	return list
}

// query finishes the query: its rows come from tokens [from, fromEnd), with the clauses of the statement.
func (k *changeBuilder) query(from, fromEnd int, s changeClauses) {
	t := &k.p.read
	t.addText("SELECT ")
	for i := range k.fields {
		if i > 0 {
			t.addText(", ")
		}
		for _, p := range k.fields[i].pieces {
			t.add(p)
		}
	}
	k.read(t, " FROM ", from, fromEnd)
	k.read(t, " ", s.where[0], s.where[1])
	k.read(t, " ", s.order[0], s.order[1])
	k.p.change.Ordered = s.order[1] > 0
	if k.p.limit.kind != operandUnknown {
		t.addText(" LIMIT ")
		t.add(piece{kind: pieceLimit})
	}
	t.addText(" FOR UPDATE")
}

// changeClauses are the token spans of what follows the tables, or the assignments, of UPDATE and DELETE: each from its
// first word on, empty where there is none.
type changeClauses struct {
	end                    int // of what stands before
	where, order, limit    [2]int
	returning              [2]int
	orderHasQuery, isQuery bool
}

func (c *compiler) changeClauses(from int) (s changeClauses) {
	n := len(c.toks)
	words := []string{"WHERE", "ORDER", "LIMIT", "RETURNING"}
	s.end = c.find(from, n, words...)
	for at := s.end; at < n; {
		next := c.find(at+1, n, words...)
		span := [2]int{at, next}
		switch c.word(at) {
		case "WHERE":
			s.where = span
		case "ORDER":
			s.order, s.orderHasQuery = span, c.hasSelect(at, next)
		case "LIMIT":
			s.limit = span
		case "RETURNING":
			s.returning, s.isQuery = span, c.hasSelect(at, next)
		}
		at = next
	}
	return s
}

// hasSelect says whether a query stands in tokens [i, end), at any depth.
func (c *compiler) hasSelect(i, end int) bool {
	for ; i < end; i++ {
		if c.oneOf(i, "SELECT", "WITH") || c.word(i) == "TABLE" && c.punct(i-1, '(') {
			return true
		}
	}
	return false
}

// setLimit reads LIMIT, which has one number here.
func (k *changeBuilder) setLimit(s changeClauses) (reason string) {
	if s.limit[1] == 0 {
		return ""
	}
	at := s.limit[0] + 1
	if s.limit[1] != at+1 {
		return "its LIMIT is not a number"
	}
	switch t := k.c.toks[at]; {
	case t.kind == tokLiteral && t.lit == LitInt:
		k.p.limit = operand{kind: operandLiteral, n: k.c.literalAt(t.start)}
	case t.kind == tokParam:
		k.p.limit = operand{kind: operandParam, n: k.c.paramAt(t.start)}
	default:
		return "its LIMIT is not a number"
	}
	return ""
}

// mention is what an expression names.
type mention struct {
	columns []*ast.ColumnName
	query   bool
	other   bool // a default value, whose column is not looked at
}

func mentions(e ast.ExprNode) *mention {
	m := &mention{}
	e.Accept(m)
	return m
}

// Enter implements ast.Visitor.
func (m *mention) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.ColumnNameExpr:
		m.columns = append(m.columns, n.Name)
	case *ast.SubqueryExpr:
		m.query = true
	case *ast.DefaultExpr:
		m.other = true
	}
	return n, false
}

// Leave implements ast.Visitor.
func (m *mention) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// names says whether the expression names a column of the set (lower case), in whichever table.
func (m *mention) names(set map[string]bool) (string, bool) {
	for _, n := range m.columns {
		if set[strings.ToLower(n.Name.O)] {
			return n.Name.O, true
		}
	}
	return "", false
}

// of says whether all that the expression names is one source's.
func (m *mention) of(b *block, s *source) bool {
	if m.query {
		return false
	}
	for _, n := range m.columns {
		if col, ok := b.resolve(n); !ok || col.source != s {
			return false
		}
	}
	return true
}
