// Package differential asks one plain server and the proxy over three shards the same generated
// statements and compares what a client sees: rows, columns, affected rows, error numbers.
//
//	                    ┌─ plain server ──────────────┐
//	seed → statement ───┤                             ├─ same answer?
//	                    └─ proxy ─ shard 1, 2, 3 ─────┘
//
// What the proxy refuses (error 1235) is counted and not run on the plain server: a refusal
// is allowed, another answer never is. The plain server is the oracle for everything else.
//
// LOCKSTEP_DIFF_SEED and LOCKSTEP_DIFF_STATEMENTS choose another run; LOCKSTEP_DIFF_SHOW=1 shows each refused statement.
package differential
