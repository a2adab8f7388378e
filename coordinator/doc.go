// Package coordinator commits distributed transactions and settles those that
// a crash or a lost connection left in doubt.
//
// Two-phase commit, presumed abort (Mohan, Lindsay, Obermarck 1986):
//
//	coordinator          s1        s2        log
//	  │── prepare ──────▶│─────────▶│
//	  │◀─ yes ───────────│◀─────────│
//	  │── commit g ───────────────────────────▶│ write, sync
//	  │◀─ durable ─────────────────────────────│
//	  │── commit ───────▶│─────────▶│             the client may be told from here on
//	  │◀─ done ──────────│◀─────────│
//	  │── forget g ───────────────────────────▶│ no sync of its own
//
// Four parts:
//
//   - machine: one transaction as a pure state machine, events in and effects out. No
//     clock, no goroutine, no I/O. An event that cannot be is an AssertionError.
//   - driver (Transaction.Commit): carries the effects out, in parallel over the
//     participants, with time limits.
//   - resolver (Run, Recover): lists prepared branches on each shard, joins them with
//     the live transactions and with the log, and settles what nobody drives.
//   - operator's verbs (InDoubt, Settle): the same evidence, for people.
//
// Invariants:
//
//   - No branch is told to commit before the decision is durable.
//   - No two branches, and no branch twice, get different verdicts.
//   - A transaction whose decision may or may not be in the log is held: this process
//     settles nothing of it. The next start reads the log and does.
//   - A decision is forgotten only when every participant's shard shows
//     that it has nothing prepared of it any more.
//   - Order of looking: prepared lists, live transactions, log, prepared lists again.
//     Only what both lists show is acted on. A transaction stays live until its
//     outcome is final, so what is found not live has its final state in the log.
//   - A branch that this cluster did not make is shown and never touched.
//   - All of phase 2, the driver's and the resolver's, holds Gate shared.
package coordinator
