// CONTRACT (temporary file): the merge owner moves each into its own file.

// Package merge makes one result set of several shards' streams.
package merge

import (
	"errors"

	"lockstep/protocol"
	"lockstep/sharding"
)

var errContract = errors.New("not implemented")

// Stream is one shard's result (protocol.Rows satisfies it).
type Stream interface {
	Columns() []protocol.Column
	Next() bool
	Payload() []byte // a text-protocol row, valid until the next Next
	Err() error
}

// Sink takes the merged rows. Fields alias the merger's memory and are valid during the call only.
type Sink interface {
	Columns(cols []protocol.Column) error
	Row(fields []protocol.Field) error
}

// Limits bound what is held in memory; past them Run answers a *protocol.ServerError
// (1104/42000-like, naming the setting).
type Limits struct {
	Rows  int
	Bytes int
}

// Stats of one merge.
type Stats struct {
	Rows      uint64 // sent to the sink
	FoundRows uint64 // what SQL_CALC_FOUND_ROWS would say
	Complete  bool   // all streams were read to the end (otherwise the caller must drain or discard the connections)
}

// Run merges. m == nil means plain concatenation. An error from a stream ends the merge and is returned as it is.
func Run(m *sharding.Merge, streams []Stream, sink Sink, l Limits) (Stats, error) {
	return Stats{}, errContract
}
