package sharding

// Plan is one execution of a statement.
type Plan struct {
	Targets     []Target
	Scratch     *Scratch // the rows are brought to one server: no targets
	Merge       *Merge   // how to make one answer of several results; nil with one target
	Write       bool     // changes data: its branch takes part in two-phase commit
	InsertID    uint64   // first AUTO_INCREMENT value that the proxy generated (0: none)
	Generated   *Generated
	Numbers     bool         // the shard generates an AUTO_INCREMENT value
	AnyShard    bool         // no table: any shard would do
	SumAffected bool         // false for global tables: affected rows are those of one shard
	Why         string       // for EXPLAIN LOCKSTEP: how the shards were found
	Ignore      bool         // INSERT IGNORE
	Load        *Load        // LOAD DATA LOCAL: what becomes of the client's file
	Returning   bool         // the change answers with rows
	Evaluate    *Evaluation  // values that the statement must be planned again with
	Fill        *Fill        // INSERT … SELECT whose rows are read first
	System      []SystemRead // tables of information_schema that stand-ins must be made of before the one target is sent
	Change      *Change      // an UPDATE or DELETE whose rows are named by a query first; there are no targets then
	SystemNamed []string     // columns of its answer that the statement itself names
	SameTime    bool         // a statement that several shards answer together uses the clock: the caller sets `timestamp` to one value on all of them

	x execution // scratch memory
}

// Target is one shard's part. SQL nil: the text as received (Verbatim).
type Target struct {
	Shard int
	SQL   []byte
	Rows  []int // of an INSERT whose rows go to several shards: which of them are here, in order, from 1
}

// Generated is the ids that the proxy has given to rows which may not have been inserted after all: with IGNORE, or where ON
// DUPLICATE KEY UPDATE has changed others in their place.
type Generated struct {
	Table       *Table
	First, Last uint64
}
