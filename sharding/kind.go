package sharding

// Kind of a statement.
type Kind uint8

const (
	KindSelect Kind = iota + 1 // SELECT, TABLE, VALUES, WITH … SELECT
	KindInsert                 // INSERT, REPLACE
	KindUpdate
	KindDelete
	KindLoad  // LOAD DATA LOCAL INFILE
	KindDDL   // sent to the table's shards, or all; implicit commit; the catalog is read again afterwards
	KindBegin // BEGIN, START TRANSACTION
	KindCommit
	KindRollback
	KindSavepoint
	KindRollbackTo
	KindRelease
	KindSet          // SET of variables, SET NAMES, SET CHARACTER SET, SET TRANSACTION
	KindSetStatement // SET STATEMENT … FOR: see Assigns and For
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

var kindNames = [...]string{KindSelect: "select", KindInsert: "insert", KindUpdate: "update", KindDelete: "delete", KindLoad: "load", KindDDL: "ddl",
	KindBegin: "begin", KindCommit: "commit", KindRollback: "rollback", KindSavepoint: "savepoint", KindRollbackTo: "rollback to",
	KindRelease: "release", KindSet: "set", KindSetStatement: "set statement", KindUse: "use", KindShow: "show", KindExplain: "explain", KindExplainLockstep: "explain lockstep",
	KindLockstep: "lockstep", KindKill: "kill", KindLockTables: "lock tables", KindUnlockTables: "unlock tables", KindCall: "call", KindDo: "do",
	KindAdmin: "admin", KindXA: "xa", KindPrepareText: "prepare text", KindHandler: "handler", KindEmpty: "empty"}

func (k Kind) String() string { return kindNames[k] }
