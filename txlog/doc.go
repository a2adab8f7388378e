// Package txlog is the decision log: the one place that says whether a
// distributed transaction commits.
//
// It is a bbolt file. Presumed abort: only decisions to commit are forced into
// it, and a transaction that is not in it did not commit.
//
//	Append ─┐
//	Append ─┤  queue   ┌────────┐ one bbolt transaction   ┌──────┐
//	Append ─┼────────▶ │ writer │ ─────────────────────▶  │ file │
//	Audit  ─┘          └────────┘ data, sync, meta, sync  └──────┘
//	Forget ─(rides on the next batch)─┘   └─▶ wakes all of the batch
//
// Invariants:
//
//   - Append answers nil only after the sync that covers its record.
//   - Fail-stop: the first write or sync error ends the log. ErrNotDurable is
//     given only on evidence that the record cannot be in the file; ErrUnknown otherwise.
//   - What is read is whole. Every record carries a checksum, and one summary
//     (number and sum of all records, changed in the same bbolt transaction) catches
//     records that a damaged page lost. The file is read by this package's own
//     bounds-checked reader, never through a memory map, so a damaged file is an
//     error and not a fault.
//   - Every start writes the log anew, syncs it, and renames it into place. After a
//     failed sync the page cache may show what the disk lacks; recovery must
//     not act on that. The same step gives back the space of forgotten records.
//   - One process at a time: the lock is on a file of its own beside the log, so that it
//     outlives the rename.
//
// Layout, format 1. Every value ends in a CRC-32C over bucket, key and body.
//
//	meta       format, cluster, coordinator, epoch.00000001 …
//	decisions  gtrid → verdict, mode, time, token, participants
//	audit      sequence → forced verdict of an operator
//	summary    "all" → number and sum of the records in the other buckets, and the bbolt transaction
package txlog
