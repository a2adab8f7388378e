package sharding

import (
	"bytes"
	"strconv"
)

func appendUint(dst []byte, v uint64) []byte { return strconv.AppendUint(dst, v, 10) }

// decimal is a number as digits: sign, digits before and after the point, with no zeros at either end.
type decimal struct {
	negative         bool
	whole, fraction  []byte
	exponentFraction bool // written with an exponent
}

// parseDecimal reads [+-]digits[.digits][e[+-]digits]. Nothing may surround it. Exponents are applied when the result is
// short; ok is false for everything else.
func parseDecimal(b []byte) (d decimal, ok bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		d.negative = b[0] == '-'
		b = b[1:]
	}
	i := 0
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	d.whole = b[:i]
	j := i
	if i < len(b) && b[i] == '.' {
		j = i + 1
		for j < len(b) && isDigit(b[j]) {
			j++
		}
		d.fraction = b[i+1 : j]
	}
	if len(d.whole)+len(d.fraction) == 0 {
		return d, false
	}
	if j < len(b) {
		if b[j]|0x20 != 'e' {
			return d, false
		}
		e, err := strconv.ParseInt(string(b[j+1:]), 10, 16)
		if err != nil || e > 40 || e < -40 {
			return d, false
		}
		d.exponentFraction = true
		d.shift(int(e))
	}
	d.whole = bytes.TrimLeft(d.whole, "0")
	d.fraction = bytes.TrimRight(d.fraction, "0")
	if len(d.whole)+len(d.fraction) == 0 {
		d.negative = false
	}
	return d, true
}

// shift multiplies by 10^e.
func (d *decimal) shift(e int) {
	digits := append(append([]byte(nil), d.whole...), d.fraction...)
	point := len(d.whole) + e
	for point < 0 {
		digits = append([]byte{'0'}, digits...)
		point++
	}
	for point > len(digits) {
		digits = append(digits, '0')
	}
	d.whole, d.fraction = digits[:point], digits[point:]
}

// significant is the number of digits between the first and the last that are not zero.
func (d *decimal) significant() int {
	if len(d.fraction) == 0 {
		return len(bytes.TrimRight(d.whole, "0"))
	}
	if len(d.whole) == 0 {
		return len(bytes.TrimLeft(d.fraction, "0"))
	}
	return len(d.whole) + len(d.fraction)
}

// integer is the value if it is whole and fits 64 bits.
func (d *decimal) integer() (k keyValue, ok bool) {
	if len(d.fraction) > 0 {
		return k, false
	}
	m, ok := parseDigits(d.whole)
	return intKey(d.negative, m), ok
}

// parseDigits reads digits that fit 64 bits; none are zero.
func parseDigits(b []byte) (uint64, bool) {
	if len(b) > 20 {
		if b = bytes.TrimLeft(b, "0"); len(b) > 20 {
			return 0, false
		}
	}
	var v uint64
	for i, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n := v*10 + uint64(c-'0')
		if i >= 19 && (v > ^uint64(0)/10 || n < v*10) {
			return 0, false
		}
		v = n
	}
	return v, true
}

// parseIntKey reads [-]digits.
func parseIntKey(b []byte) (keyValue, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 {
		return keyValue{}, false
	}
	m, ok := parseDigits(b)
	return intKey(negative, m), ok
}

// appendTo appends the canonical text: -12.5, 0, 0.25.
func (d *decimal) appendTo(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	if len(d.whole) == 0 {
		dst = append(dst, '0')
	}
	dst = append(dst, d.whole...)
	if len(d.fraction) > 0 {
		dst = append(dst, '.')
		dst = append(dst, d.fraction...)
	}
	return dst
}
