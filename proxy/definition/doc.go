// Package definition keeps the shards' definitions (tables, views, routines …) alike: it knows how each is defined,
// writes down what a statement is about to change, finds what differs, and mends it.
//
//	lock the databases ── read what is there ── write a record on every shard ── run ── mark each shard ── remove the records
//	                          │ shards differ: refused        │
//	                          └── nothing was changed          └── from here on a kill leaves records that any proxy sees
//
// A record (table lockstep.ddl, a row on each shard that the statement goes to) has the statement as that shard runs it,
// the session it runs in, and the definitions from before. So whoever finds it later can tell where it was done (the
// definition is another one now, or the row says so), do it where it was not, or undo it where nothing is lost by that.
//
// Invariants:
//
//   - The records of a statement are on all of its shards before it runs on any. So where a shard has none, either it ran
//     nowhere, or it ran everywhere and the records were being removed; the rows of the other shards say which.
//   - One statement at a time changes definitions in a database, over all proxies: GET_LOCK on the shard that holds the
//     sequences. What repairs holds the same lock.
//   - Repairing never removes rows that the statement itself was not told to remove. Where it would, it is refused.
//   - Definitions are compared as servers show them, without the AUTO_INCREMENT value, and with logical names of databases.
package definition
