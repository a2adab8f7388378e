package protocol

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendParamLiteral renders a parameter as an SQL literal that means the same
// under any sql_mode. charset is the client's character set; empty means utf8mb4.
//
//   - Integers, decimals: digits. (That a small integer is unsigned is lost: SQL has no such literal.) Floating point: with an exponent, so that it stays a DOUBLE.
//   - Temporal values: quoted strings, which the server converts where the other operand is temporal. (Typed
//     literals such as DATE'…' would refuse zero dates under some sql_modes.)
//   - Strings: quoted where nothing in them depends on NO_BACKSLASH_ESCAPES or on the
//     connection's character set: the literal then has the connection's collation, as a bound string has.
//     Otherwise in hex with an introducer: `_utf8mb4 X'…'`, which has its character set's default
//     collation, and gives way to a column's as any literal does.
//   - Blobs, and strings that are not valid in utf8mb4: `_binary X'…'`.
//
// A value that has no literal (NaN, a malformed decimal) is *ServerError 1210.
func AppendParamLiteral(dst []byte, p *Param, charset string) ([]byte, error) {
	if p.Null || p.Type == TypeNull {
		return append(dst, "NULL"...), nil
	}
	switch form := p.Type.form(); form {
	case formInt1, formInt2, formInt4, formInt8:
		return appendIntegerLiteral(dst, p, 1<<(form-formInt1))
	case formFloat4:
		if len(p.Value) != 4 {
			return dst, badParam(p)
		}
		return appendFloatLiteral(dst, p, float64(math.Float32frombits(binary.LittleEndian.Uint32(p.Value))))
	case formFloat8:
		if len(p.Value) != 8 {
			return dst, badParam(p)
		}
		return appendFloatLiteral(dst, p, math.Float64frombits(binary.LittleEndian.Uint64(p.Value)))
	case formDateTime:
		t, err := binaryDateTime(p.Value)
		if err != nil {
			return dst, badParam(p)
		}
		dst = append(dst, '\'')
		dst = t.appendText(dst, p.Type != TypeDate && p.Type != TypeNewDate)
		return append(dst, '\''), nil
	case formTime:
		t, err := binaryTime(p.Value)
		if err != nil {
			return dst, badParam(p)
		}
		return append(t.appendText(append(dst, '\'')), '\''), nil
	}
	switch p.Type {
	case TypeDecimal, TypeNewDecimal:
		if !isDecimal(p.Value) {
			return dst, badParam(p)
		}
		return append(dst, p.Value...), nil
	case TypeTinyBlob, TypeMediumBlob, TypeLongBlob, TypeBlob, TypeGeometry, TypeBit, TypeVector:
		return appendHexLiteral(dst, "binary", p.Value), nil
	case TypeVarchar, TypeVarString, TypeString, TypeEnum, TypeSet, TypeJSON:
		return appendStringLiteral(dst, p, charset)
	}
	return dst, badParam(p)
}

func badParam(p *Param) *ServerError {
	return NewError(ErrWrongArguments, "Incorrect arguments to EXECUTE: a parameter of type %#x has no literal for its value", byte(p.Type))
}

func appendIntegerLiteral(dst []byte, p *Param, size int) ([]byte, error) {
	if len(p.Value) != size {
		return dst, badParam(p)
	}
	var n uint64
	for i, b := range p.Value {
		n |= uint64(b) << (8 * i)
	}
	if p.Unsigned {
		return strconv.AppendUint(dst, n, 10), nil
	}
	unused := 64 - 8*size
	return strconv.AppendInt(dst, int64(n<<unused)>>unused, 10), nil
}

func appendFloatLiteral(dst []byte, p *Param, x float64) ([]byte, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dst, badParam(p)
	}
	return strconv.AppendFloat(dst, x, 'e', -1, 64), nil
}

// isDecimal says whether b is [+-] digits [. digits] [e [+-] digits] with a digit before
// the exponent.
func isDecimal(b []byte) bool {
	sign := func() {
		if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
	}
	skip := func() (n int) {
		for len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
			b = b[1:]
			n++
		}
		return n
	}
	sign()
	n := skip()
	if len(b) > 0 && b[0] == '.' {
		b = b[1:]
		n += skip()
	}
	if n == 0 {
		return false
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		b = b[1:]
		sign()
		if skip() == 0 {
			return false
		}
	}
	return len(b) == 0
}

func appendStringLiteral(dst []byte, p *Param, charset string) ([]byte, error) {
	isUTF8 := charset == "" || charset == "utf8mb4" || charset == "utf8" || charset == "utf8mb3"
	ascii, backslash := true, false
	for _, b := range p.Value {
		ascii = ascii && b < utf8.RuneSelf
		backslash = backslash || b == '\\'
	}
	switch {
	case !backslash && (ascii || isUTF8 && utf8.Valid(p.Value)):
		return appendQuoted(dst, p.Value), nil
	case !isUTF8:
		for _, b := range []byte(charset) {
			if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_' {
				return dst, NewError(ErrUnknown, "character set name %q is not one", charset)
			}
		}
		return appendHexLiteral(dst, charset, p.Value), nil
	case !utf8.Valid(p.Value):
		return appendHexLiteral(dst, "binary", p.Value), nil
	}
	return appendHexLiteral(dst, "utf8mb4", p.Value), nil
}

// appendQuoted doubles quotes, which every sql_mode reads alike.
func appendQuoted(dst, value []byte) []byte {
	dst = append(dst, '\'')
	for _, b := range value {
		if b == '\'' {
			dst = append(dst, '\'')
		}
		dst = append(dst, b)
	}
	return append(dst, '\'')
}

func appendHexLiteral(dst []byte, charset string, value []byte) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(append(dst, '_'), charset...)
	dst = append(dst, " X'"...)
	for _, b := range value {
		dst = append(dst, hex[b>>4], hex[b&15])
	}
	return append(dst, '\'')
}
