// Package history records what clients of a test asked for and saw, and checks it.
//
//	clients ──▶ Recorder ──▶ file of JSON lines ──▶ Read ──▶ CheckBank, CheckAppend
//	                 └─────▶ History in memory ───────────────▲
//
// It is pure: no database, no clock but the Recorder's. A run that failed can be
// checked again from its file, with another checker than the one that ran:
//
//	LOCKSTEP_HISTORY=FILE go test ./integration/history -run Recheck -v
//
// # The bank
//
// A transfer changes accounts and writes a ledger entry beside each, in one transaction. What must hold:
//
//   - In the end, each account has what its entries say, each transfer is whole or not there, an
//     acknowledged one is there, a failed one is not, and the total is what it was.
//   - A reader of one account sees balance and entries of one moment (one statement,
//     or one snapshot of one shard). It sees every transfer that was acknowledged without
//     a warning before it began, and none that failed or had not begun when it ended.
//   - A reader that locks all accounts of a closed group, over all shards, and whose COMMIT
//     says OK, sees the group's total.
//
// What is not held: that an ordinary reader of several shards sees all branches of a transfer
// or none. Shards take their snapshots one by one (README, "What is not").
//
// # List-append
//
// Transactions append values, each unique, to lists on several shards and read lists with FOR UPDATE or
// LOCK IN SHARE MODE. A list tells the order of its versions, so that dependencies can be read off (the
// idea of Elle, Kingsbury and Alvaro, VLDB 2020):
//
//	ww  T1 appended the value before T2's       wr  T2 read T1's value last
//	rw  T1 read the version before T2's append  rt  T1 was acknowledged before T2 began
//
// Locks are all held at one moment before the first is let go, at COMMIT, on whatever shards they are:
// two-phase locking. So transactions with locking reads are strictly serializable and the whole
// graph must be free of cycles: G0 (ww only), G1c (ww, wr), G-single (one rw), G2 (more),
// and each of them with rt. Ordinary reads (Plain) are held to less: they add no rw and are taken in no rt.
//
// Beside cycles: no value lost, doubled, or from nobody; no read of an aborted value
// (G1a) or of an intermediate one (G1b); reads of one list agree on its order; a
// transaction sees its own appends; each transaction is whole.
//
// One exception, counted and not hidden: InnoDB lets others see a one-phase commit a moment before it
// is on disk. A server killed in that moment takes back a commit that nobody was told of, and that
// a reader may have seen. Such a read is counted as vanished where the outcome of the append is unknown.
package history
