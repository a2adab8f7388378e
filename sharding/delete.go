package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// delete compiles DELETE.
func (c *compiler) delete() error {
	c.st.Kind = KindDelete
	if err := c.refuseConditional(); err != nil {
		return err
	}
	returning := c.find(0, len(c.toks), "RETURNING")
	var blank [][2]int
	if returning < len(c.toks) {
		blank = append(blank, [2]int{c.startOf(returning), len(c.src)})
	}
	node, err := c.parse(blank...)
	if err != nil {
		return c.unparsed(err)
	}
	n, ok := node.(*ast.DeleteStmt)
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
	b := c.facts.blocks[0]
	var targets []*Table
	for _, s := range c.deleted(n) {
		if s.table != nil {
			targets = append(targets, s.table)
			if reason := c.schema.cascades(s.table, nil); reason != "" {
				return refuse("%s", reason)
			}
		}
	}
	if returning < len(c.toks) {
		p.returning = true
		if c.hasSelect(returning, len(c.toks)) {
			p.one = "RETURNING with a query in it is answered only for rows of one shard"
			if err := c.returnsOthers(returning); err != nil {
				return err
			}
		}
	}
	if err := c.finishWrite(p, targets, n.Limit != nil); err != nil {
		return err
	}
	if p.mayNeedChange(c, len(b.sources)) {
		p.change, p.unchangeable = c.deleteChange(n)
	}
	return nil
}

// returnsOthers refuses a query in RETURNING, which the parser does not see, where it could need rows of other shards.
func (c *compiler) returnsOthers(returning int) error {
	for _, t := range c.mentioned(returning) {
		if t.Rule.Kind != Global {
			return refuse("RETURNING has a query that may read rows of %s on other shards", t.Name)
		}
	}
	return nil
}

// deleted are the sources whose rows are deleted.
func (c *compiler) deleted(n *ast.DeleteStmt) (list []*source) {
	b := c.facts.blocks[0]
	if !n.IsMultiTable || n.Tables == nil {
		return b.sources
	}
	for _, tn := range n.Tables.Tables {
		if tn.Schema.O != "" {
			if t, ok := c.schema.Table(tn.Schema.O, tn.Name.O); ok {
				c.markQualifier(t)
			}
		}
		for _, s := range b.sources {
			if s.alias == tn.Name.O && (tn.Schema.O == "" || s.table != nil && s.table.Database == tn.Schema.O) {
				list = append(list, s)
			}
		}
	}
	return list
}

// deleteChange makes the Change of a DELETE; the reason says why there is none.
func (c *compiler) deleteChange(n *ast.DeleteStmt) (*changePlanner, string) {
	k, reason := c.newChange()
	if reason != "" {
		return nil, reason
	}
	c.sortEdits()
	fromAt := c.find(1, len(c.toks), "FROM")
	if using := c.find(fromAt+1, len(c.toks), "USING"); n.IsMultiTable && !n.BeforeFrom {
		fromAt = using
	}
	s := c.changeClauses(fromAt + 1)
	if reason := k.setLimit(s); reason != "" {
		return nil, reason
	}
	sources := c.deleted(n)
	switch {
	case n.With != nil || fromAt+1 >= s.end || len(sources) == 0:
		return nil, "its tables cannot be told"
	case n.IsMultiTable && len(sources) != len(n.Tables.Tables):
		return nil, "the tables that it deletes from cannot be told"
	case s.orderHasQuery:
		return nil, "its ORDER BY holds a query, by which a shard alone cannot order its rows"
	case s.isQuery:
		return nil, "RETURNING with a query in it is answered only for rows of one shard"
	}
	k.p.change.Ignore = n.IgnoreErr
	for _, src := range sources {
		t, reason := k.table(src)
		if reason != "" {
			return nil, reason
		}
		t.table.Delete = true
		if n.IsMultiTable {
			t.text.addText("DELETE ")
			if n.IgnoreErr {
				t.text.addText("IGNORE ")
			}
			t.text.addText("FROM ")
			t.text.add(piece{kind: pieceDatabase, text: src.table.Database})
			t.text.addText("." + string(appendName(nil, src.table.Name)))
		} else {
			c.appendSpan(&t.text, 0, c.endOf(s.end-1))
			k.span(&t.tail, " ", s.order[0], s.order[1])
			k.span(&t.tail, " ", s.returning[0], s.returning[1])
		}
		k.p.tables = append(k.p.tables, *t)
	}
	k.p.change.Returning = s.returning[1] > 0
	k.p.change.OneByOne = k.p.change.Returning && s.order[1] > 0
	k.query(fromAt+1, s.end, s)
	return k.p, ""
}
