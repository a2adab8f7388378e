package sharding

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// A value that decides where a row goes, or that has to be the same on several shards, and that is no constant, is worked
// out by a server before the rows are placed: the first plan of such a statement has no targets but an Evaluation. With its
// values (Inputs.Evaluated) the statement is planned again, and they stand in the text in the place of the expressions.

// Evaluation is a query whose one row has the values that a statement needs before it can be planned.
type Evaluation struct {
	Query   []byte        // text for this planner, with logical names
	Columns []*ColumnInfo // that its columns' values are for; an entry is nil where that is not known
	Clock   bool          // it, or the statement, asks for the time
	Strict  bool          // its warnings are the statement's errors
}

// Evaluated is one of those values: for routing, and as a literal.
type Evaluated struct {
	Value Value
	Text  []byte
}

// evaluation is the expressions of a statement that a server works out first.
type evaluation struct {
	exprs   []template
	columns []*ColumnInfo
	clock   bool
	strict  bool
}

// plan asks for the values; false: they are there, or none are needed.
func (m *evaluation) plan(x *execution) (bool, error) {
	if len(m.exprs) == 0 || len(x.in.Evaluated) == len(m.exprs) {
		return false, nil
	}
	query := []byte("SELECT ")
	var err error
	for i := range m.exprs {
		if i > 0 {
			query = append(query, ", "...)
		}
		if query, err = m.exprs[i].render(query, x, logicalNames); err != nil {
			return true, err
		}
	}
	x.plan.Evaluate = &Evaluation{Query: query, Columns: m.columns, Clock: m.clock, Strict: m.strict}
	x.plan.Why = "a server works out the values that are no constants first"
	return true, nil
}

// logicalNames in the place of a shard renders a text with the names that clients use.
const logicalNames = -1

// evaluateSpan has the expression of a token span worked out first.
func (c *compiler) evaluateSpan(m *evaluation, span [2]int, col *ColumnInfo) operand {
	start, end := c.startOf(span[0]), c.endOf(span[1]-1)
	c.sortEdits()
	var expr template
	c.appendSpan(&expr, start, end)
	c.edits = slices.DeleteFunc(c.edits, func(e edit) bool { return e.start >= start && e.end <= end && e.end > e.start })
	o := c.addEvaluated(m, expr, col)
	c.edits = append(c.edits, edit{start: start, end: end, with: []piece{{kind: pieceEvaluated, n: o.n}}})
	return o
}

// addEvaluated adds an expression; the caller puts its value into the text.
func (c *compiler) addEvaluated(m *evaluation, expr template, col *ColumnInfo) operand {
	m.exprs, m.columns = append(m.exprs, expr), append(m.columns, col)
	c.evaluates = true
	return operand{kind: operandEvaluated, n: len(m.exprs) - 1}
}

// rowShape is where things stand in a row: the token spans of its values, the columns that they are for, and the positions of
// the shard key's columns and of the AUTO_INCREMENT column, -1 where absent.
type rowShape struct {
	values  [][2]int
	columns []*ColumnInfo
	keys    []int
	id      int
}

// insertRow reads the values that routing needs of one row, and has those worked out first that are no constants.
func (c *compiler) insertRow(p *insertPlanner, row *insertRow, list []ast.ExprNode, at rowShape) error {
	t := p.table
	for i, e := range list {
		part := slices.Index(at.keys, i)
		routes := part >= 0 || i == at.id
		o := operand{kind: operandUnknown}
		if routes {
			o = c.operand(e)
		}
		if o.kind == operandDefault && part >= 0 && i != at.id {
			if col := &t.Columns[t.keyColumns[part]]; col.Default != "" {
				o = c.evaluateDefault(&p.evaluation, at.values[i], col)
			}
		}
		if o.kind == operandUnknown {
			nature := natureOf(e)
			if routes || nature.subquery || nature.unstable && t.Rule.Kind == Global {
				if err := nature.knownBefore(); err != nil {
					return err
				}
				o = c.evaluateSpan(&p.evaluation, at.values[i], at.columns[i])
			}
		}
		if part >= 0 {
			row.keys[part] = o
		}
		if i == at.id {
			row.id = o
		}
	}
	return nil
}

// knownBefore refuses values that cannot be worked out before the row is placed.
func (n nature) knownBefore() error {
	switch {
	case n.column:
		return refuse("a value that has to be known before the row is placed depends on other columns of the row")
	case n.assigns:
		return refuse("a user variable is assigned in a value that has to be known before the row is placed")
	}
	return nil
}

// evaluateDefault puts the value of a column's default expression in the place of DEFAULT.
func (c *compiler) evaluateDefault(m *evaluation, span [2]int, col *ColumnInfo) operand {
	var t template
	t.addText(col.Default)
	o := c.addEvaluated(m, t, col)
	c.edits = append(c.edits, edit{start: c.startOf(span[0]), end: c.endOf(span[1] - 1), with: []piece{{kind: pieceEvaluated, n: o.n}}})
	return o
}

// evaluateAbsentKeys names the shard key's columns in a statement that leaves them to their defaults, which may be others in each row.
func (c *compiler) evaluateAbsentKeys(p *insertPlanner, parts insertParts, keys []int) {
	t := p.table
	insertAt := func(at int, with ...piece) {
		c.edits = append(c.edits, edit{start: at, end: at, with: with})
	}
	for part, at := range keys {
		if at >= 0 || t.isID(part) || t.keyColumns[part] == notShown || t.Columns[t.keyColumns[part]].Default == "" {
			continue
		}
		col := &t.Columns[t.keyColumns[part]]
		name := string(appendName(nil, col.Name))
		for i := range p.rows {
			var expr template
			expr.addText(col.Default)
			o := c.addEvaluated(&p.evaluation, expr, col)
			p.rows[i].keys[part] = o
			if parts.isSet {
				insertAt(c.endOf(parts.set[1]-1), piece{text: ", " + name + " = "}, piece{kind: pieceEvaluated, n: o.n})
			} else {
				insertAt(c.startOf(parts.rows[i][1]), piece{text: ", "}, piece{kind: pieceEvaluated, n: o.n})
			}
		}
		if !parts.isSet {
			insertAt(c.startOf(parts.listClose), piece{text: ", " + name})
		}
	}
}

// nature is what matters of an expression that is a row's value.
type nature struct {
	subquery bool
	unstable bool // another value each time, or on each server
	column   bool // refers to a column of the row
	assigns  bool
}

// natureOf looks through an expression.
func natureOf(e ast.ExprNode) nature {
	v := &natureVisitor{}
	e.Accept(v)
	return v.nature
}

type natureVisitor struct {
	nature
	depth int
}

// Enter implements ast.Visitor.
func (v *natureVisitor) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.SubqueryExpr:
		v.subquery = true
		v.depth++
	case *ast.ColumnNameExpr:
		v.column = v.column || v.depth == 0
	case *ast.DefaultExpr, *ast.ValuesExpr:
		v.column = true
	case *ast.VariableExpr:
		v.assigns = v.assigns || n.Value != nil
	case *ast.FuncCallExpr:
		name := strings.ToLower(n.FnName.O)
		stored := n.Schema.O != "" && n.Schema.O != "tidb`.(dateliteral" && !strings.Contains(n.FnName.O, "literal")
		v.unstable = v.unstable || unstableFunctions[name] || stored
	}
	return n, false
}

// Leave implements ast.Visitor.
func (v *natureVisitor) Leave(n ast.Node) (ast.Node, bool) {
	if _, ok := n.(*ast.SubqueryExpr); ok {
		v.depth--
	}
	return n, true
}
