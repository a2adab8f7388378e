package merge

import "lockstep/protocol"

// notFixedDecimals in a column's Decimals means that a float is written with as
// many digits as it takes.
const notFixedDecimals = 31

// valueKind is how a column's text is compared and added.
type valueKind uint8

const (
	kindBytes valueKind = iota
	kindInteger
	kindDecimal
	kindFloat
	kindMoment // DATE, DATETIME, TIMESTAMP
	kindTime
	kindBit
)

func kindOf(t protocol.ColumnType) valueKind {
	switch t {
	case protocol.TypeTiny, protocol.TypeShort, protocol.TypeLong, protocol.TypeInt24, protocol.TypeLongLong, protocol.TypeYear:
		return kindInteger
	case protocol.TypeDecimal, protocol.TypeNewDecimal:
		return kindDecimal
	case protocol.TypeFloat, protocol.TypeDouble:
		return kindFloat
	case protocol.TypeDate, protocol.TypeNewDate, protocol.TypeDateTime, protocol.TypeTimestamp:
		return kindMoment
	case protocol.TypeTime:
		return kindTime
	case protocol.TypeBit:
		return kindBit
	default:
		return kindBytes
	}
}
