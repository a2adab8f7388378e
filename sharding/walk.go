package sharding

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

const nullEquality = opcode.NullEQ

func isEquality(op opcode.Op) bool { return op == opcode.EQ || op == nullEquality }
func isAnd(op opcode.Op) bool      { return op == opcode.LogicAnd }

// walker goes once over a whole statement: it makes the blocks, finds the tables, and notes what matters for routing.
type walker struct {
	c     *compiler
	stack []*block                // blocks that are open
	sees  []*block                // and which one's columns a query that begins here sees; nil: none
	query int                     // depth of queries within others
	limit int                     // depth of unions with LIMIT
	locks map[*ast.TableName]bool // names behind FOR UPDATE OF: of sources, not of tables
}

// locking notes the names of a FOR UPDATE OF.
func (w *walker) locking(l *ast.SelectLockInfo) {
	if l == nil {
		return
	}
	for _, n := range l.Tables {
		if w.locks == nil {
			w.locks = make(map[*ast.TableName]bool)
		}
		w.locks[n] = true
	}
}

// facts is what a walk notes beside blocks and tables.
type facts struct {
	blocks        []*block // each before those within it
	blockOf       map[ast.Node]*block
	names         []*ast.TableName
	ctes          map[string]bool
	common        map[string]*ast.CommonTableExpression // nil where two have the name
	exists        map[ast.Node]bool                     // queries of EXISTS
	relations     map[ast.Node]*relation
	subqueries    bool
	assigns       bool // @x := … in an expression
	locksByName   bool // GET_LOCK …
	nondetermined string
	clock         bool // NOW() and its kin
	windows       int  // window functions
}

func (c *compiler) walk(n ast.Node) {
	w := &walker{c: c}
	from := len(c.facts.blocks)
	n.Accept(w)
	for _, b := range c.facts.blocks[from:] {
		c.bind(b)
	}
	for name := range c.facts.common {
		if r := c.commonTable(name); r != nil {
			r.cover() // one that nobody reads too
		}
	}
}

// open begins a block.
func (w *walker) open(n ast.Node, refs *ast.TableRefsClause, where ast.ExprNode) {
	f := &w.c.facts
	b := &block{node: n, first: len(f.blocks), condition: where, outermost: w.query == 0, exists: f.exists[n], limited: w.limit > 0}
	if sel, ok := n.(*ast.SelectStmt); ok && sel.Limit != nil {
		b.limited = true
	}
	if len(w.sees) > 0 {
		b.parent = w.sees[len(w.sees)-1]
	}
	if refs != nil {
		b.refs = refs.TableRefs
	}
	if f.blockOf == nil {
		f.blockOf = make(map[ast.Node]*block)
	}
	f.blocks = append(f.blocks, b)
	f.blockOf[n] = b
	w.stack = append(w.stack, b)
	w.enclose(b)
}

// enclose says that queries from here on are within others, and see b's columns.
func (w *walker) enclose(b *block) {
	w.query++
	w.sees = append(w.sees, b)
}

func (w *walker) disclose() {
	w.query--
	w.sees = w.sees[:len(w.sees)-1]
}

// neighbour says that queries from here on see what the block around them sees, but not its own tables.
func (w *walker) neighbour() {
	var outer *block
	if n := len(w.sees); n > 0 && w.sees[n-1] != nil {
		outer = w.sees[n-1].parent
	}
	w.enclose(outer)
}

// derives says whether a source is a derived table that does not see its neighbours.
func derives(n *ast.TableSource) bool {
	switch n.Source.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		return !n.Lateral
	}
	return false
}

// ownsWith says whether a WITH clause belongs to the innermost block, rather than to a UNION around it.
func (w *walker) ownsWith(n *ast.WithClause) bool {
	if len(w.sees) == 0 || w.sees[len(w.sees)-1] == nil {
		return false
	}
	switch s := w.sees[len(w.sees)-1].node.(type) {
	case *ast.SelectStmt:
		return s.With == n
	case *ast.UpdateStmt:
		return s.With == n
	case *ast.DeleteStmt:
		return s.With == n
	}
	return false
}

// expression notes a common table expression.
func (f *facts) expression(n *ast.CommonTableExpression) {
	if f.ctes == nil {
		f.ctes, f.common = make(map[string]bool), make(map[string]*ast.CommonTableExpression)
	}
	f.common[n.Name.O] = n
	if f.ctes[n.Name.O] {
		f.common[n.Name.O] = nil
	}
	f.ctes[n.Name.O] = true
}

// Enter implements ast.Visitor.
func (w *walker) Enter(n ast.Node) (ast.Node, bool) {
	f := &w.c.facts
	switch n := n.(type) {
	case *ast.SelectStmt:
		w.locking(n.LockInfo)
		w.open(n, n.From, n.Where)
	case *ast.UpdateStmt:
		w.open(n, n.TableRefs, n.Where)
	case *ast.DeleteStmt:
		w.open(n, n.TableRefs, n.Where)
	case *ast.SetOprStmt:
		w.limitUnion(n.Limit, 1)
	case *ast.SetOprSelectList:
		w.limitUnion(n.Limit, 1)
	case *ast.TableSource:
		if derives(n) {
			w.neighbour()
		}
	case *ast.WithClause:
		if w.ownsWith(n) {
			w.neighbour()
		} else {
			w.enclose(w.around())
		}
	case *ast.ExistsSubqueryExpr:
		if sub, ok := unwrap(n.Sel).(*ast.SubqueryExpr); ok {
			if f.exists == nil {
				f.exists = make(map[ast.Node]bool)
			}
			f.exists[sub.Query] = true
		}
	case *ast.DeleteTableList:
		return n, true
	case *ast.CommonTableExpression:
		f.expression(n)
	case *ast.TableName:
		if w.locks[n] {
			break
		}
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
		f.windows++
	}
	return n, false
}

// Leave implements ast.Visitor.
func (w *walker) Leave(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.SelectStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		w.stack[len(w.stack)-1].end = len(w.c.facts.blocks)
		w.stack = w.stack[:len(w.stack)-1]
		w.disclose()
	case *ast.SetOprStmt:
		w.limitUnion(n.Limit, -1)
	case *ast.SetOprSelectList:
		w.limitUnion(n.Limit, -1)
	case *ast.TableSource:
		if derives(n) {
			w.disclose()
		}
	case *ast.WithClause:
		w.disclose()
	}
	return n, true
}

func (w *walker) limitUnion(limit *ast.Limit, step int) {
	if limit != nil {
		w.limit += step
	}
}

// around is the block whose columns a query here would see, nil: none.
func (w *walker) around() *block {
	if n := len(w.sees); n > 0 {
		return w.sees[n-1]
	}
	return nil
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
