package protocol

import (
	"encoding/binary"
	"math"
	"strconv"
	"unsafe"
)

// Binary rows start with a zero byte and a bitmap whose first two bits are unused
// (protocol page "Binary Protocol Resultset Row").
const nullBitmapOffset = 2

// AppendBinaryRow converts a row of text-protocol fields into the binary
// protocol's encoding for the columns' types (a prepared statement's answer
// whose parts were fetched as text). A FLOAT is as exact as its text, which servers cut to
// six digits.
func AppendBinaryRow(dst []byte, row []Field, columns []Column) ([]byte, error) {
	if len(row) != len(columns) {
		return dst, malformed("row of %d fields for %d columns", len(row), len(columns))
	}
	dst = append(dst, 0)
	bitmap := len(dst)
	for range (len(columns) + nullBitmapOffset + 7) / 8 {
		dst = append(dst, 0)
	}
	var err error
	for i, f := range row {
		if f == nil {
			bit := i + nullBitmapOffset
			dst[bitmap+bit/8] |= 1 << (bit % 8)
			continue
		}
		if dst, err = appendBinaryField(dst, f, &columns[i]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendBinaryField(dst []byte, f Field, col *Column) ([]byte, error) {
	switch form := col.Type.form(); form {
	case formBytes:
		return appendLenencBytes(dst, f), nil
	case formInt1, formInt2, formInt4, formInt8:
		bits := 8 << (form - formInt1)
		n, err := parseInteger(f, bits, col.unsigned() || col.Type == TypeYear)
		if err != nil {
			return dst, columnError(col, f)
		}
		return appendInteger(dst, n, bits), nil
	case formFloat4:
		x, err := strconv.ParseFloat(borrow(f), 32)
		if err != nil {
			return dst, columnError(col, f)
		}
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(x))), nil
	case formFloat8:
		x, err := strconv.ParseFloat(borrow(f), 64)
		if err != nil {
			return dst, columnError(col, f)
		}
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x)), nil
	case formDateTime:
		t, err := parseDateTime(f)
		if err != nil {
			return dst, columnError(col, f)
		}
		return t.appendBinary(dst), nil
	case formTime:
		t, err := parseTime(f)
		if err != nil {
			return dst, columnError(col, f)
		}
		return t.appendBinary(dst), nil
	}
	return dst, malformed("column %q has type %#x, which has no binary form", col.Name, byte(col.Type))
}

func columnError(col *Column, f Field) error {
	return malformed("column %q of type %#x cannot hold %q", col.Name, byte(col.Type), clip(f))
}

// borrow reads bytes as a string for the length of a call that keeps nothing.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// parseInteger reads a decimal integer (zerofilled or not) as its two's complement.
func parseInteger(f Field, bits int, unsigned bool) (uint64, error) {
	if unsigned {
		return strconv.ParseUint(borrow(f), 10, bits)
	}
	n, err := strconv.ParseInt(borrow(f), 10, bits)
	return uint64(n), err
}

func appendInteger(dst []byte, n uint64, bits int) []byte {
	switch bits {
	case 8:
		return append(dst, byte(n))
	case 16:
		return binary.LittleEndian.AppendUint16(dst, uint16(n))
	case 32:
		return binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	return binary.LittleEndian.AppendUint64(dst, n)
}
