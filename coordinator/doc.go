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
// Three-phase mode has no log: each branch carries a marker row with the names of all
// participants, and the transaction is committed from the moment all of them are prepared:
//
//	coordinator          s1        s2
//	  │── vote ─────────▶│─────────▶│  each writes its marker inside its branch, and only then is prepared;
//	  │◀─ yes ───────────│◀─────────│  from the last PREPARE on it is committed, which anybody can see
//	  │── commit ───────▶│─────────▶│
//	  │◀─ done ──────────│◀─────────│
//
// When its coordinator is silent, any other one ends it by an inquiry: each participant is
// committed (its marker is), prepared (its shard lists it), active (its session is ended, then it
// is one of the others), or not there; and then a fence, a marker in state aborted, takes the
// place of the marker that its branch would have to write. All prepared or one committed: commit.
// One fenced: roll back.
//
// A vote is one request of several statements, of which a shard runs none behind one that fails. So whether
// a branch that is prepared has its marker does not hang on what the coordinator hears in between; and nothing has
// to guard the time in between. A branch whose vote has not come yet is as it was before COMMIT: in either mode its
// session's end drops it, and while its coordinator's machine is cut off without a word it keeps its locks until the
// server finds that out (its TCP keep-alive, or wait_timeout).
//
// Parts:
//
//   - machine: one transaction's commit, in either mode, as a pure state machine, events in and
//     effects out. No clock, no goroutine, no I/O. An event that cannot be is an AssertionError.
//   - inquiry, judge: the rules of termination and of recovery, as pure.
//   - driver (Transaction.Commit): carries the effects out, in parallel over the
//     participants, with time limits.
//   - resolver (Run, Recover): lists prepared branches on each shard, joins them with
//     the live transactions, with the log and with their markers, and settles what nobody drives.
//   - operator's verbs (InDoubt, Settle) and TokenOutcome: the same evidence, for people and clients.
//
// Invariants:
//
//   - No branch is told to commit before the decision is durable (two-phase) or every
//     participant has been prepared (three-phase).
//   - In three-phase mode nobody, the first coordinator included, rolls back a prepared branch until
//     some participant is known never to have prepared.
//   - No two branches, and no branch twice, get different verdicts.
//   - A transaction whose decision may or may not be in the log is held: this process
//     settles nothing of it. The next start reads the log and does.
//   - A decision is forgotten only when every participant's shard shows
//     that it has nothing prepared of it any more; a marker is purged only then, too.
//   - A fence is purged only when the branch that it stands against is gone: a coordinator that stood still for
//     longer than any retention may have the yes of the others, rolled back since, and ask that branch yet.
//   - Order of looking: prepared lists, live transactions, log, markers, prepared lists again.
//     Only what both lists show is acted on. A transaction stays live until its
//     outcome is final, so what is found not live has its final state in the log.
//   - Abort is presumed only of a branch whose marker, read while it was prepared, does not
//     make it three-phase.
//   - A branch that this cluster did not make is shown and never touched.
//   - All commits, the driver's and the resolver's, hold Gate shared.
//
// The rules are tried in every interleaving of a small model (TestExhaustive), and at random
// in package sim over servers, networks and disks that fail.
package coordinator
