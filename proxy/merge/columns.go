package merge

import (
	"fmt"

	"lockstep/protocol"
)

// mergeColumns makes one description of the streams' columns: of the first
// shard, with the greatest length and scale of all, and NOT NULL only where every
// shard says so. Shards that differ in more cannot be merged: their tables differ.
func mergeColumns(streams []Stream) ([]protocol.Column, error) {
	first := streams[0].Columns()
	if len(first) == 0 {
		return nil, fmt.Errorf("merge: the first shard's answer has no columns")
	}
	cols := make([]protocol.Column, len(first))
	copy(cols, first)
	for i, s := range streams[1:] {
		other := s.Columns()
		if len(other) != len(cols) {
			return nil, differ("the shards' answers have different numbers of columns: %d and %d", len(cols), len(other))
		}
		for j := range cols {
			if err := mergeColumn(&cols[j], &other[j], i+2); err != nil {
				return nil, err
			}
		}
	}
	return cols, nil
}

func mergeColumn(c, o *protocol.Column, answer int) error {
	switch {
	case c.Type != o.Type:
		return differ("column '%s' has type %d in the first shard's answer and type %d in answer %d: the shards' tables differ", c.Name, c.Type, o.Type, answer)
	case (c.Flags^o.Flags)&protocol.FlagUnsigned != 0:
		return differ("column '%s' is unsigned in only one of the first shard's answer and answer %d: the shards' tables differ", c.Name, answer)
	case c.Charset != o.Charset:
		return differ("column '%s' has character set %d in the first shard's answer and %d in answer %d: the shards' tables differ", c.Name, c.Charset, o.Charset, answer)
	}
	c.Length = max(c.Length, o.Length)
	c.Decimals = max(c.Decimals, o.Decimals)
	c.Flags &= o.Flags | ^protocol.FlagNotNull
	return nil
}

// differ is what a client sees when the shards' answers do not fit together:
// ER_UNKNOWN_ERROR, since no server knows such a thing.
func differ(format string, args ...any) error {
	return protocol.NewError(1105, format, args...)
}
