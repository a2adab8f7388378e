package protocol

import "encoding/binary"

// Cursor flags of COM_STMT_EXECUTE.
const (
	CursorNone       byte = 0
	CursorReadOnly   byte = 1
	CursorForUpdate  byte = 2
	CursorScrollable byte = 4

	// ParameterCount says that the number of parameters stands in front of them (with CLIENT_QUERY_ATTRIBUTES).
	ParameterCount byte = 8
)

// paramUnsigned is set in a parameter type's second byte.
const paramUnsigned = 0x80

// Param is one bound parameter of COM_STMT_EXECUTE.
type Param struct {
	Type     ColumnType
	Unsigned bool
	Null     bool
	Value    []byte // as on the wire without its length prefix; aliases the packet, or long data
}

// Execute is a parsed COM_STMT_EXECUTE.
type Execute struct {
	StatementID uint32
	Flags       byte
	Iterations  uint32
	NewTypes    bool
	Params      []Param
	Attributes  []Param // behind the parameters, of a client with CLIENT_QUERY_ATTRIBUTES; their names are not kept
}

// ParamType is a parameter's type as bound by the client, kept per statement
// because a re-execution may leave the types out.
type ParamType struct {
	Type     ColumnType
	Unsigned bool
}

// ParseExecute reads an EXECUTE of a statement with n parameters. types is
// what the client bound last time (used when the packet leaves types out) and
// is updated; long holds SEND_LONG_DATA values by parameter (nil: none).
// payload is the packet after the command byte. The result aliases payload.
//
// Errors are *ServerError: 1835 for a packet that is not well formed, 1210 for types
// that were never bound and for fewer parameters than the statement has.
func ParseExecute(dst *Execute, payload []byte, n int, types *[]ParamType, long [][]byte) error {
	return parseExecute(dst, payload, n, types, long, false)
}

func parseExecute(dst *Execute, payload []byte, params int, types *[]ParamType, long [][]byte, named bool) error {
	c := cursor{rest: payload}
	dst.StatementID = c.uint32()
	dst.Flags = c.uint8()
	dst.Iterations = c.uint32()
	dst.NewTypes = false
	dst.Params, dst.Attributes = dst.Params[:0], nil
	n := params
	if named && (params > 0 || dst.Flags&ParameterCount != 0) {
		count := c.lenenc()
		if c.bad || count < uint64(params) || count > maxParameters {
			return shortExecute("it has not the %d parameters of its statement", params)
		}
		n = int(count)
	}
	if c.bad {
		return malformedExecute("it ends in its header")
	}
	if n == 0 {
		return nil
	}
	nulls := c.take((n + 7) / 8)
	bound := c.uint8()
	if c.bad || bound > 1 {
		return malformedExecute("it has no NULL bitmap for %d parameters", n)
	}
	dst.NewTypes = bound == 1
	for range n {
		dst.Params = append(dst.Params, Param{})
	}
	if err := readTypes(&c, dst, *types, nulls, named); err != nil {
		return err
	}
	if dst.NewTypes {
		// Kept before long data changes a type: the client does not bind it again.
		*types = (*types)[:0]
		for i := range dst.Params {
			*types = append(*types, ParamType{Type: dst.Params[i].Type, Unsigned: dst.Params[i].Unsigned})
		}
	}
	for i := range dst.Params {
		p := &dst.Params[i]
		switch {
		case i < len(long) && long[i] != nil:
			p.Value = long[i]
			if p.Type.form() != formBytes {
				p.Type, p.Unsigned = TypeBlob, false
			}
		case nulls[i/8]&(1<<(i%8)) != 0 || p.Type == TypeNull:
			p.Null = true
		default:
			if !readParam(&c, p) {
				return malformedExecute("it has a parameter of unknown type %#x or length", byte(p.Type))
			}
		}
		if c.bad {
			return shortExecute("it ends in parameter %d of %d", i+1, n)
		}
	}
	if len(c.rest) > 0 {
		return malformedExecute("it has %d bytes behind its %d parameters", len(c.rest), n)
	}
	dst.Params, dst.Attributes = dst.Params[:params], dst.Params[params:]
	return nil
}

// readTypes takes the parameters' types from the packet, or from the last time. Without
// either, a server still takes an execution whose parameters are all NULL, and some drivers send that.
func readTypes(c *cursor, dst *Execute, known []ParamType, nulls []byte, named bool) error {
	if dst.NewTypes {
		for i := range dst.Params {
			dst.Params[i].Type = ColumnType(c.uint8())
			dst.Params[i].Unsigned = c.uint8()&paramUnsigned != 0
			if named {
				c.lenencBytes()
			}
		}
		if c.bad {
			return malformedExecute("it ends in the types of %d parameters", len(dst.Params))
		}
		return nil
	}
	if len(known) < len(dst.Params) {
		if allNull(nulls, len(dst.Params)) {
			for i := range dst.Params {
				dst.Params[i].Type = TypeNull
			}
			return nil
		}
		return NewError(ErrWrongArguments, "Incorrect arguments to mysqld_stmt_execute: parameter types were never bound")
	}
	for i, t := range known[:len(dst.Params)] { // attributes may have been bound behind them
		dst.Params[i].Type, dst.Params[i].Unsigned = t.Type, t.Unsigned
	}
	return nil
}

// allNull says whether the bitmap marks all n parameters.
func allNull(bitmap []byte, n int) bool {
	for i := range n {
		if bitmap[i/8]&(1<<(i%8)) == 0 {
			return false
		}
	}
	return true
}

// readParam takes one value off the packet; false: its type or its length is unknown.
func readParam(c *cursor, p *Param) bool {
	switch p.Type.form() {
	case formInt1:
		p.Value = c.take(1)
	case formInt2:
		p.Value = c.take(2)
	case formInt4, formFloat4:
		p.Value = c.take(4)
	case formInt8, formFloat8:
		p.Value = c.take(8)
	case formDateTime:
		p.Value = c.take(int(c.uint8()))
		if n := len(p.Value); n != 0 && n != 4 && n != 7 && n != 11 {
			return false
		}
	case formTime:
		p.Value = c.take(int(c.uint8()))
		if n := len(p.Value); n != 0 && n != 8 && n != 12 {
			return false
		}
	case formBytes:
		p.Value = c.lenencBytes()
	default:
		return false
	}
	return true
}

// shortExecute is the error for fewer parameters than the statement has, as servers give it.
func shortExecute(format string, args ...any) *ServerError {
	e := NewError(ErrWrongArguments, format, args...)
	e.Message = "Incorrect arguments to mysqld_stmt_execute: " + e.Message
	return e
}

func malformedExecute(format string, args ...any) *ServerError {
	e := NewError(ErrMalformedPacket, format, args...)
	e.Message = "Malformed communication packet: COM_STMT_EXECUTE: " + e.Message
	return e
}

// AppendExecute writes a whole COM_STMT_EXECUTE payload (command byte
// included) for another statement id, always with types.
func AppendExecute(dst []byte, id uint32, flags byte, params []Param) []byte {
	dst = append(dst, byte(ComStmtExecute))
	dst = binary.LittleEndian.AppendUint32(dst, id)
	dst = append(dst, flags, 1, 0, 0, 0)
	if len(params) == 0 {
		return dst
	}
	bitmap := len(dst)
	for range (len(params) + 7) / 8 {
		dst = append(dst, 0)
	}
	dst = append(dst, 1)
	for i := range params {
		p := &params[i]
		sign := byte(0)
		if p.Unsigned {
			sign = paramUnsigned
		}
		dst = append(dst, byte(p.Type), sign)
		if p.Null {
			dst[bitmap+i/8] |= 1 << (i % 8)
		}
	}
	for i := range params {
		p := &params[i]
		if p.Null {
			continue
		}
		dst = appendParam(dst, p)
	}
	return dst
}

// appendParam appends a parameter's value.
func appendParam(dst []byte, p *Param) []byte {
	switch p.Type.form() {
	case formBytes:
		return appendLenencBytes(dst, p.Value)
	case formDateTime, formTime:
		return append(append(dst, byte(len(p.Value))), p.Value...)
	}
	return append(dst, p.Value...)
}
