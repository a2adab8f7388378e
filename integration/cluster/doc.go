// Package cluster runs a whole Lockstep for end-to-end tests and benchmarks:
// private shards, MariaDB or MySQL, and the proxy as a process of its own that can be killed.
//
//	test ──▶ proxy (bin/lockstep serve, built with failpoints) ──▶ s1, s2, … (localdb)
//	  └────────────── looks at each shard directly ───────────────────▶
//
// Invariants: everything listens on 127.0.0.1 on free ports, lives in the
// test's temporary folder and is ended with the test, whatever the test did.
package cluster
