package merge

import "strconv"

// appendDouble writes a double as the server writes it: with decimals digits
// behind the point, or, when the column has no fixed number of them, as my_gcvt does
// (strings/dtoa.c of MariaDB): the shortest digits that give the number back, with
// an exponent only below 1e-15, and from 1e15 on where no digits stand behind the point.
func appendDouble(dst []byte, v float64, decimals int) []byte {
	if decimals < notFixedDecimals {
		return strconv.AppendFloat(dst, v, 'f', decimals, 64)
	}
	if v == 0 {
		return append(dst, '0')
	}
	var scratch [32]byte
	// d.ddde±xx
	text := strconv.AppendFloat(scratch[:0], v, 'e', -1, 64)
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	exponent, err := strconv.Atoi(string(text[e+1:]))
	if err != nil { // +Inf, NaN: no server sends them
		return append(dst, text...)
	}
	digits := e - 1 // without the point
	if text[0] == '-' {
		digits--
	}
	if exponent >= -15 && exponent < 15 || exponent >= 15 && digits > exponent+1 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	dst = append(dst, text[:e+1]...)
	return strconv.AppendInt(dst, int64(exponent), 10)
}
