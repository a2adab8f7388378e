// Package inserts runs statements that add rows on one plain server and through the proxy over three shards, and compares
// everything that a client is told: affected rows, ids, informational texts, warnings, errors, returned rows, and
// what is in the tables afterwards.
//
//	              ┌─ plain server ───────────────┐
//	statement ────┤                              ├─ same packets, same warnings, same tables?
//	              └─ proxy ─ shards s1, s2, s3 ──┘
//
// The plain server is the oracle. What the proxy refuses is listed with each statement: any other refusal is an error.
package inserts
