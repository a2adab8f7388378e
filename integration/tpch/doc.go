// Package tpch asks all 22 queries of TPC-H of one plain server and of the proxy over three shards, with the same
// data: the rows, their order, and the columns' types must be the same.
//
//	customer            by c_custkey          part, partsupp   by the part's key
//	orders, lineitem    by the order's key    supplier         by s_suppkey
//	nation, region      on every shard
//
// The data come from a generator of our own, at scale 0.01, that follows the distributions of the specification as far
// as the queries look at them. Parameters are those of the specification's validation, but where so little data
// would leave an answer empty. The test tells each query's way (EXPLAIN LOCKSTEP) and its time beside the plain server's.
package tpch
