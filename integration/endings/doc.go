// Package endings tests what ends a statement or a session before its time: time limits, KILL, clients that are
// gone or do not read, shards that restart, and the proxy's own end. What a client sees is compared with what it sees of one
// server in the same situation, where it can be.
package endings
