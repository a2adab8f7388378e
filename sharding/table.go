package sharding

import (
	"slices"
	"strings"
)

// TableInfo is what the catalog read from the shards about one table.
type TableInfo struct {
	Database, Name string
	Columns        []ColumnInfo
	PrimaryKey     []string
	UniqueKeys     [][]string // without the primary key
	ForeignKeys    []ForeignKey
	Triggers       bool // it has some
	View           bool
	Temporary      bool     // of one session
	Definition     string   // of a view: its query, with logical names of databases; empty where it may not be seen
	Declared       string   // the rule that its comment declares: see declared.go
	Conflict       string   // how it differs between shards so that statements on it would be wrong
	Absent         []string // shards that answered and do not have it
}

// ColumnInfo is a row of information_schema.columns, as far as it matters.
type ColumnInfo struct {
	Name          string
	DataType      string // "bigint", "varchar", … lower case
	ColumnType    string // "bigint(20) unsigned"
	Collation     string // "" unless a string
	CharLength    int    // characters, strings only
	Default       string // its default as an SQL expression; "": none, or NULL
	AutoIncrement bool
	Generated     bool
	OnUpdate      bool // ON UPDATE CURRENT_TIMESTAMP
	Invisible     bool // not meant where no columns are named
}

// Table is a table with its rule.
type Table struct {
	TableInfo
	Rule          Rule
	AutoIncrement string // column, or ""

	keys       []*keyType // of Rule.Keys, sharded tables only
	place      *placement
	keyColumns []int          // positions of the shard key's columns in Columns; notShown in a view that does not show one
	columns    map[string]int // lower case name → position in Columns
	source     string         // of the rule: configuration, comment …
	problem    string         // why statements on the table are refused, or ""
	functions  []string       // of a view: what it calls
	derived    bool           // a derived table or common table expression
	nameless   bool           // one with columns that a server makes up names for
	belongs    shardSet       // of a view: the shards that have all that it reads
	gathered   bool           // a view whose rows shards cannot make: they are made of its query, and brought to one server
	has        shardSet       // of a view: the shards that have it
	rows       viewRows       // of a view over a sharded table: what may be changed through it
}

// Rule places a table's rows.
type Rule struct {
	Kind   RuleKind
	Key    string   // the shard key's columns for people ("" unless Sharded)
	Keys   []string // and one by one
	Group  string   // of tables that are placed alike; "" without
	Shards []int    // sharded: partition → shard index; global: all; single: one
}

// RuleKind says how a table's rows are spread.
type RuleKind uint8

const (
	Sharded RuleKind = iota + 1
	Global           // a copy on every shard
	Single           // on one shard
)

func (r Rule) String() string { return r.Kind.String() }

func (k RuleKind) String() string {
	switch k {
	case Sharded:
		return "sharded"
	case Global:
		return "global"
	case Single:
		return "single"
	}
	return "unplaced"
}

// Problem says why statements on the table are refused; "" when they are not.
func (t *Table) Problem() string { return t.problem }

// takesTime says whether rows that are changed, or inserted, get the time of their server's clock without being asked to:
// what several shards do then must be given one.
func (t *Table) takesTime(inserted bool) bool {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.OnUpdate {
			return true
		}
		if !inserted || c.Default == "" {
			continue
		}
		text := strings.ToLower(c.Default)
		for name := range clockFunctions {
			if strings.Contains(text, name) {
				return true
			}
		}
	}
	return false
}

// column finds a column by its name; MySQL compares column names without case.
func (t *Table) column(name string) (int, bool) {
	i, ok := t.columns[foldName(name)]
	return i, ok
}

// notShown stands for a column that a view or derived table does not have.
const notShown = -1

// isKey says whether a column is the shard key, or part of it.
func (t *Table) isKey(name string) bool { return t.keyPart(name) >= 0 }

// keyPart is the position of a column in the shard key, or -1.
func (t *Table) keyPart(name string) int {
	if t.Rule.Kind != Sharded {
		return -1
	}
	i, ok := t.column(name)
	if !ok {
		return -1
	}
	return slices.Index(t.keyColumns, i)
}

// isID says whether a column of the shard key is the AUTO_INCREMENT column.
func (t *Table) isID(part int) bool {
	return t.AutoIncrement != "" && t.keyColumns[part] != notShown && t.Columns[t.keyColumns[part]].AutoIncrement
}

// several says that the shard key has more than one column.
func (t *Table) several() bool { return len(t.keys) > 1 }

// shards is the set of shards that hold rows of the table.
func (t *Table) shards() shardSet {
	var s shardSet
	for _, i := range t.Rule.Shards {
		s.add(i)
	}
	return s
}

// On are the shards that have the table, or the view.
func (t *Table) On() []int {
	at := t.shards()
	if t.View {
		at = t.has
	}
	var list []int
	for i := at.first(); i >= 0; i = at.next(i + 1) {
		list = append(list, i)
	}
	return list
}
