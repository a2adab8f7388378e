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

// readValue is a column's value as a parameter for a column of a table; target nil: of one that is not known. Pairs of types
// for which a server does something else with a literal than with a column's value are refused.
func readValue(col *protocol.Column, f protocol.Field, target *sharding.ColumnInfo) (protocol.Param, error) {
	if f == nil {
		return protocol.Param{Null: true}, nil
	}
	var class sharding.ColumnClass
	if target != nil {
		class = target.Class()
	}
	number := class == sharding.NumberColumn
	refused := func() (protocol.Param, error) {
		return protocol.Param{}, notSupported("a value of column %s is not of the type of the column %s, and servers convert it in another way than a constant: convert it in the query (CAST)", col.Name, target.Name)
	}
	text := func(t protocol.ColumnType) (protocol.Param, error) { return protocol.Param{Type: t, Value: f}, nil }
	if target != nil && (class == sharding.GeometryColumn) != (col.Type == protocol.TypeGeometry) && (class == sharding.GeometryColumn || class != sharding.StringColumn && class != sharding.LongColumn) {
		return refused()
	}
	switch {
	case col.Flags&(protocol.FlagEnum|protocol.FlagSet) != 0:
		if number {
			return refused()
		}
		return text(protocol.TypeVarString)
	case col.Type == protocol.TypeBit:
		if class == sharding.LongColumn {
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
		if class == sharding.LongColumn {
			return text(protocol.TypeVarString) // with the zeros of ZEROFILL
		}
		return decimalParam(f), nil
	case protocol.TypeFloat:
		if class == sharding.LongColumn {
			return text(protocol.TypeVarString)
		}
		return protocol.Param{}, notSupported("a FLOAT value is read (column %s), of which servers tell no more than six digits: write %s+0e0", col.Name, col.Name)
	case protocol.TypeDouble:
		x, err := strconv.ParseFloat(string(f), 64)
		if err != nil {
			return protocol.Param{}, notSupported("the number %s of column %s cannot be written out", f, col.Name)
		}
		return protocol.Param{Type: protocol.TypeDouble, Value: binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))}, nil
	case protocol.TypeDate, protocol.TypeNewDate, protocol.TypeDateTime, protocol.TypeTimestamp, protocol.TypeTime:
		switch {
		case !temporalFits(col, target, class):
			return refused()
		case number:
			return temporalNumber(f), nil
		}
		return text(protocol.TypeVarString)
	case protocol.TypeGeometry:
		return text(protocol.TypeBlob)
	case protocol.TypeJSON:
		return text(protocol.TypeVarString)
	}
	if col.Charset == binaryCollation {
		return text(protocol.TypeBlob)
	}
	return text(protocol.TypeVarString)
}

// temporalFits says whether the constant of a date or time is stored as its column would be.
func temporalFits(col *protocol.Column, target *sharding.ColumnInfo, class sharding.ColumnClass) bool {
	if target == nil {
		return true
	}
	isTime, hasDate := col.Type == protocol.TypeTime, target.DataType != "time"
	switch class {
	case sharding.ChoiceColumn:
		return false
	case sharding.TemporalColumn:
		return isTime != hasDate && (isTime || col.Type != protocol.TypeDate || hasDate)
	case sharding.NumberColumn:
		switch target.DataType {
		case "year", "bit":
			return false
		case "decimal", "double", "float":
			return true
		}
		return !isTime && col.Decimals == 0
	}
	return true
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
