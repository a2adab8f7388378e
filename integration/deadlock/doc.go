// Package deadlock tests that deadlocks over several shards are broken quickly, that the right
// transaction and only it is rolled back, and that mere waits are left alone: real drivers, real
// servers, one proxy and two.
//
// LOCKSTEP_DEADLOCK_RUNS is how often each of the timed scenarios runs (default 10),
// LOCKSTEP_DEADLOCK_SOAK how long the load without deadlocks goes on (default 20s).
package deadlock
