// Package changes holds UPDATE and DELETE over several shards against one plain server with the same rows: every form of them,
// inside transactions and outside, as text and prepared.
//
//	statement ──▶ plain server ──▶ answer, warnings, all tables ──┐
//	     └──────▶ proxy, 3 shards ▶ answer, warnings, all tables ─┴─ equal, or refused (1235) and nothing changed
//
// Invariants:
//
//   - What the proxy refuses has changed nothing, and only the statements that the tests name are refused.
//   - Rows that move are on one shard, whole, at every moment that anybody can see.
package changes
