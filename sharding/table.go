package sharding

// TableInfo is what the catalog read from the shards about one table.
type TableInfo struct {
	Database, Name string
	Columns        []ColumnInfo
	PrimaryKey     []string
	UniqueKeys     [][]string // without the primary key
	View           bool
	Definition     string   // of a view: its query, with logical names of databases; empty where it may not be seen
	Absent         []string // shards that answered and do not have it
}

// ColumnInfo is a row of information_schema.columns, as far as it matters.
type ColumnInfo struct {
	Name          string
	DataType      string // "bigint", "varchar", … lower case
	ColumnType    string // "bigint(20) unsigned"
	Collation     string // "" unless a string
	CharLength    int    // characters, strings only
	AutoIncrement bool
	Generated     bool
	Invisible     bool // not meant where no columns are named
}

// Table is a table with its rule.
type Table struct {
	TableInfo
	Rule          Rule
	AutoIncrement string // column, or ""

	key       *keyType // of Rule.Key, sharded tables only
	place     *placement
	keyColumn int            // position of Rule.Key in Columns, -1 without
	columns   map[string]int // lower case name → position in Columns
	problem   string         // why statements on the table are refused, or ""
	rows      viewRows       // of a view over a sharded table: what may be changed through it
}

// Rule places a table's rows. Key is the shard-key column ("" unless Sharded).
type Rule struct {
	Kind   RuleKind
	Key    string
	Shards []int // sharded: partition → shard index; global: all; single: one
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

// column finds a column by its name; MySQL compares column names without case.
func (t *Table) column(name string) (int, bool) {
	i, ok := t.columns[foldName(name)]
	return i, ok
}

func (t *Table) isKey(name string) bool {
	return t.Rule.Kind == Sharded && foldName(name) == foldName(t.Rule.Key)
}

// shards is the set of shards that hold rows of the table.
func (t *Table) shards() shardSet {
	var s shardSet
	for _, i := range t.Rule.Shards {
		s.add(i)
	}
	return s
}
