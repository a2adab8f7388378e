package config

import "strings"

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
	ShardKey Key         `yaml:"shard_key"` // a column, or a list of them; in a default rule "primary_key" (its default) means the first column of the table's primary key
	Group    string      `yaml:"group"`     // tables of a group have one function on the same shards and keys of the same types
	Function string      `yaml:"function"`  // hash (default) | mod | range | list | year | month | day
	Shards   []string    `yaml:"shards"`    // which, in order; default all, in the file's order
	Ranges   []RangePart `yaml:"ranges"`    // range only: ascending
	Lists    []ListPart  `yaml:"lists"`     // list only
	Shard    string      `yaml:"shard"`     // single: where it lives; default the first shard
}

// Key is the columns of a shard key. In the file one column needs no list.
type Key []string

func (k Key) String() string { return strings.Join(k, ", ") }

// Is says whether the key is this one word.
func (k Key) Is(word string) bool { return len(k) == 1 && k[0] == word }

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
	Year  = "year"
	Month = "month"
	Day   = "day"
)

// Functions are the values of Rule.Function.
var Functions = []string{Hash, Mod, Range, List, Year, Month, Day}

// PrimaryKey as the shard key of a default rule means the first column of each
// table's primary key.
const PrimaryKey = "primary_key"

// Max as the bound of the last range means that it has no end.
const Max = "max"

// RangePart is one range: it starts where the one before it ends.
type RangePart struct {
	LessThan string `yaml:"less_than"` // exclusive; a whole number (-2⁶³ to 2⁶⁴-1), a date, a date and time, text (by the shard key's type), or "max"
	Shard    string `yaml:"shard"`
}

// ListPart names the shard of some values of the shard key.
type ListPart struct {
	Values []string `yaml:"values"`
	Shard  string   `yaml:"shard"`
}
