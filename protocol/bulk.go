package protocol

import "encoding/binary"

// Extended is the set of MariaDB's own capabilities, which a greeting announces by leaving
// CLIENT_LONG_PASSWORD (its CLIENT_MYSQL) out.
type Extended uint32

// ExtendedBulk is MARIADB_CLIENT_STMT_BULK_OPERATIONS: COM_STMT_BULK_EXECUTE.
const ExtendedBulk Extended = 1 << 2

// Indicator says what stands in the place of a parameter's value in COM_STMT_BULK_EXECUTE.
type Indicator byte

// Indicators, as in MariaDB's mysql_com.h.
const (
	IndicatorNone      Indicator = iota
	IndicatorNull                // NULL
	IndicatorDefault             // the column's default
	IndicatorIgnore              // the column stays as it is
	IndicatorIgnoreRow           // the whole row is left out
)

// Flags of COM_STMT_BULK_EXECUTE.
const (
	bulkUnitResults uint16 = 64
	bulkSendTypes   uint16 = 128
)

// BulkParam is one parameter of one row.
type BulkParam struct {
	Param
	Indicator Indicator
}

// Bulk is a COM_STMT_BULK_EXECUTE: rows of parameters. It aliases the packet.
type Bulk struct {
	StatementID uint32
	types       []ParamType
	rest        []byte
}

// ParseBulk reads the head of a COM_STMT_BULK_EXECUTE of a statement with n parameters, behind the command
// byte. types is what was bound last time, as in ParseExecute. Errors are *ServerError: 1835, 1210, and 1295 for
// what this package does not speak.
func ParseBulk(payload []byte, n int, types *[]ParamType) (Bulk, error) {
	c := cursor{rest: payload}
	b := Bulk{StatementID: c.uint32()}
	flags := c.uint16()
	switch {
	case c.bad:
		return b, malformedBulk("it ends in its header")
	case flags&^bulkSendTypes != 0 || n == 0:
		return b, NewError(ErrUnsupportedPS, "This command is not supported in the prepared statement protocol yet")
	}
	if flags&bulkSendTypes != 0 {
		raw := c.take(2 * n)
		if c.bad {
			return b, malformedBulk("it ends in the types of its parameters")
		}
		*types = (*types)[:0]
		for i := range n {
			*types = append(*types, ParamType{Type: ColumnType(raw[2*i]), Unsigned: raw[2*i+1]&paramUnsigned != 0})
		}
	}
	if len(*types) < n {
		return b, NewError(ErrWrongArguments, "Incorrect arguments to mysqld_stmt_bulk_execute: parameter types were never bound")
	}
	b.types, b.rest = (*types)[:n], c.rest
	return b, nil
}

// Next reads the next row into dst[:0]; nil: there are no more.
func (b *Bulk) Next(dst []BulkParam) ([]BulkParam, error) {
	if len(b.rest) == 0 {
		return nil, nil
	}
	dst = dst[:0]
	c := cursor{rest: b.rest}
	for _, t := range b.types {
		p := BulkParam{Param: Param{Type: t.Type, Unsigned: t.Unsigned}, Indicator: Indicator(c.uint8())}
		switch {
		case c.bad || p.Indicator > IndicatorIgnoreRow:
			return nil, malformedBulk("a row ends early, or has an indicator of no meaning")
		case p.Indicator == IndicatorNull || p.Indicator == IndicatorNone && p.Type == TypeNull:
			p.Null = true
		case p.Indicator == IndicatorNone:
			if !readParam(&c, &p.Param) || c.bad {
				return nil, malformedBulk("a row ends early, or has a value of no type")
			}
		}
		dst = append(dst, p)
	}
	b.rest = c.rest
	return dst, nil
}

// AppendBulk builds a COM_STMT_BULK_EXECUTE behind its command byte, with the types of the first row.
func AppendBulk(dst []byte, id uint32, rows [][]BulkParam) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, id)
	dst = binary.LittleEndian.AppendUint16(dst, bulkSendTypes)
	for _, p := range rows[0] {
		sign := byte(0)
		if p.Unsigned {
			sign = paramUnsigned
		}
		dst = append(dst, byte(p.Type), sign)
	}
	for _, row := range rows {
		for i := range row {
			if dst = append(dst, byte(row[i].Indicator)); row[i].Indicator == IndicatorNone {
				dst = appendParam(dst, &row[i].Param)
			}
		}
	}
	return dst
}

func malformedBulk(why string) *ServerError {
	return NewError(ErrMalformedPacket, "Malformed communication packet: COM_STMT_BULK_EXECUTE: %s", why)
}
