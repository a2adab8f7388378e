package proxy

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// Rows that were read to be written again go into the text of a statement. A value must be written so that the column which
// it is for takes it as it would have taken the column that it came from: numbers as numbers, with all their digits,
// dates as numbers where they become numbers, bytes as bytes.

// readValue is a column's value as a parameter for a column of a table; target nil: of one that is not known.
func readValue(col *protocol.Column, f protocol.Field, target *sharding.ColumnInfo) (protocol.Param, error) {
	if f == nil {
		return protocol.Param{Null: true}, nil
	}
	class := sharding.StringColumn
	if target != nil {
		class = target.Class()
	}
	numeric := class == sharding.NumberColumn || class == sharding.ChoiceColumn
	text := func(t protocol.ColumnType) (protocol.Param, error) { return protocol.Param{Type: t, Value: f}, nil }
	switch {
	case col.Flags&(protocol.FlagEnum|protocol.FlagSet) != 0:
		if class == sharding.NumberColumn {
			return protocol.Param{}, notSupported("a value of ENUM or SET becomes a number (column %s): write %s+0", col.Name, col.Name)
		}
		return text(protocol.TypeVarString)
	case col.Type == protocol.TypeBit:
		if class == sharding.StringColumn {
			return text(protocol.TypeBlob)
		}
		var n uint64
		for _, b := range f {
			n = n<<8 | uint64(b)
		}
		return decimalParam(strconv.AppendUint(nil, n, 10)), nil
	}
	switch col.Type {
	case protocol.TypeTiny, protocol.TypeShort, protocol.TypeInt24, protocol.TypeLong, protocol.TypeLongLong, protocol.TypeYear,
		protocol.TypeDecimal, protocol.TypeNewDecimal:
		if target != nil && !numeric && class != sharding.TemporalColumn && target.DataType != "json" {
			return text(protocol.TypeVarString)
		}
		return decimalParam(f), nil
	case protocol.TypeFloat:
		if numeric {
			return protocol.Param{}, notSupported("a FLOAT value becomes another number (column %s), and servers tell no more than six digits of it: name the column in the query instead of *, or write %s+0e0", col.Name, col.Name)
		}
		return text(protocol.TypeVarString)
	case protocol.TypeDouble:
		if !numeric && target != nil && target.DataType != "json" {
			return text(protocol.TypeVarString)
		}
		x, err := strconv.ParseFloat(string(f), 64)
		if err != nil {
			return protocol.Param{}, notSupported("the number %s of column %s cannot be written out", f, col.Name)
		}
		return protocol.Param{Type: protocol.TypeDouble, Value: binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))}, nil
	case protocol.TypeDate, protocol.TypeNewDate, protocol.TypeDateTime, protocol.TypeTimestamp, protocol.TypeTime:
		if numeric {
			return temporalNumber(f), nil
		}
		return text(protocol.TypeVarString)
	case protocol.TypeGeometry:
		return text(protocol.TypeBlob)
	}
	if col.Charset == binaryCollation {
		return text(protocol.TypeBlob)
	}
	return text(protocol.TypeVarString)
}

func decimalParam(digits []byte) protocol.Param {
	return protocol.Param{Type: protocol.TypeNewDecimal, Value: digits}
}

// temporalNumber is a date or time as servers make a number of it: its digits.
func temporalNumber(f protocol.Field) protocol.Param {
	digits := strings.NewReplacer("-", "", ":", "", " ", "").Replace(string(f))
	if f[0] == '-' {
		digits = "-" + digits
	}
	return decimalParam([]byte(digits))
}
