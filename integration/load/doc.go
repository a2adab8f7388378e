// Package load tests LOAD DATA LOCAL INFILE through the proxy: against one server that is asked the same, and
// where the client, a shard or the file fails in the middle.
package load
