// Package merging asks one plain server and the proxy over three shards the same statements whose rows have
// to be merged: groups that lie on several shards, expressions over their aggregates, HAVING, DISTINCT, ORDER BY, LIMIT, UNION, window functions.
// Rows, their order, the columns' definitions, warnings and errors must be the same.
//
// TestMemory (LOCKSTEP_MERGE_ROWS) and TestCosts (LOCKSTEP_MERGE_COSTS=1) measure; `make merging` runs them.
package merging
