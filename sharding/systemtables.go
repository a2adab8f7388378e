package sharding

import (
	"strconv"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// SystemTable describes a table of information_schema whose rows no single shard has: the ones that clients see are
// gathered from the shards.
type SystemTable struct {
	Name      string   // upper case
	Schemas   []string // columns that hold the name of a database; the first one is that of the row's object
	Object    []string // columns that, with the database, name the object that a row belongs to
	Row       []string // columns that tell an object's rows from each other
	Sums      []string // numbers that are added up over the shards of a sharded table
	ofTable   bool     // Object is a table's name
	anyOfThem bool     // rows of all databases are few: nothing is filtered
}

// systemTables are the ones that are gathered. All others of information_schema tell of the server that is asked.
var systemTables = makeSystemTables(
	SystemTable{Name: "SCHEMATA", Schemas: []string{"SCHEMA_NAME"}, anyOfThem: true},
	SystemTable{Name: "TABLES", Schemas: []string{"TABLE_SCHEMA"}, Object: []string{"TABLE_NAME"}, ofTable: true,
		Sums: []string{"TABLE_ROWS", "DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE"}},
	SystemTable{Name: "COLUMNS", Schemas: []string{"TABLE_SCHEMA"}, Object: []string{"TABLE_NAME"}, ofTable: true},
	SystemTable{Name: "STATISTICS", Schemas: []string{"TABLE_SCHEMA", "INDEX_SCHEMA"}, Object: []string{"TABLE_NAME"}, ofTable: true,
		Row: []string{"INDEX_NAME", "SEQ_IN_INDEX"}, Sums: []string{"CARDINALITY"}},
	SystemTable{Name: "KEY_COLUMN_USAGE", Schemas: []string{"TABLE_SCHEMA", "CONSTRAINT_SCHEMA", "REFERENCED_TABLE_SCHEMA"}, Object: []string{"TABLE_NAME"}, ofTable: true},
	SystemTable{Name: "TABLE_CONSTRAINTS", Schemas: []string{"TABLE_SCHEMA", "CONSTRAINT_SCHEMA"}, Object: []string{"TABLE_NAME"}, ofTable: true},
	SystemTable{Name: "REFERENTIAL_CONSTRAINTS", Schemas: []string{"CONSTRAINT_SCHEMA", "UNIQUE_CONSTRAINT_SCHEMA"}, Object: []string{"TABLE_NAME"}, ofTable: true},
	SystemTable{Name: "CHECK_CONSTRAINTS", Schemas: []string{"CONSTRAINT_SCHEMA"}, Object: []string{"CONSTRAINT_NAME"}},
	SystemTable{Name: "VIEWS", Schemas: []string{"TABLE_SCHEMA"}, Object: []string{"TABLE_NAME"}, ofTable: true},
	SystemTable{Name: "PARTITIONS", Schemas: []string{"TABLE_SCHEMA"}, Object: []string{"TABLE_NAME"}, ofTable: true,
		Row: []string{"PARTITION_NAME", "SUBPARTITION_NAME"}, Sums: []string{"TABLE_ROWS", "DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE"}},
	SystemTable{Name: "TRIGGERS", Schemas: []string{"TRIGGER_SCHEMA", "EVENT_OBJECT_SCHEMA"}, Object: []string{"EVENT_OBJECT_TABLE"}, ofTable: true},
	SystemTable{Name: "ROUTINES", Schemas: []string{"ROUTINE_SCHEMA"}, Object: []string{"ROUTINE_TYPE", "ROUTINE_NAME"}},
	SystemTable{Name: "PARAMETERS", Schemas: []string{"SPECIFIC_SCHEMA"}, Object: []string{"ROUTINE_TYPE", "SPECIFIC_NAME"}},
	SystemTable{Name: "EVENTS", Schemas: []string{"EVENT_SCHEMA"}, Object: []string{"EVENT_NAME"}},
	SystemTable{Name: "PROCESSLIST", anyOfThem: true},
)

func makeSystemTables(list ...SystemTable) map[string]*SystemTable {
	m := make(map[string]*SystemTable, len(list))
	for i := range list {
		m[list[i].Name] = &list[i]
	}
	return m
}

// OfTable says whether the rows' objects are tables (or views).
func (t *SystemTable) OfTable() bool { return t.ofTable }

// SystemRead is one mention of a gathered table in a statement.
type SystemRead struct {
	Table   *SystemTable
	Stand   string   // name of the table, in the database SystemStands, that stands in for it
	Numbers bool     // numbers that differ from shard to shard may be asked for
	Schemas []string // databases whose rows are enough; nil: all
	Objects []string // tables whose rows are enough; nil: all
}

// SystemStands is the database of the temporary tables that stand in for gathered tables.
const SystemStands = "lockstep"

// systemMention is a SystemRead before its values are known.
type systemMention struct {
	table   *SystemTable
	alias   string
	stand   string
	schemas []operand
	objects []operand
}

// systemPlanner has a statement run on one shard, on tables that stand in for those of information_schema.
type systemPlanner struct {
	home     shardSet
	text     *template // with the stand-ins' names; nil inside EXPLAIN
	numbers  bool
	named    []string // by AS, fields of the outermost SELECT
	mentions []systemMention
}

func (p *systemPlanner) plan(st *Statement, x *execution) error {
	x.plan.Why = "information_schema is gathered from the shards"
	if !x.in.Gather || p.text == nil {
		x.plan.Why = "information_schema of one shard"
		if i := x.in.Prefer; i >= 0 && i < MaxShards && p.home.has(i) {
			return x.target(i)
		}
		return x.target(p.home.first())
	}
	for i := range p.mentions {
		m := &p.mentions[i]
		x.plan.System = append(x.plan.System, SystemRead{Table: m.table, Stand: m.stand, Numbers: p.numbers,
			Schemas: x.names(m.schemas), Objects: x.names(m.objects)})
	}
	x.plan.SystemNamed = p.named
	return x.targetText(x.anyOf(p.home), p.text)
}

// names are the values of a filter; nil where they are not known, or not plain names: nothing is filtered then.
func (x *execution) names(list []operand) []string {
	if len(list) == 0 {
		return nil
	}
	names := make([]string, 0, len(list))
	for i := range list {
		v, ok := x.value(&list[i])
		switch {
		case ok && v.Kind == ValNull:
			continue // equal to no name
		case !ok || v.Kind != ValString && v.Kind != ValBytes || x.st.charset >= charsetRefused && !isASCII(v.B):
			return nil
		}
		name := string(v.B)
		if strings.TrimRight(name, " ") != name {
			return nil
		}
		names = append(names, name)
	}
	return names
}

// systemQuery plans a query on information_schema; false: it reads no gathered table.
func (c *compiler) systemQuery(sel *ast.SelectStmt) (bool, error) {
	gathered, home := 0, c.schema.allSet
	for _, n := range c.facts.names {
		if c.isCTE(n) {
			continue
		}
		if strings.EqualFold(c.databaseOf(n), "information_schema") && systemTables[strings.ToUpper(n.Name.O)] != nil {
			gathered++
		} else {
			home = c.firstShard() // a table that tells of one server
		}
	}
	if gathered == 0 {
		return false, nil
	}
	if c.st.Leaves {
		return true, refuse("user variables and files cannot take what is gathered of information_schema; use SELECT alone")
	}
	p := &systemPlanner{home: home, numbers: c.asksNumbers()}
	c.st.planner = p
	edits := c.systemMentions(p)
	if len(p.mentions) != gathered {
		return true, refuse("which tables of information_schema it means cannot be told from its text; write information_schema.NAME")
	}
	if sel != nil && sel.Fields != nil {
		for _, f := range sel.Fields.Fields {
			p.named = append(p.named, f.AsName.O)
		}
	}
	c.systemFilters(p)
	c.pinAll()
	c.system, c.systemEdits, c.st.Gathers = p, edits, true
	return true, nil
}

// asksNumbers says whether the statement may show what differs from shard to shard.
func (c *compiler) asksNumbers() bool {
	for i := range c.toks {
		if c.punct(i, '*') && !c.punct(i-1, '(') {
			return true
		}
		if !c.isName(i) {
			continue
		}
		switch strings.ToUpper(c.nameOf(i)) {
		case "TABLE_ROWS", "AVG_ROW_LENGTH", "DATA_LENGTH", "MAX_DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE", "AUTO_INCREMENT", "CREATE_TIME", "UPDATE_TIME", "CHECK_TIME", "CARDINALITY":
			return true
		}
	}
	return false
}

// systemMentions finds the mentions in the text, and how to write their stand-ins there.
func (c *compiler) systemMentions(p *systemPlanner) []edit {
	var edits []edit
	current := strings.EqualFold(c.env.Database, "information_schema")
	for i := range c.toks {
		if !c.isName(i) || c.toks[i].afterDot {
			continue
		}
		at, whole := i, i
		switch {
		case strings.EqualFold(c.nameOf(i), "information_schema") && c.punct(i+1, '.') && c.isName(i+2):
			at = i + 2
		case current && (c.oneOf(i-1, "FROM", "JOIN", "STRAIGHT_JOIN") || c.punct(i-1, ',') || c.punct(i-1, '(')) && !c.punct(i+1, '.') && !c.punct(i+1, '('):
		default:
			continue
		}
		t := systemTables[strings.ToUpper(c.nameOf(at))]
		if t == nil {
			continue
		}
		if c.punct(at+1, '.') {
			// A column's qualifier.
			edits = append(edits, edit{start: c.startOf(whole), end: c.startOf(at)})
			continue
		}
		m := systemMention{table: t, alias: c.aliasAt(at + 1), stand: "shown_" + strconv.Itoa(len(p.mentions)+1)}
		text := string(appendName(append(appendName(nil, SystemStands), '.'), m.stand))
		if m.alias == "" {
			m.alias = c.nameOf(at)
			text += string(appendName([]byte(" AS "), m.alias))
		}
		p.mentions = append(p.mentions, m)
		edits = append(edits, edit{start: c.startOf(whole), end: c.endOf(at), with: []piece{{kind: pieceText, text: text}}})
	}
	return edits
}

// aliasAt is the alias of a table whose name ends before token i, or "".
func (c *compiler) aliasAt(i int) string {
	if c.word(i) == "AS" && c.isName(i+1) {
		return c.nameOf(i + 1)
	}
	if !c.isName(i) || c.oneOf(i, "WHERE", "JOIN", "INNER", "LEFT", "RIGHT", "CROSS", "NATURAL", "STRAIGHT_JOIN", "ON", "USING", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION",
		"EXCEPT", "INTERSECT", "FOR", "LOCK", "USE", "FORCE", "IGNORE", "PARTITION", "WINDOW", "PROCEDURE", "INTO", "FETCH", "OFFSET", "SET", "FULL", "MINUS") {
		return ""
	}
	return c.nameOf(i)
}

// SystemTableNamed finds a gathered table by its name in upper case.
func SystemTableNamed(name string) (*SystemTable, bool) {
	t, ok := systemTables[name]
	return t, ok
}
