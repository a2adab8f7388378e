package protocol

// Field is one value of a row as its text-protocol bytes; nil is NULL.
type Field []byte

// ParseTextRow splits a text row in place: fields alias payload and are appended to
// dst[:0].
func ParseTextRow(dst []Field, payload []byte, columns int) ([]Field, error) {
	dst = dst[:0]
	rest := payload
	for i := range columns {
		if len(rest) > 0 && rest[0] == nullField {
			dst = append(dst, nil)
			rest = rest[1:]
			continue
		}
		n, size := lenencInt(rest)
		if size == 0 || n > uint64(len(rest)-size) {
			return dst, malformed("text row of %d bytes is cut short at column %d of %d", len(payload), i+1, columns)
		}
		end := size + int(n)
		dst = append(dst, Field(rest[size:end:end]))
		rest = rest[end:]
	}
	if len(rest) > 0 {
		return dst, malformed("text row has %d bytes behind its %d columns", len(rest), columns)
	}
	return dst, nil
}

// AppendTextRow builds a text row payload on dst.
func AppendTextRow(dst []byte, row []Field) []byte {
	for _, f := range row {
		if f == nil {
			dst = append(dst, nullField)
		} else {
			dst = appendLenencBytes(dst, f)
		}
	}
	return dst
}
