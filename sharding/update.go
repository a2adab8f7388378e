package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// update compiles UPDATE.
func (c *compiler) update() error {
	c.st.Kind = KindUpdate
	if err := c.refuseConditional(); err != nil {
		return err
	}
	node, err := c.parse()
	if err != nil {
		return c.unparsed(err)
	}
	n, ok := node.(*ast.UpdateStmt)
	if !ok {
		return c.unparsed(syntaxError(c.src, 0))
	}
	c.findSlots(0, len(c.toks))
	c.walk(n)
	if c.hint != "" {
		return c.applyHint()
	}
	p, err := c.routeWrite()
	if err != nil {
		return err
	}
	var targets []*Table
	b := c.facts.blocks[0]
	set := make(map[*Table]map[string]bool)
	for _, a := range n.List {
		t, known := b.assigned(a.Column)
		if !known || t == nil {
			continue
		}
		if set[t] == nil {
			set[t] = make(map[string]bool)
			targets = append(targets, t)
		}
		set[t][foldName(a.Column.Name.O)] = true
		if !t.isKey(a.Column.Name.O) || isKeyItself(b, a.Column, a.Expr) {
			continue
		}
		p.moves = append(p.moves, keyAssignment{table: t, value: c.operand(a.Expr)})
	}
	if len(p.moves) > 0 {
		p.one = "it changes the shard key " + p.moves[0].table.Rule.Key + " of rows on several shards"
	}
	for t, columns := range set {
		if reason := c.schema.cascades(t, columns); reason != "" {
			return refuse("%s", reason)
		}
	}
	if err := c.finishWrite(p, targets, n.Limit != nil); err != nil {
		return err
	}
	if p.mayNeedChange(c, len(b.sources)) {
		p.change, p.unchangeable = c.updateChange(n, len(p.moves) > 0)
	}
	return nil
}

// assigned is the table whose column is set. Where the name leaves it open, every table counts.
func (b *block) assigned(n *ast.ColumnName) (*Table, bool) {
	if col, ok := b.resolve(n); ok {
		return col.source.table, true
	}
	for _, s := range b.sources {
		if s.table != nil && s.table.isKey(n.Name.O) {
			return s.table, true
		}
	}
	return nil, false
}

// isKeyItself reads SET k = k.
func isKeyItself(b *block, assigned *ast.ColumnName, e ast.ExprNode) bool {
	n, ok := unwrap(e).(*ast.ColumnNameExpr)
	if !ok {
		return false
	}
	to, known := b.resolve(assigned)
	from, ok := b.resolve(n.Name)
	return ok && known && from == to
}

// updateSpan is an assignment with the tokens of its right side.
type updateSpan struct {
	*ast.Assignment
	left, right [2]int
}

// updateChange makes the Change of an UPDATE; the reason says why there is none.
func (c *compiler) updateChange(n *ast.UpdateStmt, moves bool) (*changePlanner, string) {
	k, reason := c.newChange()
	if reason != "" {
		return nil, reason
	}
	c.sortEdits()
	from := 1
	for c.oneOf(from, "LOW_PRIORITY", "IGNORE") {
		from++
	}
	setAt := c.find(from, len(c.toks), "SET")
	s := c.changeClauses(setAt + 1)
	parts := c.split(setAt+1, s.end)
	if len(parts) != len(n.List) || n.With != nil {
		return nil, "its assignments cannot be told apart"
	}
	if reason := k.setLimit(s); reason != "" {
		return nil, reason
	}
	k.p.change.Ignore = n.IgnoreErr
	u := &updateBuilder{changeBuilder: k, n: n, single: len(k.b.sources) == 1, clauses: s, head: [2]int{0, setAt}}
	for i, a := range n.List {
		at := parts[i][0]
		for at < parts[i][1] && !c.punct(at, '=') {
			at++
		}
		name := at
		if c.punct(at-1, ':') { // SET a := 1
			name--
		}
		if at+1 >= parts[i][1] {
			return nil, "its assignments cannot be told apart"
		}
		if reason := u.assign(updateSpan{a, [2]int{parts[i][0], name}, [2]int{at + 1, parts[i][1]}}); reason != "" {
			return nil, reason
		}
	}
	for i := range u.tables {
		if reason := u.finish(&u.tables[i], moves); reason != "" {
			return nil, reason
		}
		k.p.tables = append(k.p.tables, *u.tables[i].to)
	}
	k.query(from, setAt, s)
	return k.p, ""
}
