// Package types has values of every column type read and bound through the proxy and on a plain server,
// and compares what travels: the column definitions to their last field, and the bytes of the values.
//
// Each type is read in text and as a prepared statement, from one shard, from all of them, merged in an order,
// grouped and summed up; each value is bound as a parameter; and clients of other character sets do the same with texts.
// What differs stands in the table of differences, with the reason.
package types
