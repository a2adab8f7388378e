package protocol

// Attribute is a query attribute: a named value that a client with CLIENT_QUERY_ATTRIBUTES sends
// beside a statement.
type Attribute struct {
	Name string
	Param
}

// maxParameters is the most parameters and attributes that a server takes with one statement.
const maxParameters = 1<<16 - 1

// ParseQuery reads COM_QUERY behind its command byte, sent by a client with CLIENT_QUERY_ATTRIBUTES:
// its attributes, which are appended to dst[:0], and its text. Values and text alias payload. Errors
// are *ServerError 1835.
func ParseQuery(dst []Attribute, payload []byte) (attributes []Attribute, text []byte, err error) {
	dst = dst[:0]
	if len(payload) >= 2 && payload[0] == 0 && payload[1] == 1 { // as nearly always
		return dst, payload[2:], nil
	}
	c := cursor{rest: payload}
	n, sets := c.lenenc(), c.lenenc()
	if c.bad || n > maxParameters || sets != 1 {
		return dst, nil, malformedQuery("it does not begin with a number of attributes and one set of them")
	}
	if n == 0 {
		return dst, c.rest, nil
	}
	nulls := c.take(int(n+7) / 8)
	if bound := c.uint8(); c.bad || bound != 1 {
		return dst, nil, malformedQuery("its attributes have no types")
	}
	for range n {
		var a Attribute
		a.Type, a.Unsigned = ColumnType(c.uint8()), c.uint8()&paramUnsigned != 0
		a.Name = string(c.lenencBytes())
		if c.bad {
			return dst, nil, malformedQuery("it ends in its attributes' names")
		}
		dst = append(dst, a)
	}
	for i := range dst {
		p := &dst[i].Param
		if nulls[i/8]&(1<<(i%8)) != 0 || p.Type == TypeNull {
			p.Null = true
			continue
		}
		if !readParam(&c, p) || c.bad {
			return dst, nil, malformedQuery("it ends in its attributes' values")
		}
	}
	return dst, c.rest, nil
}

func malformedQuery(why string) *ServerError {
	return NewError(ErrMalformedPacket, "Malformed communication packet: COM_QUERY: %s", why)
}

// ParseExecuteWithAttributes is ParseExecute for a client with CLIENT_QUERY_ATTRIBUTES: parameters
// have names, and attributes follow them, which stand in dst.Attributes.
func ParseExecuteWithAttributes(dst *Execute, payload []byte, n int, types *[]ParamType, long [][]byte) error {
	return parseExecute(dst, payload, n, types, long, true)
}
