// CONTRACT (temporary file): the sharding owner moves each into its own file.

package sharding

import (
	"errors"

	"lockstep/config"
)

var errContract = errors.New("not implemented")

// ---- what is known of the tables ----

// TableInfo is what the catalog read from the shards about one table.
type TableInfo struct {
	Database, Name string
	Columns        []ColumnInfo
	PrimaryKey     []string
	UniqueKeys     [][]string // without the primary key
	View           bool
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
}

// Schema is an immutable snapshot of every table with its rule. Versions differ.
type Schema struct{}

// NewSchema joins the configuration's rules with the tables that exist. Tables without a rule take cfg.DefaultRule, or
// none: statements on them are refused with the reason. A rule that does not fit its table (no such column …) is an
// entry of problems, and the table is refused likewise.
func NewSchema(cfg *config.Config, tables []TableInfo) (s *Schema, problems []error) { return nil, nil }

func (s *Schema) Version() uint64                            { return 0 }
func (s *Schema) Shards() []string                           { return nil } // names, in the file's order; a shard index below is a position here
func (s *Schema) Table(database, name string) (*Table, bool) { return nil, false }
func (s *Schema) Databases() []string                        { return nil }

// Table is a table with its rule.
type Table struct {
	TableInfo
	Rule          Rule
	AutoIncrement string // column, or ""
}

// Rule places a table's rows. Key is the shard-key column ("" unless Sharded).
type Rule struct {
	Kind   RuleKind
	Key    string
	Shards []int // sharded: partition → shard index; global: all; single: one
}

type RuleKind uint8

const (
	Sharded RuleKind = iota + 1
	Global           // a copy on every shard
	Single           // on one shard
)

// ---- parsing, once per statement text ----

// Env is what the meaning of a text depends on beside the schema.
type Env struct {
	Database      string
	AnsiQuotes    bool // sql_mode
	NoBackslash   bool
	PipesAsConcat bool
	IgnoreSpace   bool
	SQLMode       string // whole, for the parser and the cache key
	Charset       string // character_set_client
}

// Planner parses and caches. Safe for concurrent use. The schema is swapped after DDL.
type Planner struct{}

type Limits struct {
	Plans int // cached statements; 0 means 4096
}

func NewPlanner(s *Schema, l Limits) *Planner { return nil }
func (p *Planner) SetSchema(s *Schema)        {}
func (p *Planner) Schema() *Schema            { return nil }

// Split cuts a COM_QUERY text into its statements (at ';' outside quotes and comments;
// respects BEGIN…END bodies of procedures as far as CREATE PROCEDURE/TRIGGER/FUNCTION/EVENT goes).
func Split(env Env, sql []byte) [][]byte { return nil }

// Parse returns the statement's analysis and, for a text statement, its literals in order.
// The plan cache is keyed by the text with literals lifted out, env and schema version; a hit costs no parse. lits is appended to and
// returned; the literals alias sql. Errors are *Error with MySQL's code (1064 …).
func (p *Planner) Parse(env *Env, sql []byte, lits []Literal) (*Statement, []Literal, error) {
	return nil, nil, errContract
}

// ParsePrepared is Parse for COM_STMT_PREPARE: '?' are parameters, literals stay constants.
func (p *Planner) ParsePrepared(env *Env, sql []byte) (*Statement, error) { return nil, errContract }

// Literal is a span of the text that was lifted out.
type Literal struct {
	Start, End int
	Kind       LiteralKind
}

type LiteralKind uint8

const (
	LitInt LiteralKind = iota + 1 // unsigned digits
	LitDecimal
	LitFloat
	LitString // quoted
	LitHex
	LitBit
)

// Error carries the code a client must see.
type Error struct {
	Code    uint16 // 1064 syntax, 1146 no table, 1046 no database, 1235 not supported (Message names what and why), …
	Message string
}

func (e *Error) Error() string { return e.Message }

// Kind of a statement.
type Kind uint8

const (
	KindSelect Kind = iota + 1 // SELECT, TABLE, VALUES, WITH … SELECT
	KindInsert                 // INSERT, REPLACE
	KindUpdate
	KindDelete
	KindDDL   // sent to the table's shards, or all; implicit commit; the catalog is read again afterwards
	KindBegin // BEGIN, START TRANSACTION
	KindCommit
	KindRollback
	KindSavepoint
	KindRollbackTo
	KindRelease
	KindSet // SET of variables, SET NAMES, SET CHARACTER SET, SET TRANSACTION
	KindUse
	KindShow    // SHOW …, DESCRIBE: see Show
	KindExplain // EXPLAIN <statement>: sent to one shard that the inner statement needs
	KindExplainLockstep
	KindLockstep // SHOW LOCKSTEP …: Words holds the rest in upper case words
	KindKill
	KindLockTables
	KindUnlockTables
	KindCall
	KindDo          // DO expr, and SELECT without tables
	KindAdmin       // ANALYZE/OPTIMIZE/CHECK/REPAIR TABLE, FLUSH, …: to the table's shards
	KindXA          // refused by the proxy
	KindPrepareText // PREPARE/EXECUTE/DEALLOCATE as text: refused or served by the proxy
	KindHandler     // and other things that are refused; see Reason
	KindEmpty       // only comments
)

// Statement is the analysis of one text: immutable, shared, cached.
type Statement struct {
	Kind         Kind
	ReadOnly     bool // cannot change data (locking reads are ReadOnly with Locking set)
	Locking      bool // FOR UPDATE, LOCK IN SHARE MODE
	Verbatim     bool // whenever one shard is the target, the received bytes are forwarded unchanged
	Params       int  // '?' in the text
	Tables       []*Table
	SessionSlots bool // uses LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), CONNECTION_ID(), USER(), DATABASE() …: Inputs.Session is needed
	Words        []string

	Begin               BeginOptions // KindBegin
	Chain, ReleaseAfter bool         // COMMIT/ROLLBACK AND CHAIN / RELEASE
	Name                string       // savepoint, database of USE, …
	Set                 []Assignment // KindSet
	Show                Show         // KindShow
	Kill                KillTarget   // KindKill
	Inner               *Statement   // KindExplain, KindExplainLockstep
	DDL                 DDLInfo      // KindDDL
	UpdateReplace       bool         // REPLACE
	// unexported: routing program, templates, merge
}

type BeginOptions struct{ ReadOnly, ReadWrite, Snapshot bool }

// Assignment of a SET statement. Value is the right side's text ("" with Default).
type Assignment struct {
	Scope     Scope
	Name      string // lower case; user variables without '@'; "names" with Value=charset and Collation; "character set"; "transaction isolation", "transaction access" for SET TRANSACTION
	Value     string
	Collation string
	Default   bool
	Constant  bool // Value is a plain literal or bare word (ON, utf8mb4): no server needed to know it
}

type Scope uint8

const (
	ScopeSession Scope = iota + 1
	ScopeGlobal
	ScopeUser
	ScopeNext // SET TRANSACTION without SESSION/GLOBAL
)

type Show struct {
	What          string // "warnings", "errors", "count warnings", "databases", "tables", "table status", "columns", "index", "create table", "create database", "variables", "status", "processlist", "engines", "collation", "charset", "grants", "privileges", "plugins", "triggers", "procedure status", "function status", "events", "master status", "other"
	Database      string
	Table         string
	Full          bool
	Limit, Offset uint64 // of SHOW WARNINGS; Limit 0 = none
}

type KillTarget struct {
	ID    uint64
	Query bool // KILL QUERY; otherwise the connection
}

type DDLInfo struct {
	Verb      string // "create table", "drop table", "create database", "truncate table", "rename table", "create index", "create view", …
	Database  string
	Tables    []string
	IfExists  bool
	Temporary bool
	Reload    bool // the catalog must be read again
}

// ---- planning, each time the statement runs ----

// Value is a constant or a bound parameter for routing.
type Value struct {
	Kind ValueKind
	I    int64
	U    uint64
	B    []byte // strings, decimals as text, dates as text
}

type ValueKind uint8

const (
	ValNull ValueKind = iota
	ValInt
	ValUint
	ValFloat   // text in B
	ValDecimal // text in B
	ValString
	ValBytes    // binary strings
	ValTemporal // text in B
)

// Session gives the values of session functions.
type Session struct {
	LastInsertID         uint64
	RowCount             int64
	FoundRows            uint64
	ConnectionID         uint32
	User, Host, Database string
	LockstepGTRID        string                           // @@lockstep_gtrid
	SystemVariables      func(name string) (string, bool) // values of the proxy's own variables (lockstep_*), as SQL literal
}

// Inputs of one execution. All memory is the caller's.
type Inputs struct {
	SQL              []byte                                  // text as received
	Literals         []Literal                               // of Parse
	Params           []Value                                 // prepared statements
	AppendParam      func(dst []byte, i int) ([]byte, error) // parameter as SQL literal, for rewritten texts
	Session          *Session
	Reserve          func(t *Table, n int) (first uint64, err error) // n consecutive AUTO_INCREMENT ids
	Explicit         func(t *Table, highest uint64) error            // the statement gives ids itself, up to highest: the sequence must stay above
	PhysicalDatabase func(shard int, logical string) string          // nil: same names
	Prefer           int                                             // shard to use where any will do (-1: the planner chooses, spread by hash of the text)
}

// Plan is one execution of a statement.
type Plan struct {
	Targets     []Target
	Merge       *Merge // how to make one answer of several results; nil with one target
	Write       bool   // changes data: its branch takes part in two-phase commit
	InsertID    uint64 // first AUTO_INCREMENT value that the proxy generated (0: none)
	AnyShard    bool   // no table: any shard would do
	SumAffected bool   // false for global tables: affected rows are those of one shard
	Why         string // for EXPLAIN LOCKSTEP: how the shards were found
}

// Target is one shard's part. SQL nil: the text as received (Verbatim).
type Target struct {
	Shard int
	SQL   []byte
}

// Plan routes one execution. Errors: *Error (1235 and a reason for what cannot be answered rightly).
// dst is reused: its slices grow and stay.
func (s *Statement) Plan(dst *Plan, in *Inputs) error { return errContract }

// Explain prints a plan for people (EXPLAIN LOCKSTEP): rows of (shard, statement) and the merge steps.
func (s *Statement) Explain(p *Plan, in *Inputs, schema *Schema) []ExplainRow { return nil }

type ExplainRow struct{ Step, Shard, Statement string }

// ---- merging ----

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

// Key is a column compared for equality. Weight is the hidden column that holds WEIGHT_STRING of it, or -1: compare by the column's type.
// PadSpace: weights of unequal length are compared as if padded (the collation's PAD attribute).
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
