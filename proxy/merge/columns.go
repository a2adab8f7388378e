package merge

import (
	"fmt"
	"slices"

	"lockstep/protocol"
)

// mergeColumns makes one description of the streams' columns: of the first
// shard, with the greatest length and scale of all, and NOT NULL only where every
// shard says so. What a server says of an expression's type depends on its plan as well
// (CHAR from the rows themselves is VARCHAR from a temporary table; MySQL's YEAR() is a YEAR, or an INT
// where no row was to be read): the wider type holds both.
// Shards that differ in more cannot be merged: their tables differ.
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
	wider, fits := widerType(c, o)
	switch {
	case !fits:
		return differ("column '%s' has type %d in the first shard's answer and type %d in answer %d: the shards' tables differ", c.Name, c.Type, o.Type, answer)
	case (c.Flags^o.Flags)&protocol.FlagUnsigned != 0 && !aYear(c, o):
		return differ("column '%s' is unsigned in only one of the first shard's answer and answer %d: the shards' tables differ", c.Name, answer)
	case c.Charset != o.Charset:
		return differ("column '%s' has character set %d in the first shard's answer and %d in answer %d: the shards' tables differ", c.Name, c.Charset, o.Charset, answer)
	}
	if c.Type == protocol.TypeYear && wider != c.Type {
		c.Flags &= o.Flags | ^(protocol.FlagUnsigned | protocol.FlagZerofill) // years fit into any integer
	}
	c.Type = wider
	c.Length = max(c.Length, o.Length)
	c.Decimals = max(c.Decimals, o.Decimals)
	c.Flags &= o.Flags | ^protocol.FlagNotNull
	return nil
}

// widths are the types whose texts are alike, from narrow to wide.
var widths = [][]protocol.ColumnType{
	{protocol.TypeYear, protocol.TypeTiny, protocol.TypeShort, protocol.TypeInt24, protocol.TypeLong, protocol.TypeLongLong},
	{protocol.TypeString, protocol.TypeVarString, protocol.TypeTinyBlob, protocol.TypeBlob, protocol.TypeMediumBlob, protocol.TypeLongBlob},
}

// aYear says that one of two columns is a YEAR and the other another integer.
func aYear(c, o *protocol.Column) bool {
	return (c.Type == protocol.TypeYear) != (o.Type == protocol.TypeYear)
}

// widerType is the type that holds the values of both columns. A column of a table has the same type on every shard.
func widerType(c, o *protocol.Column) (protocol.ColumnType, bool) {
	if c.Type == o.Type {
		return c.Type, true
	}
	if c.OrgTable != "" || o.OrgTable != "" {
		return 0, false
	}
	for _, w := range widths {
		if i, j := slices.Index(w, c.Type), slices.Index(w, o.Type); i >= 0 && j >= 0 {
			return w[max(i, j)], true
		}
	}
	return 0, false
}

// differ is what a client sees when the shards' answers do not fit together:
// ER_UNKNOWN_ERROR, since no server knows such a thing.
func differ(format string, args ...any) error {
	return protocol.NewError(1105, format, args...)
}
