// Package scratch tests queries whose rows have to be brought to one server: each runs on a plain server and through a
// proxy with three shards that hold the same data, and must give the same rows, column definitions, warnings and errors, as text
// and as a prepared statement.
package scratch
