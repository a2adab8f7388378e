package sharding

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// Which rows of information_schema a statement needs is read off its conditions on the names of databases and tables: a
// server looks these up as well, and reading all tables of all shards for one is slow. What is not understood filters nothing.

// systemRole is what a column of information_schema names.
type systemRole uint8

const (
	roleSchema systemRole = iota + 1
	roleObject
)

func (t *SystemTable) role(column string) systemRole {
	column = strings.ToUpper(column)
	switch {
	case t.anyOfThem:
	case column == t.Schemas[0] || column == "CONSTRAINT_SCHEMA" || column == "EVENT_OBJECT_SCHEMA" || column == "INDEX_SCHEMA":
		return roleSchema
	case t.ofTable && column == t.Object[0]:
		return roleObject
	}
	return 0
}

// systemFilter collects filters for the mentions of a statement.
type systemFilter struct {
	c     *compiler
	p     *systemPlanner
	links []systemLink
}

// systemLink carries a filter from one mention to another one.
type systemLink struct {
	from, to *systemMention
	role     [2]systemRole
}

func (c *compiler) systemFilters(p *systemPlanner) {
	f := &systemFilter{c: c, p: p}
	for _, b := range c.facts.blocks {
		c.bind(b)
		for _, e := range b.where {
			f.condition(b, e, nil)
		}
		for _, j := range b.partial {
			f.condition(b, j.expr, j.inside)
		}
	}
	for range f.links {
		for _, l := range f.links {
			l.carry()
		}
	}
}

func (l systemLink) carry() {
	from, to := l.from.filter(l.role[0]), l.to.filter(l.role[1])
	if len(*from) > 0 && len(*to) == 0 {
		*to = *from
	}
}

func (m *systemMention) filter(r systemRole) *[]operand {
	if r == roleSchema {
		return &m.schemas
	}
	return &m.objects
}

// condition reads one condition. only: of an outer join, it decides on rows of these sources alone.
func (f *systemFilter) condition(b *block, e ast.ExprNode, only []*source) {
	switch e := unwrap(e).(type) {
	case *ast.BinaryOperationExpr:
		if e.Op != opcode.EQ {
			return
		}
		left, lr, ls := f.column(b, e.L)
		right, rr, rs := f.column(b, e.R)
		switch {
		case left != nil && right != nil:
			if only == nil || slices.Contains(only, rs) {
				f.links = append(f.links, systemLink{left, right, [2]systemRole{lr, rr}})
			}
			if only == nil || slices.Contains(only, ls) {
				f.links = append(f.links, systemLink{right, left, [2]systemRole{rr, lr}})
			}
		case left != nil:
			f.set(left, lr, ls, only, []ast.ExprNode{e.R})
		case right != nil:
			f.set(right, rr, rs, only, []ast.ExprNode{e.L})
		}
	case *ast.PatternInExpr:
		if e.Not || e.Sel != nil {
			return
		}
		if m, r, s := f.column(b, e.Expr); m != nil {
			f.set(m, r, s, only, e.List)
		}
	}
}

func (f *systemFilter) set(m *systemMention, r systemRole, s *source, only []*source, values []ast.ExprNode) {
	if only != nil && !slices.Contains(only, s) {
		return
	}
	var list []operand
	for _, v := range values {
		o := f.c.operand(v)
		if o.kind != operandLiteral && o.kind != operandParam && o.kind != operandSlot && o.kind != operandNull {
			return
		}
		list = append(list, o)
	}
	if at := m.filter(r); len(*at) == 0 {
		*at = list
	}
}

// column finds the mention whose database or table a column names.
func (f *systemFilter) column(b *block, e ast.ExprNode) (*systemMention, systemRole, *source) {
	n, ok := unwrap(e).(*ast.ColumnNameExpr)
	if !ok {
		return nil, 0, nil
	}
	var found *source
	if n.Name.Table.O == "" {
		if len(b.sources) != 1 {
			return nil, 0, nil // which one has it is left to the server
		}
		found = b.sources[0]
	} else {
		for _, s := range b.sources {
			if strings.EqualFold(s.alias, n.Name.Table.O) {
				if found != nil {
					return nil, 0, nil
				}
				found = s
			}
		}
	}
	if found == nil || found.derived {
		return nil, 0, nil
	}
	var m *systemMention
	for i := range f.p.mentions {
		if strings.EqualFold(f.p.mentions[i].alias, found.alias) {
			if m != nil {
				return nil, 0, nil // the alias is used twice: which block's this is cannot be told
			}
			m = &f.p.mentions[i]
		}
	}
	if m == nil {
		return nil, 0, nil
	}
	r := m.table.role(n.Name.Name.O)
	if r == 0 {
		return nil, 0, nil
	}
	return m, r, found
}
