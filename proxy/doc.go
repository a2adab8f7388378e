// Package proxy serves MySQL clients: it reads their commands, has the
// statements planned by sharding, runs them on the shards' connections and
// answers in the client's protocol.
//
//	client ──▶ session ──▶ planner ──▶ one shard:  relay, bytes untouched
//	  event loop or goroutine             (cheap reads of many sessions on one connection)
//	              │                ├─▶ several:    scatter, merge, one answer
//	              │                └─▶ neither:    rows into temporary tables of one server, the query there (scratch.go)
//	              ▼
//	         transaction ──▶ branches (XA) ──▶ coordinator (two-phase or three-phase commit)
//
// A statement that needs rows for itself (of other shards, to change rows by them) asks by an inner query
// (inner_query.go): planned and run as the client's own would be, in its transaction, with the rows going to a sink.
//
// Invariants:
//
//   - A session belongs to one goroutine, or to its event loop: between commands, and while a
//     statement runs that needs one shard and nothing else. The owner alone uses its client
//     connection, its transaction and the server connections it holds.
//   - On an event loop nothing waits. What might is found out before anything is sent or changed, and a
//     goroutine begins the statement anew.
//   - Only reads outside transactions that lock nothing share a server connection: they may run again elsewhere.
//   - Outside a transaction a server connection is held for one statement.
//     Inside, each shard that was used has one branch on one connection
//     until the transaction has ended.
//   - No statement of a transaction reaches a shard outside its branch: if
//     XA START fails, the connection is closed before anything it ran can commit.
//   - A statement that fails on one of several shards leaves no trace on the
//     others: inside a transaction they go back to a savepoint, outside the
//     implicit transaction is rolled back.
//   - A change in several steps (rows named by a query, rows that move) is one statement: each shard gets a savepoint before
//     its first step, and each step finds as many rows as were named.
//   - A connection with an unfinished branch, an unread answer or an unknown
//     state is closed, never handed on.
//   - A connection with temporary tables is no branch's, and is reset before anybody else has it.
//   - What information_schema and SHOW say of databases, tables and sessions is the cluster's, and no shard's: rows are gathered,
//     put into temporary tables of one connection, and those are dropped before it is handed on (docs/metadata.md).
//   - After OK to COMMIT the transaction is committed; an error means it is
//     rolled back, or names the transaction whose outcome cannot be known yet.
//   - A client's token is in every branch that its transaction wrote in, and is
//     committed with it; the end of the transaction uses it up.
//   - Recovery works on a shard only while this proxy holds its coordinator id
//     there; once another proxy is found to have it, nothing over several shards is committed.
package proxy
