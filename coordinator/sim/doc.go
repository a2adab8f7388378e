// Package sim runs the coordinator against a simulated world, one history for
// each seed, and checks after every step that the commit protocol holds.
//
// Real are the coordinator's driver, machine, resolver, inquiry and operator's verbs,
// used through their exported API; in some histories the decision log is real too. Simulated are the
// database servers with the ownership rules of MariaDB and of MySQL, the network,
// the disk under the log, clocks, and the lives and deaths of processes. All of it is in test files:
//
//	go test ./coordinator/sim                                   2,000 histories
//	make sim SEEDS=100000 SEED_START=1                          more of them
//	go test ./coordinator/sim -run TestReplay -sim.seed=7 -v    one, told line by line
//	LOCKSTEP_SIM_MISTAKES=1 go test ./coordinator/sim -run TestMistakes -v
//
// The last one puts classic mistakes into the coordinator's source, one at a time, and tells
// which history notices each.
//
// How a history runs: the code under test runs in a testing/synctest bubble. Each of
// its calls to the outside (verbs of participants and shards, log appends, time) registers a request and
// blocks. When every goroutine is blocked, the scheduler takes one request, timer or fault
// from a list in a stable order, with the seed's random numbers, and lets it happen; then the
// code runs until it blocks again. Time passes only when the scheduler says so. So
// the seed alone decides the history, whatever the number of processors.
//
// What must hold, after every step:
//
//   - no transaction is committed on one shard and rolled back on another, and no verdict reaches a
//     server after the opposite one has
//   - no branch commits before the decision is durable (2pc) or all participants were
//     prepared (3pc)
//   - nobody rolls back a prepared branch of a 3pc transaction before some participant can never prepare
//   - what a client was told stays true
//   - a decision is in the log until no branch needs it, a marker row until no transaction does
//   - a branch is settled from outside only after its server session has let go of it (MariaDB)
//   - strangers' branches are not touched
//
// and at the end, when nothing fails any more: data whole, locks free, nothing prepared, logs
// empty, but for transactions whose log was lost, and which only the log could decide.
package sim
