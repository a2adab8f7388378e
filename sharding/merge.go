package sharding

import "strconv"

// NoLimit stands for no LIMIT.
const NoLimit = ^uint64(0)

// Merge makes one result of several shards' results. All shards' results have the same columns: first the Visible
// ones that the client sees, then hidden ones (sort keys, weights, parts of aggregates).
type Merge struct {
	Visible       int
	OrderBy       []SortKey // also the order of each shard's rows when Sorted
	Sorted        bool      // each shard's rows come in OrderBy's order: k-way merge; otherwise rows are collected and sorted
	Distinct      bool      // rows equal in all DistinctKeys are one
	DistinctKeys  []Key
	Arrival       []SortKey // the order of each shard's rows, where it is not OrderBy's: that of the groups; nil: none
	Group         bool      // rows equal in all GroupKeys are one group (no keys: one group in all)
	GroupKeys     []Key
	Aggregates    []Aggregate // of grouped rows; visible columns that are neither keys nor aggregates take any row's value
	Compute       *Compute    // what a server computes of each group's row; nil: nothing
	Late          *Compute    // the same of the rows that a LIMIT lets through only, as servers do with what nothing is ordered by
	Offset, Limit uint64
	Limited       bool // the statement has a LIMIT
	FoundRows     bool // SQL_CALC_FOUND_ROWS
}

// FirstSuffice says whether a limit on each shard's rows leaves the first rows of the answer among them.
func (m *Merge) FirstSuffice() bool { return !m.Group && !m.FoundRows }

// Key is a column compared for equality. Weight is the hidden column that holds its weight, or -1: compare by the column's type.
// PadSpace: weights of unequal length are compared as if padded with the weight of a space (the collation's PAD attribute).
//
// Plans made here never set PadSpace. The weight of text in PAD SPACE collations is WEIGHT_STRING(CONCAT(RTRIM(x), ' ')),
// so that equal texts have equal weights on every shard (DISTINCT and LIMIT can be left to the shards), and characters that
// sort before a space do so in the weights too; in NO PAD collations it is WEIGHT_STRING(x). Weights compare byte by byte.
type Key struct {
	Column, Weight int
	PadSpace       bool
}

type SortKey struct {
	Key
	Desc bool
}

// Aggregate merges partial aggregates into the visible column Column.
type Aggregate struct {
	Column     int
	Func       AggFunc
	Sum, Count int // AVG: hidden columns with SUM(x) and COUNT(x)
	Weight     int // MIN/MAX of strings: hidden weight column, or -1
	PadSpace   bool
	Distinct   []Key // AggCountDistinct, AggSumDistinct: rows of a group that are equal in these are one, with NULL in any none

	byText bool // MIN/MAX that does not compare as ORDER BY does
}

// Compute is what no shard can compute of its part of a group: expressions over aggregates and HAVING. A server is asked for it once
// the groups are whole, with a query over rows that the merger writes: the columns of Inputs, each named by InputName.
//
// The shards' results have a column for each of Outputs all the same, which is NULL in every row: it tells the type.
type Compute struct {
	Inputs  []Input
	Outputs []Output
	Exprs   []byte // the expressions of Outputs, with commas between them
	Having  []byte // the condition of groups that are part of the answer; nil: all are
}

// Input is a column that expressions use, once merged.
type Input struct {
	Column    int
	Collation string // of a column of text
}

// Output is a column that takes an expression's value. NotNull is the column whose definition says whether it can be NULL, or -1.
type Output struct{ Column, NotNull int }

// InputName is what the expressions call a column.
func InputName(column int) string { return "lockstep_c" + strconv.Itoa(column) }

type AggFunc uint8

const (
	AggCount AggFunc = iota + 1 // sum of counts
	AggSum
	AggMin
	AggMax
	AggAvg
	AggBitAnd
	AggBitOr
	AggBitXor
	AggCountDistinct // number of different values of the columns in Distinct
	AggSumDistinct   // sum of the different values of its own column
)
