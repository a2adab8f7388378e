package protocol

// ColumnType is MYSQL_TYPE_*.
type ColumnType byte

// Column types as they stand in column definitions and parameter types.
const (
	TypeDecimal    ColumnType = 0x00
	TypeTiny       ColumnType = 0x01
	TypeShort      ColumnType = 0x02
	TypeLong       ColumnType = 0x03
	TypeFloat      ColumnType = 0x04
	TypeDouble     ColumnType = 0x05
	TypeNull       ColumnType = 0x06
	TypeTimestamp  ColumnType = 0x07
	TypeLongLong   ColumnType = 0x08
	TypeInt24      ColumnType = 0x09
	TypeDate       ColumnType = 0x0a
	TypeTime       ColumnType = 0x0b
	TypeDateTime   ColumnType = 0x0c
	TypeYear       ColumnType = 0x0d
	TypeNewDate    ColumnType = 0x0e
	TypeVarchar    ColumnType = 0x0f
	TypeBit        ColumnType = 0x10
	TypeVector     ColumnType = 0xf2
	TypeJSON       ColumnType = 0xf5
	TypeNewDecimal ColumnType = 0xf6
	TypeEnum       ColumnType = 0xf7
	TypeSet        ColumnType = 0xf8
	TypeTinyBlob   ColumnType = 0xf9
	TypeMediumBlob ColumnType = 0xfa
	TypeLongBlob   ColumnType = 0xfb
	TypeBlob       ColumnType = 0xfc
	TypeVarString  ColumnType = 0xfd
	TypeString     ColumnType = 0xfe
	TypeGeometry   ColumnType = 0xff
)

// Column flags.
const (
	FlagNotNull       uint16 = 0x0001
	FlagPriKey        uint16 = 0x0002
	FlagUniqueKey     uint16 = 0x0004
	FlagMultipleKey   uint16 = 0x0008
	FlagBlob          uint16 = 0x0010
	FlagUnsigned      uint16 = 0x0020
	FlagZerofill      uint16 = 0x0040
	FlagBinary        uint16 = 0x0080
	FlagEnum          uint16 = 0x0100
	FlagAutoIncrement uint16 = 0x0200
	FlagTimestamp     uint16 = 0x0400
	FlagSet           uint16 = 0x0800
	FlagNoDefault     uint16 = 0x1000
	FlagOnUpdateNow   uint16 = 0x2000
	FlagNum           uint16 = 0x8000
)

// Character set (collation) numbers that a server itself uses.
const (
	CharsetLatin1SwedishCI  = 8
	CharsetUTF8GeneralCI    = 33
	CharsetUTF8MB4GeneralCI = 45
	CharsetBinary           = 63
	CharsetUTF8MB40900AICI  = 255
)

// wireForm is how a type's value is laid out in the binary protocol.
type wireForm byte

const (
	formBytes wireForm = iota // length-encoded string
	formInt1                  // fixed-size little-endian integers
	formInt2
	formInt4
	formInt8
	formFloat4
	formFloat8
	formDateTime // length byte 0, 4, 7 or 11
	formTime     // length byte 0, 8 or 12
	formNull
	formUnknown
)

func (t ColumnType) form() wireForm {
	switch t {
	case TypeTiny:
		return formInt1
	case TypeShort, TypeYear:
		return formInt2
	case TypeLong, TypeInt24:
		return formInt4
	case TypeLongLong:
		return formInt8
	case TypeFloat:
		return formFloat4
	case TypeDouble:
		return formFloat8
	case TypeDate, TypeNewDate, TypeDateTime, TypeTimestamp:
		return formDateTime
	case TypeTime:
		return formTime
	case TypeNull:
		return formNull
	case TypeDecimal, TypeNewDecimal, TypeVarchar, TypeBit, TypeJSON, TypeEnum, TypeSet, TypeTinyBlob,
		TypeMediumBlob, TypeLongBlob, TypeBlob, TypeVarString, TypeString, TypeGeometry, TypeVector:
		return formBytes
	}
	return formUnknown
}
