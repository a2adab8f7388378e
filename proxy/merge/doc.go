// Package merge makes one result set out of the result sets that several
// shards gave to parts of one statement.
//
// Rows travel through a chain of sources, each pulling from the one before, so
// nothing is held that does not have to be:
//
//	streams ──┬─ concatenation ─┐
//	          └─ k-way merge ───┤→ grouping → computing → distinct → sorting → offset, limit → computing → Sink
//
// Concatenation and the k-way merge hold one row per stream. Grouping holds one
// row per group and sorting holds every row, or as many as a LIMIT lets through, both under Limits;
// when the streams come sorted by the group's (or the distinct) keys, these steps hold one row
// only.
//
// Computing is left to a server: expressions over aggregates and HAVING are sent to it, a batch of merged groups at a time, with
// their values written as literals of the types that the shards told (Evaluator). What rows are not ordered by is computed last, of
// the rows that are shown. What comes back is shown only where its
// type is the one that the shards gave the expression, so its text is that of a server with all rows.
//
// Ordering and equality never look at a value twice: each row's keys are written
// once as bytes whose plain comparison is the order of the values (see keyCodec),
// so the merge, the sort, DISTINCT, GROUP BY, MIN and MAX compare with
// bytes.Compare alone.
//
// Streams are read by the calling goroutine only. The shards work at the same
// time all the same, as far as the sockets' buffers carry; past that a shard
// waits until it is its turn, which is what bounds the memory.
//
// Invariants:
//   - rows of equal keys come in the streams' order (the merge is stable),
//   - a row that reaches the sink has exactly the visible columns,
//   - nothing past a limit is held: the error names the setting.
package merge
