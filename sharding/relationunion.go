package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// relateUnion is relationOf for UNION, INTERSECT and EXCEPT. Rows that are put one behind the other stay on their shards; rows that are
// compared have to be on one shard where they are equal, so all arms have to show the same key in the same columns.
func (c *compiler) relateUnion(list *ast.SetOprSelectList) *relation {
	var arms []*relation
	compared := false
	for i, n := range list.Selects {
		var arm *relation
		var by *ast.SetOprType
		switch n := n.(type) {
		case *ast.SelectStmt:
			arm, by = c.relationOf(n), n.AfterSetOperator
		case *ast.SetOprSelectList:
			by = n.AfterSetOperator
			if n.Limit == nil {
				arm = c.relateUnion(n)
			}
		}
		if arm == nil || i > 0 && by == nil {
			return nil
		}
		compared = compared || i > 0 && *by != ast.UnionAll
		arms = append(arms, arm)
	}
	if len(arms) == 0 {
		return nil
	}
	return unite(arms, compared)
}

func unite(arms []*relation, compared bool) *relation {
	first := arms[0].table
	t := &Table{TableInfo: TableInfo{Columns: slices.Clone(first.Columns)}, derived: true, Rule: first.Rule, keys: first.keys, place: first.place,
		keyColumns: slices.Clone(first.keyColumns)}
	rel := &relation{table: t, where: arms[0].where, pins: arms[0].pins, tree: slices.Clone(arms[0].tree)}
	for _, arm := range arms[1:] {
		o := arm.table
		rel.tree = append(rel.tree, arm.tree...)
		if len(o.Columns) != len(t.Columns) || (o.Rule.Kind == Sharded) != (t.Rule.Kind == Sharded) {
			return nil
		}
		for i := range t.Columns {
			if shownAs(&t.Columns[i], "") != shownAs(&o.Columns[i], "") || t.Columns[i].DataType == computedValue {
				t.Columns[i] = ColumnInfo{Name: t.Columns[i].Name}
			}
		}
		if o.Rule.Kind == Single {
			t.Rule.Kind = Single
		}
		if t.Rule.Kind != Sharded {
			continue
		}
		if !t.placedAlike(o) {
			return nil
		}
		t.keys = widest(t.keys, o.keys)
		for part, at := range o.keyColumns {
			if t.keyColumns[part] != at {
				t.keyColumns[part] = notShown
			}
		}
		rel.where = []*predicate{or(allOf(rel.where), allOf(arm.where))}
		rel.pins = eitherPins(rel.pins, arm.pins)
	}
	if t.Rule.Kind == Sharded && compared && slices.Contains(t.keyColumns, notShown) {
		return nil
	}
	for part, at := range t.keyColumns {
		if at != notShown && t.Columns[at].DataType == "" {
			t.keyColumns[part] = notShown // of another type than the arms'
		}
	}
	t.nameColumns()
	return rel
}

// allOf joins predicates with AND.
func allOf(list []*predicate) *predicate {
	all := everything
	for _, p := range list {
		all = and(all, p)
	}
	return all
}
