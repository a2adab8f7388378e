// Package sysbench runs sysbench's own scripts through a proxy over three shards
// and looks at what they leave behind.
//
// Invariants that every run is held to: sysbench meets no error but those that it
// would meet on one server too (deadlocks, lock waits), rows lie evenly on the
// shards, and no transaction is left open or prepared anywhere.
//
// LOCKSTEP_SYSBENCH_TIME, a duration, replaces the second that each run takes.
package sysbench
