package proxy

import (
	"fmt"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// newValue is a value that a change's query has worked out, as the literal that a shard stores in the value's place. class
// tells literals apart that one expression could not have both: numbers, strings, bytes, times.
type newValue struct {
	literal string
	class   byte
}

const (
	classNull   = '0'
	classNumber = 'n'
	classString = 's'
	classBytes  = 'b'
	classTime   = 't'
)

// literalOf writes a value so that storing the literal does what storing the value would. The query's strings are in utf8mb4.
func literalOf(field protocol.Field, col *protocol.Column, target *sharding.ColumnInfo) (v newValue, err error) {
	if field == nil {
		return newValue{"NULL", classNull}, nil
	}
	text := string(field)
	switch col.Type {
	case protocol.TypeTiny, protocol.TypeShort, protocol.TypeInt24, protocol.TypeLong, protocol.TypeLongLong,
		protocol.TypeYear, protocol.TypeDecimal, protocol.TypeNewDecimal:
		return newValue{text, classNumber}, nil
	case protocol.TypeDouble:
		if !strings.ContainsAny(text, "eE") {
			text += "e0"
		}
		return newValue{text, classNumber}, nil
	case protocol.TypeBit:
		return newValue{"0x" + hexString(text), classBytes}, nil
	case protocol.TypeDate, protocol.TypeNewDate:
		return timeValue("DATE", text), nil
	case protocol.TypeDateTime, protocol.TypeTimestamp:
		return timeValue("TIMESTAMP", text), nil
	case protocol.TypeTime:
		return newValue{"TIME'" + text + "'", classTime}, nil
	case protocol.TypeJSON:
		return newValue{"CAST(_utf8mb4 X'" + hexString(text) + "' AS JSON)", classString}, nil
	case protocol.TypeFloat, protocol.TypeGeometry, protocol.TypeVector:
		return v, notSupported("a value of another table's row for column %s that is of a type (FLOAT, GEOMETRY or VECTOR) which does not show its value exactly", target.Name)
	}
	if col.Flags&(protocol.FlagEnum|protocol.FlagSet) != 0 && !keepsNames(target.DataType) {
		return v, notSupported("an ENUM or SET of another table's row for column %s, which is a %s", target.Name, target.DataType)
	}
	if col.Charset == binaryCollation {
		return newValue{"_binary X'" + hexString(text) + "'", classBytes}, nil
	}
	return newValue{quoteIn("utf8mb4", text), classString}, nil
}

// keepsNames says whether a column of this type stores an ENUM's name, not its number.
func keepsNames(dataType string) bool {
	return dataType == "enum" || dataType == "set" || strings.HasSuffix(dataType, "char") || strings.HasSuffix(dataType, "text")
}

// timeValue is a date with the type that it has. There are no such literals of zero dates: these are strings.
func timeValue(kind, text string) newValue {
	if len(text) < 10 || text[5:7] == "00" || text[8:10] == "00" || text[:4] == "0000" {
		return newValue{"'" + text + "'", classString}
	}
	return newValue{fmt.Sprintf("%s'%s'", kind, text), classTime}
}

// mixes says whether the values of two rows must not stand in one expression: it would give both the same type.
func mixes(a, b []newValue) bool {
	for i := range a {
		if a[i].class != b[i].class && a[i].class != classNull && b[i].class != classNull {
			return true
		}
	}
	return false
}
