// Package tpcc runs the five transactions of TPC-C, as sysbench-tpcc has them, through the proxy: warehouses are
// spread over the shards, and a part of the new orders and payments concerns a warehouse on another shard.
//
//	terminals ──▶ proxy ──▶ s1, s2, s3      killed in the midst, and started again
//	                 └── conditions 1 to 12 of the specification (3.3.2), and one of ours for remote stock
//
// At the end the conditions hold through the proxy and in what the shards themselves hold; terminals
// see no error but lost connections, deadlocks and lock waits.
//
// The scale is the specification's with LOCKSTEP_TPCC_SCALE=full, and a thirtieth of it otherwise;
// LOCKSTEP_TPCC_TIME, LOCKSTEP_TPCC_WAREHOUSES and LOCKSTEP_TPCC_THREADS choose another run (make tpcc).
package tpcc
