package protocol

import "encoding/binary"

// Column is a column definition (ColumnDefinition41).
type Column struct {
	Schema, Table, OrgTable, Name, OrgName string
	Charset                                uint16
	Length                                 uint32
	Type                                   ColumnType
	Flags                                  uint16
	Decimals                               byte
	Default                                []byte // COM_FIELD_LIST only
}

// fixedColumnPart is the length of what follows the names.
const fixedColumnPart = 0x0c

// AppendColumn builds a column definition payload on dst.
func AppendColumn(dst []byte, c *Column) []byte {
	dst = appendLenencString(dst, "def")
	dst = appendLenencString(dst, c.Schema)
	dst = appendLenencString(dst, c.Table)
	dst = appendLenencString(dst, c.OrgTable)
	dst = appendLenencString(dst, c.Name)
	dst = appendLenencString(dst, c.OrgName)
	dst = append(dst, fixedColumnPart)
	dst = binary.LittleEndian.AppendUint16(dst, c.Charset)
	dst = binary.LittleEndian.AppendUint32(dst, c.Length)
	dst = append(dst, byte(c.Type), byte(c.Flags), byte(c.Flags>>8), c.Decimals, 0, 0)
	if c.Default != nil {
		dst = appendLenencBytes(dst, c.Default)
	}
	return dst
}

// ParseColumn reads a column definition; the result owns its memory.
func ParseColumn(payload []byte) (Column, error) {
	c := cursor{rest: payload}
	c.lenencBytes() // catalog, always "def"
	col := Column{
		Schema:   string(c.lenencBytes()),
		Table:    string(c.lenencBytes()),
		OrgTable: string(c.lenencBytes()),
		Name:     string(c.lenencBytes()),
		OrgName:  string(c.lenencBytes()),
	}
	if n := c.lenenc(); !c.bad && n < fixedColumnPart {
		return Column{}, malformed("column definition with a fixed part of %d bytes", n)
	}
	col.Charset = c.uint16()
	col.Length = c.uint32()
	col.Type = ColumnType(c.uint8())
	col.Flags = c.uint16()
	col.Decimals = c.uint8()
	c.take(2)
	if c.bad {
		return Column{}, malformed("column definition of %d bytes is cut short", len(payload))
	}
	if len(c.rest) > 0 && c.rest[0] != nullField {
		value := c.lenencBytes()
		if c.bad {
			return Column{}, malformed("column default is cut short")
		}
		col.Default = append([]byte{}, value...)
	}
	return col, nil
}

func (c *Column) unsigned() bool { return c.Flags&FlagUnsigned != 0 }
