// Package sharding decides where a statement runs: SQL text in, plan out. It is pure: no I/O, no clock, no randomness.
//
//	text ──lexer──▶ shape + literals ──plan cache──▶ Statement ──Plan(inputs)──▶ targets + merge
//	                      │ miss                        ▲
//	                      └── parser ── compile ────────┘
//
// A Statement is compiled once per shape (the text without its literals), session environment and schema version. It
// holds a routing program over literal and parameter slots and templates of the texts that go to the shards. Plan runs
// the program with the values of one execution; when it allocates at all, it is in memory that the caller keeps.
//
// Where a query with several tables runs is found in steps. The walk (walk.go) makes a block of each SELECT, knowing which columns it sees.
// Binding (from.go) finds a block's sources and conditions; a derived table becomes a relation (relation.go): to its reader it
// is like a sharded table, where its rows on the shards are its parts, or like one with copies. Columns that conditions make equal are in
// one class (classes.go), and sharded tables of a block whose keys are in the same classes make a group (grouping.go): its rows meet on
// one shard. A statement with one group in its outermost block, to which all groups of subqueries are linked by the key, can run on
// each shard for itself (routing.go). Predicates over a group's key, or the combinations of values for a key of several columns
// (predicate.go, pins.go), say which shards that are.
//
// How the shards' rows become one answer is a Merge (merge.go, scatter.go): keys that compare as the server does, by WEIGHT_STRING where text does;
// partial aggregates; groups in an order in which they can be joined as they come (arrival.go). What no shard can compute of its part of
// a group, expressions over aggregates and HAVING, becomes text over merged columns (compute.go, formula.go) that a server is asked for.
//
// What is refused so goes to the scratch server (scratch.go), if it only reads: the plan is a load for each table, of the columns that the
// query names (scratchcompile.go), with the conditions that are about that table alone (scratchpush.go) or about rows of tables that are loaded
// before (scratchfollow.go), and the query as it is.
//
// Invariants:
//
//   - Routing never loses rows: every shard that may hold a row that the statement needs is a target. What cannot be
//     proved is scattered (reads and writes of existing rows) or refused (new rows, and answers that cannot be merged).
//   - Two values that the server holds equal under the shard key's type and collation are on one shard. The functions
//     that place them (hash.go, canonical.go, the collation tables) must never change: data would be lost from sight.
//   - What holds only for rows that find a partner in an outer join says nothing about rows without one.
//   - A procedure is called only where one shard has all that it names.
//   - A view is where what it reads is. Where a row of it is made of rows of several shards, no shard is asked for it: its query is.
//   - What is merged is what one server answers, down to the types and digits; where that is not certain (averages inside expressions of
//     DOUBLE, STDDEV, GROUP_CONCAT, ROLLUP …) the query is not scattered. Sums of DOUBLE depend on the order of rows, on one server as well.
//   - A load for the scratch server leaves out no row that could make a difference to the query, which tests every condition again.
//   - A query on information_schema names every table of it that is gathered; which rows of it are needed is read from conditions that
//     a server would look up, and from no others.
//   - A statement that one shard answers is forwarded byte for byte, with its comments and hints.
//   - A change by primary keys (Change) reads a row and changes it by literals that name it, and its values, exactly: what
//     cannot be read so is refused.
//   - No input makes a panic: bad text is a syntax error, an unknown construct is refused with its reason.
package sharding
