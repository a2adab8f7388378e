package sharding

// Statement is the analysis of one text: immutable (Observed apart), shared, cached.
type Statement struct {
	Kind          Kind
	ReadOnly      bool  // cannot change data (locking reads are ReadOnly with Locking set)
	Locking       bool  // FOR UPDATE, LOCK IN SHARE MODE
	Verbatim      bool  // whenever one shard is the target, the received bytes are forwarded unchanged
	Params        int   // '?' in the text
	Marks         []int // where they stand, in bytes
	Tables        []*Table
	Databases     []string // that the statement uses, named in it or current
	Opaque        bool     // which tables it uses cannot be told
	Unknown       bool     // it uses a table that the schema does not have, or may use one: another proxy may have made it by now
	Functions     []string // that the statement calls, lower case, built in or stored: a stored one may write
	Select        bool     // SELECT, TABLE, VALUES, WITH, with or without tables
	MaxTime       uint64   // milliseconds, of the hint MAX_EXECUTION_TIME(n); 0: none
	CalcFoundRows bool     // SELECT SQL_CALC_FOUND_ROWS
	Leaves        bool     // leaves something behind: user variables on its connection, a file
	Gathers       bool     // reads tables of information_schema that are gathered from the shards
	SessionSlots  bool     // uses LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), CONNECTION_ID(), USER(), DATABASE() …: Inputs.Session is needed
	Words         []string
	Digest        string // for people: the text with '?' for its literals, cut off at some length

	Begin               BeginOptions // KindBegin
	Chain, ReleaseAfter bool         // COMMIT/ROLLBACK AND CHAIN / RELEASE
	Name                string       // savepoint, database of USE, …
	Set                 []Assignment // KindSet
	Assigns             [2]int       // KindSetStatement: the assignments, in bytes of the text
	For                 int          // KindSetStatement: where the statement begins that they are for
	Show                Show         // KindShow
	Kill                KillTarget   // KindKill
	Inner               *Statement   // KindExplain, KindExplainLockstep
	DDL                 DDLInfo      // KindDDL
	Prepare             TextPrepare  // KindPrepareText
	UpdateReplace       bool         // REPLACE
	Returns             bool         // INSERT … RETURNING
	JSON                bool         // EXPLAIN LOCKSTEP FORMAT=JSON
	CreateSelect        *CreateSelect

	Observed Observed // of its runs

	// what Plan works with
	env        Env
	charset    charsetClass
	schema     *Schema
	prepared   bool
	start      int       // where an inner statement begins in the text
	own        []byte    // prepared: the text
	ownLits    []Literal // prepared: its literals
	pinned     []int     // literals whose values are part of the shape
	planner    planner
	slots      []slot
	databases  []string  // named in the text
	rewrite    *template // the whole text with its slots and databases
	mustRender bool      // slots or hints change the text for one shard too
}

// planner makes the plan of one kind of statement.
type planner interface {
	plan(st *Statement, x *execution) error
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
	Global        bool   // SHOW GLOBAL …
	Like          string // the pattern, as it is written
	Where         string // the condition, as it is written
	Plain         bool   // the whole of it is understood, and no hint sends it to one shard
	Limit, Offset uint64 // of SHOW WARNINGS; Limit 0 = none
}

// Tail is the condition at the end, as it is written.
func (s *Show) Tail() string {
	switch {
	case s.Like != "":
		return " LIKE " + s.Like
	case s.Where != "":
		return " WHERE " + s.Where
	}
	return ""
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
	Replaces  bool // OR REPLACE
	Temporary bool
	Reload    bool // the catalog must be read again
	Objects   []DefinedObject
}

// DefinedObject is a thing whose definition a statement may change.
type DefinedObject struct {
	Kind     string // table (views and sequences too), database, procedure, function, trigger, event, package
	Database string
	Name     string // "" for a database
}
