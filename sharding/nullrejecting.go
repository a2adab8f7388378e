package sharding

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// rejects says whether WHERE leaves no row in which some sources, the optional side of an outer join, are missing: a
// condition on one of their columns is not true for NULL. The join gives the same rows as an inner one then.
func (b *block) rejects(optional []*source) bool {
	if b.condition == nil {
		return false
	}
	return slices.ContainsFunc(conjuncts(nil, b.condition), func(e ast.ExprNode) bool { return rejectsNull(e, optional) })
}

func rejectsNull(e ast.ExprNode, optional []*source) bool {
	switch e := unwrap(e).(type) {
	case *ast.BinaryOperationExpr:
		switch e.Op {
		case opcode.EQ, opcode.NE, opcode.LT, opcode.LE, opcode.GT, opcode.GE:
			return namesOne(e.L, optional) || namesOne(e.R, optional)
		case opcode.LogicOr:
			return rejectsNull(e.L, optional) && rejectsNull(e.R, optional)
		case opcode.LogicAnd:
			return rejectsNull(e.L, optional) || rejectsNull(e.R, optional)
		}
	case *ast.PatternInExpr:
		return e.Sel == nil && namesOne(e.Expr, optional) // also NOT IN
	case *ast.BetweenExpr:
		return !e.Not && namesOne(e.Expr, optional)
	case *ast.PatternLikeOrIlikeExpr:
		return namesOne(e.Expr, optional)
	case *ast.IsNullExpr:
		return e.Not && namesOne(e.Expr, optional)
	}
	return false
}

// namesOne says whether an expression is a column of one of some sources, named with its table: other names could mean a
// source that is not known yet.
func namesOne(e ast.ExprNode, list []*source) bool {
	n, ok := unwrap(e).(*ast.ColumnNameExpr)
	if !ok || n.Name.Table.O == "" {
		return false
	}
	for _, s := range list {
		if s.alias != n.Name.Table.O || n.Name.Schema.O != "" && n.Name.Schema.O != s.database || s.table == nil {
			continue
		}
		_, found := s.table.column(n.Name.Name.O)
		return found
	}
	return false
}
