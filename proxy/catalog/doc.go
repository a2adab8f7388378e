// Package catalog knows what stands on the shards: it reads their tables, and it
// hands out AUTO_INCREMENT ids, since no shard can know which ids another one has given.
//
// Ids come in blocks. The table lockstep.sequence on one shard, the home, has a
// row for each table with the next id that nobody has:
//
//	session ── Reserve ──▶ block in memory ── used up ──▶ UPDATE lockstep.sequence SET next = next + block
//	                                       └─ first use ─▶ largest id of all shards, then INSERT … GREATEST
//
// Invariants:
//
//   - One statement in its own transaction takes a block: two proxies never get the
//     same one, and a crash loses at most the ids of the blocks in memory.
//   - Ids in memory are always below the stored next. An id is given once, whether
//     the transaction that asked for it commits or not.
//   - Blocks that follow each other are joined, so a single proxy that fills a new
//     table gives 1, 2, 3, … without gaps, whatever the size of the blocks.
//   - One request per table is under way to the home shard at a time; who waits
//     shares the block that it brings.
//
// What is not promised: an id that a client gives itself through one proxy may
// still be in another proxy's block; the primary key then refuses the second
// one (1062). The same holds for blocks that another proxy holds while a table is emptied
// by TRUNCATE, or dropped and made again, through this one.
package catalog
