// Package chaos runs whole clusters under load, breaks what can be broken, and has
// package history check what the clients saw and what the shards have in the end.
//
//	clients ──▶ p1 … p3 ──▶ link ──▶ s1 … s3        links are TCP proxies of the test: one for each pair
//	    │        ▲ kill, freeze, full log ▲ kill, freeze
//	    │        └────── nemesis ─────────┘─▶ links: cut, refuse, half-open, cut in the middle of an answer
//	    └─ history ─▶ checkers
//
// Clients: transfers of a bank with a ledger, readers of one account, readers that lock a
// group of accounts over all shards, list-append transactions; on random proxies, with tokens where
// the outcome can be looked up. One or two faults at a time, drawn from a seed; after each, the
// branches that it left prepared are followed until the last one is settled.
//
// A run goes through configurations (server family, commit mode, number of proxies, binary log), each on
// a cluster of its own:
//
//	make crash CRASH_TIME=30m                     all of them, in turn
//	make crash CRASH_CONFIG=mariadb/3pc/2/binlog  this one
//	make crash CRASH_SEED=1                       the same faults and the same clients' choices again
//	make soak SOAK_TIME=8h                        the same for longer
//	go test ./integration/chaos                   a few seconds of two of them
//
// The same seed gives the same faults in the same order; what they meet is up to the machine's timing.
// Where something is wrong, the history, the configurations and the logs of proxies
// and servers stay in a folder whose name the failing test prints; package history checks its file again.
//
// What counts as wrong, beside the checkers' findings: a branch still prepared settleLimit after everything is
// back; clients that do not commit again by then; a decision that its log keeps for ever; a proxy that panics.
package chaos
