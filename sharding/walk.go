package sharding

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

func isEquality(op opcode.Op) bool { return op == opcode.EQ || op == opcode.NullEQ }
func isAnd(op opcode.Op) bool      { return op == opcode.LogicAnd }

// walker goes once over a whole statement: it makes the blocks, finds the tables, and notes what matters for routing.
type walker struct {
	c     *compiler
	stack []*block
}

// facts is what a walk notes beside blocks and tables.
type facts struct {
	blocks        []*block
	names         []*ast.TableName
	ctes          map[string]bool
	subqueries    bool
	assigns       bool // @x := … in an expression
	locksByName   bool // GET_LOCK …
	nondetermined string
	clock         bool // NOW() and its kin
	windows       bool
}

func (c *compiler) walk(n ast.Node) {
	w := &walker{c: c}
	n.Accept(w)
}

// Enter implements ast.Visitor.
func (w *walker) Enter(n ast.Node) (ast.Node, bool) {
	f := &w.c.facts
	switch n := n.(type) {
	case *ast.SelectStmt:
		b := &block{}
		if len(w.stack) > 0 {
			b.parent = w.stack[len(w.stack)-1]
		}
		w.stack = append(w.stack, b)
		f.blocks = append(f.blocks, b)
		if n.From != nil && n.From.TableRefs != nil {
			w.c.addJoin(b, n.From.TableRefs)
		}
		if n.Where != nil {
			b.where = conjuncts(b.where, n.Where)
		}
	case *ast.UpdateStmt:
		w.topBlock(n.TableRefs, n.Where)
	case *ast.DeleteStmt:
		w.topBlock(n.TableRefs, n.Where)
	case *ast.DeleteTableList:
		return n, true
	case *ast.CommonTableExpression:
		if f.ctes == nil {
			f.ctes = make(map[string]bool)
		}
		f.ctes[n.Name.O] = true
	case *ast.TableName:
		f.names = append(f.names, n)
	case *ast.SubqueryExpr:
		f.subqueries = true
	case *ast.FuncCallExpr:
		w.call(n)
	case *ast.VariableExpr:
		if n.Value != nil {
			f.assigns = true
		}
	case *ast.WindowFuncExpr:
		f.windows = true
	}
	return n, false
}

// Leave implements ast.Visitor.
func (w *walker) Leave(n ast.Node) (ast.Node, bool) {
	switch n.(type) {
	case *ast.SelectStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		w.stack = w.stack[:len(w.stack)-1]
	}
	return n, true
}

func (w *walker) topBlock(refs *ast.TableRefsClause, where ast.ExprNode) {
	b := &block{}
	w.stack = append(w.stack, b)
	w.c.facts.blocks = append(w.c.facts.blocks, b)
	if refs != nil && refs.TableRefs != nil {
		w.c.addJoin(b, refs.TableRefs)
	}
	if where != nil {
		b.where = conjuncts(b.where, where)
	}
}

// Functions whose answer depends on when they run: the same on all shards once `timestamp` is.
var clockFunctions = map[string]bool{
	"now": true, "current_timestamp": true, "curdate": true, "current_date": true, "curtime": true, "current_time": true,
	"localtime": true, "localtimestamp": true, "utc_date": true, "utc_time": true, "utc_timestamp": true, "unix_timestamp": true,
}

// Functions that differ from call to call or from server to server.
var unstableFunctions = map[string]bool{
	"uuid": true, "uuid_short": true, "sys_guid": true, "rand": true, "random_bytes": true, "sysdate": true, "sleep": true, "benchmark": true,
	"get_lock": true, "release_lock": true, "is_free_lock": true, "is_used_lock": true, "release_all_locks": true, "load_file": true,
	"nextval": true, "lastval": true, "setval": true, "master_pos_wait": true,
}

var lockFunctions = map[string]bool{
	"get_lock": true, "release_lock": true, "is_free_lock": true, "is_used_lock": true, "release_all_locks": true,
}

func (w *walker) call(n *ast.FuncCallExpr) {
	f := &w.c.facts
	name := strings.ToLower(n.FnName.O)
	if !slices.Contains(w.c.st.Functions, name) {
		w.c.st.Functions = append(w.c.st.Functions, name)
	}
	switch {
	case lockFunctions[name]:
		f.locksByName = true
		f.nondetermined = name
	case unstableFunctions[name]:
		f.nondetermined = name
	case clockFunctions[name]:
		f.clock = true
	case n.Schema.O != "" && n.Schema.O != "tidb`.(dateliteral" && !strings.Contains(n.FnName.O, "literal"):
		f.nondetermined = name // a stored function
	}
}

// databaseOf is the database that a table's name means.
func (c *compiler) databaseOf(n *ast.TableName) string {
	if n.Schema.O != "" {
		return n.Schema.O
	}
	return c.env.Database
}

func (c *compiler) isCTE(n *ast.TableName) bool { return n.Schema.O == "" && c.facts.ctes[n.Name.O] }

func (c *compiler) lookupTable(n *ast.TableName) *Table {
	if c.isCTE(n) {
		return nil
	}
	t, _ := c.schema.Table(c.databaseOf(n), n.Name.O)
	return t
}
