package sharding

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// A view has no rows of its own, so no rule says where they are: it is where its tables are. Over tables with copies on
// all shards it is like one of those, over tables of one shard it is on that shard. Over sharded tables each shard shows
// the part of the view that its own rows make. Where those parts together are the view (no row of it is made of rows of
// several shards), the view is like a sharded table, by the same key where it shows that. Everywhere else a shard would
// answer with too few rows, or with several groups for one: there the view's query is run over all shards, and its rows
// are brought to one server for the statement (scratch.go).

// viewRows says what may be done to the rows of a view over a sharded table.
type viewRows uint8

const (
	rowsOwn        viewRows = iota // not a view over a sharded table
	rowsChangeable                 // of one sharded table alone
	rowsShown                      // of a join: shards would change copies of other tables each for itself
)

// addViews places views after the tables, and each after the views that it reads.
func (s *Schema) addViews(views []*Table) (problems []error) {
	waiting := make(map[tableName]*Table, len(views))
	for _, v := range views {
		waiting[tableName{v.Database, v.Name}] = v
	}
	for _, v := range views { // in the catalog's order, so that problems are told in one
		problems = s.addView(v, waiting, problems)
	}
	return problems
}

func (s *Schema) addView(v *Table, waiting map[tableName]*Table, problems []error) []error {
	name := tableName{v.Database, v.Name}
	if waiting[name] == nil {
		return problems
	}
	delete(waiting, name) // a view that reads itself finds nothing
	c, err := s.viewCompiler(v.Database, v.Definition)
	if err == nil {
		for _, read := range c.namesRead() {
			if w := waiting[read]; w != nil {
				problems = s.addView(w, waiting, problems)
			}
		}
		err = s.placeView(v)
	}
	if err != nil {
		v.problem, v.Rule = err.Error(), Rule{}
		if !v.gathered {
			problems = append(problems, fmt.Errorf("view %s.%s: %w", v.Database, v.Name, err))
		}
	}
	v.has = s.there(v)
	s.addDatabase(v.Database)
	s.tables[name] = v
	return problems
}

// viewCompiler reads a view's query.
func (s *Schema) viewCompiler(database, query string) (*compiler, error) {
	if query == "" {
		return nil, fmt.Errorf("its definition cannot be seen by the user of the shards (privilege SHOW VIEW), so what it reads is not known")
	}
	env := &Env{Database: database, Charset: "utf8mb4"}
	c := &compiler{schema: s, env: env, charset: classifyCharset(env.Charset), src: query}
	if err := c.tokenize([]byte(query)); err != nil {
		return nil, err
	}
	c.st = &Statement{env: *env, charset: c.charset, schema: s}
	return c, nil
}

// namesRead is every name of a table that may be meant in the text.
func (c *compiler) namesRead() []tableName {
	var out []tableName
	for i := range c.toks {
		switch {
		case !c.isName(i):
		case c.toks[i].afterDot:
			if i >= 2 && c.isName(i-2) {
				out = append(out, tableName{c.nameOf(i - 2), c.nameOf(i)})
			}
		default:
			out = append(out, tableName{c.env.Database, c.nameOf(i)})
		}
	}
	return out
}

// placeView finds where a view's rows are. The tables that it reads are in the schema.
func (s *Schema) placeView(v *Table) error {
	if v.Conflict != "" {
		return fmt.Errorf("%s; lockstep schema check shows what differs", v.Conflict)
	}
	c, err := s.viewCompiler(v.Database, v.Definition)
	if err != nil {
		return err
	}
	if err := c.query(); err != nil {
		return fmt.Errorf("what it reads cannot be told (%w)", err)
	}
	chosen := c.st.planner
	if p, ok := chosen.(*scratchPlanner); ok {
		if chosen = p.first; chosen == nil {
			c.gather(v)
			return fmt.Errorf("what it reads cannot be told (%w)", p.reason)
		}
	}
	var shards shardSet
	switch p := chosen.(type) {
	case *fixedPlanner:
		shards = p.shards
		v.Rule.Kind = Global
		for _, t := range c.st.Tables {
			if t.Rule.Kind != Global {
				v.Rule.Kind = Single
			}
		}
		if len(c.st.Tables) == 0 && !p.noTables {
			v.Rule.Kind = Single
		}
	case *selectPlanner:
		if name, unknown := c.unknownTable(); unknown {
			return fmt.Errorf("it reads %s.%s, which is not there", name.database, name.name)
		}
		shards = p.routing.allowed
		switch {
		case len(p.routing.groups) > 0:
			if shards, err = c.placeSharded(v, p); err != nil {
				c.gather(v)
				return err
			}
		case p.routing.globalOnly:
			v.Rule.Kind = Global
			if c.facts.nondetermined != "" || c.facts.clock {
				v.rows = rowsShown // each copy could choose other rows
			}
		default:
			v.Rule.Kind = Single
		}
	default:
		return fmt.Errorf("what it reads cannot be told")
	}
	v.functions = c.st.Functions
	return s.placeWhereItIs(v, shards)
}

// unknownTable is a table that the view reads and that is on no shard.
func (c *compiler) unknownTable() (tableName, bool) {
	for _, n := range c.facts.names {
		name := tableName{c.databaseOf(n), n.Name.O}
		if _, known := c.schema.tables[name]; !known && !c.isCTE(n) && !isSystemDatabase(name.database) {
			return name, true
		}
	}
	return tableName{}, false
}

// gather has a view's rows brought to one server, made of its query, where they are needed.
func (c *compiler) gather(v *Table) {
	at := c.schema.allSet
	for _, t := range c.st.Tables {
		if t.View {
			at = at.and(t.belongs)
		} else {
			at = at.and(t.shards())
		}
	}
	v.belongs, v.source = at, fromTables
	v.gathered = !c.schema.there(v).empty() && c.facts.nondetermined == ""
	v.functions = c.st.Functions
}

// Gathered says whether the view's rows are made on one server, of rows of several shards.
func (t *Table) Gathered() bool { return t.gathered }

// rowSource is what a query that reads the table's rows has behind FROM.
func (t *Table) rowSource() string {
	name := string(appendName(nil, t.Name))
	if t.gathered {
		return "(" + t.Definition + ") AS " + name
	}
	return string(appendName(nil, t.Database)) + "." + name
}

// placeWhereItIs compares where a view should be with where it is.
func (s *Schema) placeWhereItIs(v *Table, shards shardSet) error {
	v.belongs, v.source = shards, fromTables
	there := shards.and(s.there(v))
	switch {
	case there.empty():
		return fmt.Errorf("it is on no shard that has what it reads")
	case v.Rule.Kind == Sharded:
		if there != shards {
			return fmt.Errorf("it is not on every shard of its tables; create it again")
		}
		return nil
	case v.Rule.Kind == Single:
		v.Rule.Shards = []int{there.first()}
		return nil
	}
	for i := there.first(); i >= 0; i = there.next(i + 1) {
		v.Rule.Shards = append(v.Rule.Shards, i)
	}
	return nil
}

// placeSharded makes a view over sharded tables a sharded one where each of its rows is made on one shard.
func (c *compiler) placeSharded(v *Table, p *selectPlanner) (shardSet, error) {
	r := p.routing
	if r.main < 0 && r.obstacle == "" {
		return shardSet{}, fmt.Errorf("it reads a sharded table in a subquery only")
	}
	if r.obstacle != "" {
		return shardSet{}, fmt.Errorf("its rows are made of rows of several shards: %s", r.obstacle)
	}
	if !p.concatenates() {
		return shardSet{}, fmt.Errorf("it groups, sorts, counts or limits rows of several shards")
	}
	main := &r.groups[r.main]
	base := main.tables[0]
	shards := base.shards()
	if shards.and(r.allowed) != shards {
		return shardSet{}, fmt.Errorf("its tables are not all on the same shards")
	}
	v.keys, v.place = base.keys, base.place
	v.Rule = Rule{Kind: Sharded, Shards: base.place.shards}
	v.rows = rowsShown
	shown, once := c.keyColumns(main.block, main)
	if len(c.st.Tables) == 1 && len(c.facts.names) == 1 && once && base.rows != rowsShown {
		v.rows = rowsChangeable // a key shown twice could be changed under its second name
	}
	v.keyColumns = shown
	for i, at := range shown {
		if at < 0 || at >= len(v.Columns) {
			v.keyColumns[i] = notShown
			continue
		}
		v.Rule.Keys = append(v.Rule.Keys, v.Columns[at].Name)
	}
	v.Rule.Key = strings.Join(v.Rule.Keys, ", ")
	if len(v.Rule.Keys) < len(shown) {
		v.Rule.Keys, v.Rule.Key = nil, "" // a part of the key places nothing
	}
	return shards, nil
}

// keyColumns is which column of the view is which column of the group's shard key, notShown where none is. once says that
// no table's key column is shown twice.
func (c *compiler) keyColumns(b *block, g *group) (shown []int, once bool) {
	shown, once = slices.Repeat([]int{notShown}, len(g.keys)), true
	node, err := c.parse()
	sel, ok := node.(*ast.SelectStmt)
	if err != nil || !ok || sel.Fields == nil {
		return shown, true
	}
	seen := make(map[column]bool)
	for i, f := range sel.Fields.Fields {
		if f.WildCard != nil {
			return slices.Repeat([]int{notShown}, len(g.keys)), false // servers write out the columns
		}
		n, ok := unwrap(f.Expr).(*ast.ColumnNameExpr)
		if !ok {
			continue
		}
		col, ok := b.resolve(n.Name)
		if !ok || col.source.table == nil {
			continue
		}
		if slices.Contains(col.source.table.keyColumns, col.index) {
			once = once && !seen[col]
			seen[col] = true
		}
		if part := g.keyPart(b.classes, col); part >= 0 && !col.source.optional && shown[part] == notShown {
			shown[part] = i
		}
	}
	return shown, once
}

// concatenates says whether the rows of several shards, one behind the other, are the answer.
func (p *selectPlanner) concatenates() bool {
	return p.parts == nil && p.merge == nil && p.limit == nil
}

// mayChange refuses writes through views that would not do on several shards what they do on one.
func (c *compiler) mayChange(t *Table, inserts bool) error {
	switch {
	case !t.View || c.hint != "":
	case t.gathered:
		return refuse("rows are not changed through the view %s: %s", t.Name, t.problem)
	case inserts && t.Rule.Kind != Single:
		return refuse("rows are not inserted through the view %s, whose table is on several shards; insert into the table", t.Name)
	case t.rows == rowsShown:
		return refuse("rows are not changed through the view %s: each shard could change others; change its table", t.Name)
	}
	return nil
}

// viewShards is where a view of this query goes: every shard that has all that it reads.
func (c *compiler) viewShards(from int) (shardSet, error) {
	shards := c.schema.allSet
	for _, t := range c.mentioned(from) {
		c.markQualifier(t)
		if t.problem != "" && t.View {
			continue // a shard says what is wrong with it
		}
		if shards = shards.and(t.shards()); shards.empty() {
			return shards, refuse("the view would read tables of different shards, and %s is not where the others are", t.Name)
		}
	}
	return shards, nil
}

// there is every shard that has the view, as far as is known.
func (s *Schema) there(v *Table) shardSet {
	set := s.allSet
	for _, name := range v.Absent {
		if i, ok := s.index[name]; ok {
			set = set.without(i)
		}
	}
	return set
}

// isReplaced refuses CREATE OR REPLACE VIEW where the old view would be left on some shards.
func (c *compiler) isReplaced(n tableName, shards shardSet) error {
	t, ok := c.schema.Table(n.database, n.name)
	if !ok || !t.View || strings.HasPrefix(c.st.DDL.Verb, "drop") {
		return nil
	}
	if old := c.schema.there(t); old.and(shards) != old {
		return refuse("the view %s is on shards that do not have what it would read; drop it first", t.Name)
	}
	return nil
}
