// Package deadlock finds deadlocks that no single shard can see: transaction A waits on one
// shard for a lock of B, and B on another shard for a lock of A. Each server takes that for a plain
// lock wait and lets both run into innodb_lock_wait_timeout.
//
//	sessions ── Watch ──▶ open transactions over several shards
//	                          │  sweep: whose statement has been under way for Options.Wait?
//	                          ▼
//	   other proxies ◀──▶ lockstep.waiter      who else waits, on which connections
//	                          │
//	                          ▼
//	                      lock waits of the servers, read twice
//	                          │  edges that both readings show
//	                          ▼
//	                      cycle ── youngest ──▶ KILL QUERY, rolled back everywhere, 1213 to its client
//
// A node of the graph is a transaction over several shards, known by its gtrid, or else a transaction
// of one server alone (a local one, or a stranger's), which cycles may pass through but which is never a
// victim. A cycle over several servers has at least two nodes of the first kind, and all its nodes wait: so
// it is enough to look while one of our own waits, and whoever does not wait costs nothing.
//
// Invariants:
//
//   - No victim without a deadlock. An edge counts only if two readings show the same wait: then it was
//     there all the time between them. What connections belong to which gtrid is known from one moment to
//     another, too. A cycle is acted on only if there is one moment at which all its edges and all its nodes were
//     so; and a cycle that existed at one moment cannot go away by itself.
//   - Only the proxy that owns the victim ends it, and only while the very same statement is under way.
//   - One proxy decides at a time: of those whose transactions wait, the one that does so already, or else the
//     one with the least name. Two that read MariaDB's lock waits in turn would keep each other from ever
//     seeing fresh rows.
//   - The table is not needed for deadlocks among transactions of one proxy.
//   - Nothing grows without bound: rows, waits, history and statements being ended are limited.
//
// What is not seen: waits for metadata locks (DDL), for table locks (LOCK TABLES), and for user locks.
package deadlock
