// Package backend is one shard server as the proxy sees it: a bounded pool of
// server connections whose session state is brought in line by difference, the
// XA verbs of a branch, the marker rows by which anybody can tell a branch's fate,
// and what recovery needs to settle branches whose owner is gone.
//
// A branch lives on one connection from XA START to its last verb:
//
//	client's first statement          COMMIT, several shards        phase 2
//	┌──────────────────────────┐      ┌────────────────────────┐    ┌───────────┐
//	│ XA START │ statement     │ ───▶ │ XA END │ XA PREPARE    │ ─▶ │ XA COMMIT │ ─▶ ended: back to the pool
//	└──────────────────────────┘      └────────────────────────┘    └───────────┘
//	  one write, autocommit=0           one write, vote               pinned until answered
//
// In three-phase mode, and for a client's token, the marker row goes before XA END, in one request of several statements
// (multi.go) of which the server runs none behind one that fails:
//
//	INSERT INTO lockstep.branch …; XA END; XA PREPARE       or XA COMMIT ONE PHASE
//
// A transaction that can have no second shard does without XA (plain.go): its first statement begins it on a
// connection with autocommit=0, and COMMIT ends it.
//
// Invariants:
//
//   - A connection goes back to the pool only when nothing is open on it: no
//     branch, no transaction, no unread byte, no half-known session state.
//     Everything else is closed.
//   - Branches are opened only on connections with autocommit=0. When XA START
//     fails, what was pipelined behind it runs in a plain transaction that the
//     disconnect undoes; with autocommit=1 it would have been committed.
//   - On MariaDB a prepared branch stays tied to its connection: nothing but XA
//     COMMIT or XA ROLLBACK is sent on it, never COM_RESET_CONNECTION or
//     COM_CHANGE_USER, which would corrupt it.
//   - On MariaDB a prepared branch whose connection ended is committed from
//     elsewhere only after the gate (gate.go) has seen the server let go of it: a
//     commit sent too soon answers OK and commits nothing.
//   - A branch that was asked for its marker row and did not get it in is neither
//     prepared nor committed.
//   - A client's text never becomes two statements: they are switched on for requests of this package
//     only, and off behind them in the same write.
//   - A server session is ended for a marker only when it is the one that wrote it.
//   - Nothing is settled on a server that is read-only: it may be a replica.
//   - A context that ends in mid-answer breaks the connection, and the server is
//     told to end the session, because it does not see a closed socket while a
//     statement waits for a lock.
package backend
