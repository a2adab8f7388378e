// Package commit tests distributed commit from outside: clients over TCP, a real
// proxy, real shards, and SIGKILL.
//
//	clients ──▶ proxy (killed, paused at a step, its log taken away)
//	               └──▶ s1, s2, s3 (killed, stopped, cut off)
//	test ───────────────┘ reads each shard directly
//
// Invariants that every test holds the product to:
//
//   - What a client saw as OK is on every shard, once. What it saw as an error
//     is on none. What it could not see is on all of them or on none.
//   - After recovery no branch of ours is prepared on any shard, and the log
//     holds no decision.
//   - Nothing is known from the proxy's word alone: rows, prepared branches and
//     server connections are read from the shards, as root over their sockets.
package commit
