// Package bench measures Lockstep beside a direct connection and HAProxy in TCP
// mode, and transfers over two shards beside a client that drives XA itself.
//
// Absolute figures of a shared machine mean little, so each workload runs in
// rounds, all ways in turn within a round, and what is reported is the median of
// each and its ratio to the reference of the same rounds. Beside throughput it reports
// the processor time that the middle process spends per statement.
package bench
