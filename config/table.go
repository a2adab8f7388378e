package config

// Schema is a logical database and the tables of it that have a rule of their own.
type Schema struct {
	Name   string  `yaml:"name"`
	Tables []Table `yaml:"tables"`
}

// Table is a table and its rule, written side by side.
type Table struct {
	Name string `yaml:"name"`
	Rule `yaml:",inline"`
}

// Rule says where a table's rows live. After loading, Shards holds every shard
// that may hold rows of the table, in order: as listed, or all of the file's
// (sharded by hash or mod, and global), or those that the ranges or lists name in the
// order of their first mention, or the one shard of a single table.
type Rule struct {
	Kind     string      `yaml:"kind"`      // sharded (default) | global | single
	ShardKey string      `yaml:"shard_key"` // column; in a default rule "primary_key" (its default) means the first column of the table's primary key
	Function string      `yaml:"function"`  // hash (default) | mod | range | list
	Shards   []string    `yaml:"shards"`    // which, in order; default all, in the file's order
	Ranges   []RangePart `yaml:"ranges"`    // range only: ascending
	Lists    []ListPart  `yaml:"lists"`     // list only
	Shard    string      `yaml:"shard"`     // single: where it lives; default the first shard
}

// The values of Rule.Kind.
const (
	Sharded = "sharded"
	Global  = "global"
	Single  = "single"
)

// The values of Rule.Function.
const (
	Hash  = "hash"
	Mod   = "mod"
	Range = "range"
	List  = "list"
)

// PrimaryKey as the shard key of a default rule means the first column of each
// table's primary key.
const PrimaryKey = "primary_key"

// Max as the bound of the last range means that it has no end.
const Max = "max"

// RangePart is one range: it starts where the one before it ends.
type RangePart struct {
	LessThan string `yaml:"less_than"` // exclusive; a whole number (-2⁶³ to 2⁶⁴-1), or "max"
	Shard    string `yaml:"shard"`
}

// ListPart names the shard of some values of the shard key.
type ListPart struct {
	Values []string `yaml:"values"`
	Shard  string   `yaml:"shard"`
}
