package sharding

import (
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// scatterUnion plans UNION, INTERSECT and EXCEPT whose rows on each shard are a part of the answer: of arms that are put one
// behind the other, or that show the shard key, so that rows that are equal are on one shard. Each shard runs all of it.
func (c *compiler) scatterUnion(n *ast.SetOprStmt, p *selectPlanner) {
	r := p.routing
	rel := c.relateUnion(n.SelectList)
	if rel == nil || rel.table.Rule.Kind != Sharded || c.facts.assigns || c.st.Locking || c.st.CalcFoundRows {
		r.setObstacle("UNION, INTERSECT and EXCEPT over several shards cannot be merged")
		return
	}
	u := &unionScatterer{c: c, n: n, columns: rel.table.Columns, merge: Merge{Limit: NoLimit}}
	if reason := u.build(p); reason != "" {
		r.setObstacle(reason)
		return
	}
	// The union is like one sharded table.
	r.groups = []group{{tables: []*Table{rel.table}, keys: rel.table.keys, place: rel.table.place, where: rel.where, pins: rel.pins}}
	r.main, r.obstacle = 0, ""
}

// unionScatterer makes the text and the merge of a union over several shards.
type unionScatterer struct {
	c       *compiler
	n       *ast.SetOprStmt
	columns []ColumnInfo
	merge   Merge
}

func (u *unionScatterer) build(p *selectPlanner) string {
	if u.n.OrderBy == nil && u.n.Limit == nil {
		return "" // rows of one shard behind those of the other
	}
	c := u.c
	last := 0
	for i := c.find(0, len(c.toks), "UNION", "EXCEPT", "INTERSECT"); i < len(c.toks); i = c.find(i+1, len(c.toks), "UNION", "EXCEPT", "INTERSECT") {
		last = i
	}
	if u.n.OrderBy != nil {
		if reason := u.order(); reason != "" {
			return reason
		}
	}
	m := u.merge
	m.Visible = len(u.columns)
	t := &template{}
	at := 0
	if u.n.Limit != nil {
		from := c.find(last, len(c.toks), "LIMIT")
		end := c.find(from+1, len(c.toks), "FOR", "LOCK", "INTO", "PROCEDURE")
		if from == len(c.toks) || end != len(c.toks) {
			return "the LIMIT of a UNION cannot be told apart"
		}
		limit, ok := c.limitValues(from, end)
		if !ok {
			return "the LIMIT of a UNION cannot be told apart"
		}
		limit.push, m.Limited = true, true
		p.limit = limit
		c.appendSpan(t, 0, c.endOf(from-1))
		t.addText(" LIMIT ")
		t.add(piece{kind: pieceLimit})
		at = c.endOf(end - 1)
	}
	c.appendSpan(t, at, len(c.src))
	p.parts, p.merge = t, &m
	return ""
}

// order reads ORDER BY, which names the columns of the union. Each compares by its value; those that servers compare otherwise have their own
// type in the union, which the arms do not tell.
func (u *unionScatterer) order() string {
	for _, item := range u.n.OrderBy.Items {
		at := -1
		switch e := unwrap(item.Expr).(type) {
		case *ast.PositionExpr:
			at = e.N - 1
		case *ast.ColumnNameExpr:
			for i := range u.columns {
				if e.Name.Table.O == "" && u.columns[i].Name != "" && foldName(u.columns[i].Name) == foldName(e.Name.Name.O) {
					if at >= 0 {
						return "ORDER BY of a UNION names two columns"
					}
					at = i
				}
			}
		}
		if at < 0 || at >= len(u.columns) {
			return "ORDER BY of a UNION that computes"
		}
		info := &u.columns[at]
		if info.DataType == "" || info.DataType == computedValue || columnComparison(info) != compareValue || info.DataType == "bit" {
			return "ORDER BY of a UNION by a column of text, or of more than one type"
		}
		u.merge.OrderBy = append(u.merge.OrderBy, SortKey{Key: Key{Column: at, Weight: -1}, Desc: item.Desc})
	}
	u.merge.Sorted = true
	return ""
}
