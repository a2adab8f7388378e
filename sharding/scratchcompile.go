package sharding

import (
	"errors"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// scratchCompiler finds out what of which tables a query needs to be answered on the scratch server.
type scratchCompiler struct {
	c       *compiler
	p       *scratchPlanner
	names   map[string]bool // of columns, wherever they are named
	all     map[*Table]bool // tables of which every column may be meant
	whole   map[*Table]bool // tables of which every row is needed
	needs   map[*source]*sourceNeeds
	lock    *ast.SelectStmt // the query whose tables are locked; nil: none
	locking string
	locked  map[*Table]string // how: what follows the loads of the table
	share   bool              // an inner query locks with LOCK IN SHARE MODE
	edges   [][2]column       // a constant goes from the first to the second
	seeds   []seed            // constants of columns
	common  int               // common table expressions around what is visited
	opened  map[*Table]bool   // tables of common table expressions that are read more than once

	reason string // why it cannot be answered there either
}

// orScratch makes a planner that takes a query to the scratch server where first refuses it. refused says why it is
// refused for all values (first is nil then).
func (c *compiler) orScratch(node ast.Node, first planner, refused error) (planner, error) {
	x := &scratchCompiler{
		c: c, p: &scratchPlanner{first: first, allowed: c.schema.allSet, sameTime: c.facts.clock}, names: map[string]bool{},
		all: map[*Table]bool{}, whole: map[*Table]bool{}, needs: map[*source]*sourceNeeds{}, locked: map[*Table]string{}, opened: map[*Table]bool{},
	}
	if refused != nil {
		if !errors.As(refused, &x.p.reason) || x.p.reason.Code != codeNotSupported {
			return nil, refused
		}
	}
	if err := x.compile(node); err != nil {
		return first, err
	}
	if x.reason != "" {
		if first == nil && x.reason == systemToo {
			return nil, x.p.reason
		}
		if first == nil {
			return nil, &Error{Code: codeNotSupported, Message: x.p.reason.Message + "; and not on the scratch server either: " + x.reason}
		}
		return first, nil
	}
	return x.p, nil
}

const systemToo = "it reads the servers' own tables together with others"

// real says whether the source is a table, and not a derived one that stands as a table.
func (s *source) real() bool { return s.table != nil && s.relation == nil }

func (x *scratchCompiler) refuse(reason string) {
	if x.reason == "" {
		x.reason = reason
	}
}

func (x *scratchCompiler) compile(node ast.Node) error {
	f := &x.c.facts
	if f.locksByName {
		x.refuse("it uses named locks")
	}
	if x.c.history {
		x.refuse("it reads the history of a table")
	}
	if err := x.tables(); err != nil {
		return err
	}
	x.locks(node)
	node.Accept(x)
	x.carry()
	for _, t := range x.c.st.Tables {
		if !x.c.readableNames(t) {
			x.refuse("names that are not ASCII need a session in utf8mb4")
		}
		x.p.loads = append(x.p.loads, x.table(t))
	}
	x.order()
	return nil
}

// tables looks every table up.
func (x *scratchCompiler) tables() error {
	c := x.c
	for _, n := range c.facts.names {
		if len(n.PartitionNames) > 0 || n.TableSample != nil || n.AsOf != nil {
			x.refuse("it names partitions, a sample or a moment of a table")
		}
		database := c.databaseOf(n)
		if c.isCTE(n) {
			// Where a CTE and where the table is meant is the server's business: the table is there, with all its rows.
			if t, ok := c.schema.Table(database, n.Name.O); ok {
				c.addTable(t)
				x.all[t], x.whole[t] = true, true
			}
			continue
		}
		if isSystemDatabase(database) {
			x.refuse(systemToo)
			continue
		}
		t := c.lookupTable(n)
		if t == nil {
			return errorf(codeNoTable, "Table '%s.%s' doesn't exist", database, n.Name.O)
		}
		if t.problem != "" && !t.gathered {
			return refuse("table %s: %s", t.Name, t.problem)
		}
		if t.gathered && c.env.NoBackslash && strings.Contains(t.Definition, "\\") {
			x.refuse("the query of the view " + t.Name + " means something else under NO_BACKSLASH_ESCAPES")
		}
		if n.Schema.O != "" {
			c.markQualifier(t)
		}
		c.uses(database)
		c.addTable(t)
	}
	return nil
}

// readableNames says whether the table's names can be written in the session's character set.
func (c *compiler) readableNames(t *Table) bool {
	if c.charset == charsetUTF8 {
		return true
	}
	ascii := isASCII([]byte(t.Database)) && isASCII([]byte(t.Name)) && (!t.gathered || isASCII([]byte(t.Definition)))
	for i := range t.Columns {
		ascii = ascii && isASCII([]byte(t.Columns[i].Name))
	}
	return ascii
}

// locks finds FOR UPDATE and its kin: on the scratch server nobody else's rows are locked, so the loads do it.
func (x *scratchCompiler) locks(node ast.Node) {
	c := x.c
	depth, found := 0, -1
	for i := range c.toks {
		switch {
		case c.punct(i, '('):
			depth++
		case c.punct(i, ')'):
			depth--
		case c.words(i, "FOR", "UPDATE") || c.words(i, "FOR", "SHARE") || c.words(i, "LOCK", "IN", "SHARE", "MODE"):
			if depth > 0 && c.word(i) == "LOCK" {
				x.share = true
				continue
			}
			if found >= 0 || depth > 0 {
				x.refuse("a part of it locks rows")
			}
			found = i
		}
	}
	if found < 0 {
		return
	}
	sel, ok := node.(*ast.SelectStmt)
	if !ok || sel.LockInfo == nil || len(sel.LockInfo.Tables) > 0 {
		x.refuse("a part of it locks rows")
		return
	}
	x.lock = sel
	for i := found; i < len(c.toks) && c.word(i) != "INTO"; i++ {
		x.locking += " " + c.textOf(i)
	}
}

// Enter implements ast.Visitor.
func (x *scratchCompiler) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.SelectStmt:
		if b := x.c.facts.blockOf[n]; b != nil {
			x.block(n, b)
		} else {
			x.refuse("its parts cannot be told apart")
		}
	case *ast.CommonTableExpression:
		x.common++
	case *ast.ColumnName:
		x.names[foldName(n.Name.O)] = true
	case *ast.MatchAgainst:
		x.refuse("full-text search weighs all rows of a table")
	}
	return n, false
}

// Leave implements ast.Visitor.
func (x *scratchCompiler) Leave(n ast.Node) (ast.Node, bool) {
	if _, ok := n.(*ast.CommonTableExpression); ok {
		x.common--
	}
	return n, true
}

// readAgain says whether a common table expression is named more than once: servers may read its tables each time.
func (x *scratchCompiler) readAgain() bool {
	seen := map[string]bool{}
	for _, n := range x.c.facts.names {
		if x.c.isCTE(n) {
			if seen[n.Name.O] {
				return true
			}
			seen[n.Name.O] = true
		}
	}
	return false
}

// block notes what one SELECT says about its own tables.
func (x *scratchCompiler) block(n *ast.SelectStmt, b *block) {
	if n.Fields != nil {
		for _, f := range n.Fields.Fields {
			if f.WildCard == nil {
				continue
			}
			for _, s := range b.sources {
				if w := f.WildCard.Table.O; s.real() && (w == "" || strings.EqualFold(s.alias, w)) {
					x.all[s.table] = true
				}
			}
		}
	}
	for _, s := range b.sources {
		if s.real() {
			x.needs[s] = &sourceNeeds{}
			if x.common > 0 {
				x.opened[s.table] = true
			}
			switch {
			case n == x.lock:
				x.locked[s.table] = x.locking
			case x.share && n.LockInfo != nil && x.locked[s.table] == "" && !s.table.gathered:
				x.locked[s.table] = " LOCK IN SHARE MODE"
			}
		}
	}
	x.push(n, b)
}

// table is what is loaded of a table.
func (x *scratchCompiler) table(t *Table) scratchTable {
	out := scratchTable{table: t, locked: x.locked[t], columns: x.columns(t)}
	if out.locked != "" && t.gathered {
		x.refuse("the rows of the view " + t.Name + " are not those of a table, so they cannot be locked")
	}
	whole := x.whole[t] || x.c.facts.assigns // a condition that assigns sees every row
	for _, b := range x.c.facts.blocks {
		for _, s := range b.sources {
			if s.table != t || !s.real() {
				continue
			}
			out.uses++
			rows := neededRows{where: x.needs[s].where(), follows: x.follows(s)}
			if !slices.ContainsFunc(out.rows, rows.equal) {
				out.rows = append(out.rows, rows)
			}
		}
	}
	out.uses = max(out.uses, 1)
	if x.whole[t] || x.opened[t] && x.readAgain() {
		out.uses++
	}
	if whole || len(out.rows) == 0 {
		out.rows = []neededRows{{}}
	}
	return out
}

// columns are those that the query may look at, and all of the keys among them: the temporary table has the same keys.
func (x *scratchCompiler) columns(t *Table) []int {
	all := x.all[t] || x.c.unseenNames
	need := make([]bool, len(t.Columns))
	for i := range t.Columns {
		if x.names[foldName(t.Columns[i].Name)] {
			need[i] = true
			all = all || t.Columns[i].Generated // it is made of others
		}
	}
	for _, key := range append([][]string{t.PrimaryKey}, t.UniqueKeys...) {
		named := len(key) > 0 && slices.Equal(key, t.PrimaryKey)
		for _, name := range key {
			i, ok := t.column(name)
			named = named || ok && need[i]
		}
		for _, name := range key {
			if i, ok := t.column(name); ok && named {
				need[i] = true
			}
		}
	}
	var list []int
	for i := range t.Columns {
		if (all || need[i]) && !t.Columns[i].Generated {
			list = append(list, i)
		}
	}
	for i := 0; len(list) == 0 && i < len(t.Columns); i++ {
		if !t.Columns[i].Generated {
			list = append(list, i)
		}
	}
	return list
}
