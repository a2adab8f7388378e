// Package threephase tests commit mode 3pc, clients' tokens, and several proxies over the same
// shards, against real servers: what one proxy leaves, another one settles.
//
//	client ──▶ p1 ──┬──▶ s1, s2, s3 ◀──┬── p2
//	           killed, frozen, cut off  └ ends what p1 began, without its log
//
// Invariants that every test here holds its transactions to: all shards of a transaction agree; OK means
// committed; a definite error means rolled back; a token's COMMITTED and ABORTED never change.
//
// LOCKSTEP_THOROUGH=1 runs every combination instead of a choice, LOCKSTEP_FROZEN_ROUNDS=n and
// LOCKSTEP_TOKEN_ROUNDS=n set the rounds of the tests with random moments, LOCKSTEP_TEST_ENGINE=mysql
// the servers.
package threephase
