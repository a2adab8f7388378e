package merge

import (
	"testing"

	"lockstep/protocol"
)

// What shards with different plans say of one expression becomes a type that holds all.
func TestMergeColumn(t *testing.T) {
	const unsigned, zerofill, notNull = protocol.FlagUnsigned, protocol.FlagZerofill, protocol.FlagNotNull
	for _, c := range []struct {
		name       string
		a, b, want protocol.Column // want without a name: they do not fit
	}{
		{"same", col(protocol.TypeYear, unsigned), col(protocol.TypeYear, unsigned), col(protocol.TypeYear, unsigned)},
		{"NOT NULL on one", col(protocol.TypeLong, notNull), col(protocol.TypeLong, 0), col(protocol.TypeLong, 0)},
		{"widths", col(protocol.TypeLong, 0), col(protocol.TypeLongLong, 0), col(protocol.TypeLongLong, 0)},
		{"YEAR first", col(protocol.TypeYear, unsigned|zerofill|notNull), col(protocol.TypeLong, 0), col(protocol.TypeLong, 0)},
		{"YEAR second", col(protocol.TypeLong, 0), col(protocol.TypeYear, unsigned|zerofill), col(protocol.TypeLong, 0)},
		{"unsigned on one", col(protocol.TypeLong, unsigned), col(protocol.TypeLong, 0), protocol.Column{}},
		{"YEAR and text", col(protocol.TypeYear, unsigned), col(protocol.TypeVarString, 0), protocol.Column{}},
		{"of a table", withTable(col(protocol.TypeYear, unsigned)), col(protocol.TypeLong, 0), protocol.Column{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.a
			err := mergeColumn(&got, &c.b, 2)
			if (err != nil) != (c.want.Name == "") || err == nil && (got.Type != c.want.Type || got.Flags != c.want.Flags) {
				t.Errorf("type %d flags %#x, %v; want type %d flags %#x", got.Type, got.Flags, err, c.want.Type, c.want.Flags)
			}
		})
	}
}

func col(kind protocol.ColumnType, flags uint16) protocol.Column {
	return protocol.Column{Name: "c", Type: kind, Flags: flags}
}

func withTable(c protocol.Column) protocol.Column {
	c.OrgTable = "t"
	return c
}
