package sharding

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
	Group         bool // rows equal in all GroupKeys are one group (no keys: one group in all)
	GroupKeys     []Key
	Aggregates    []Aggregate // of grouped rows; visible columns that are neither keys nor aggregates take any row's value
	Offset, Limit uint64
	FoundRows     bool // SQL_CALC_FOUND_ROWS
}

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
}

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
)
