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
// Invariants:
//
//   - Routing never loses rows: every shard that may hold a row that the statement needs is a target. What cannot be
//     proved is scattered (reads and writes of existing rows) or refused (new rows, and answers that cannot be merged).
//   - Two values that the server holds equal under the shard key's type and collation are on one shard. The functions
//     that place them (hash.go, canonical.go, the collation tables) must never change: data would be lost from sight.
//   - A view is where what it reads is. Where a row of it is made of rows of several shards, no shard is asked for it: its query is.
//   - A statement that one shard answers is forwarded byte for byte, with its comments and hints.
//   - No input makes a panic: bad text is a syntax error, an unknown construct is refused with its reason.
package sharding
