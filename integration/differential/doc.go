// Package differential asks one plain server and the proxy the same generated statements and compares what a
// client sees: rows, columns and their types, affected rows, ids, infos, warnings, error numbers, and what the
// tables hold after each change.
//
//	                    ┌─ plain server ──────────────┐
//	seed → statement ───┤                             ├─ same answer?
//	                    └─ proxy ─ shard 1, 2, … n ───┘
//
// TestRandom draws the tables too, by every rule of placement, and runs on clusters of 1, 2, 3 and 7 shards; a
// statement is a tree (node) that knows how it can be made smaller, so that a failure is shown as a few short
// statements. TestDifferential asks traps that were thought of, over ten tables with keys of ten types on three shards.
//
// What the proxy refuses (error 1235) is counted by reason and not run on the plain server: a refusal
// is allowed, another answer never is. The plain server is the oracle for everything else. What differs
// for a reason stands, with the reason, in loosened, scans and asLiterals.
//
// LOCKSTEP_DIFF_SEED and LOCKSTEP_DIFF_STATEMENTS choose another run, LOCKSTEP_DIFF_SHARDS one size of cluster;
// LOCKSTEP_DIFF_SHOW=1 shows refused statements, LOCKSTEP_DIFF_WRONG says how many differences end a run,
// LOCKSTEP_DIFF_SHRINK=0 leaves failures as they are.
package differential
