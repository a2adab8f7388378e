package merge

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// parseInteger reads the text of any integer column: magnitude and sign.
func parseInteger(f []byte) (magnitude uint64, negative bool, err error) {
	digits := f
	if len(digits) > 0 && digits[0] == '-' {
		negative, digits = true, digits[1:]
	}
	if len(digits) == 0 {
		return 0, false, badValue("integer", f)
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false, badValue("integer", f)
		}
		next := magnitude*10 + uint64(d-'0')
		if magnitude > math.MaxUint64/10 || next < magnitude*10 {
			return 0, false, badValue("integer", f)
		}
		magnitude = next
	}
	return magnitude, negative && magnitude != 0, nil
}

func badValue(kind string, f []byte) error {
	if len(f) > 64 {
		f = f[:64]
	}
	return fmt.Errorf("read a shard's row: %q is no %s", f, kind)
}

func appendInteger(dst, f []byte) ([]byte, error) {
	magnitude, negative, err := parseInteger(f)
	if err != nil {
		return dst, err
	}
	return appendSigned(dst, magnitude, negative), nil
}

// appendSigned writes a sign and a magnitude of up to 64 bits: signed and
// unsigned columns of every width share the form.
func appendSigned(dst []byte, magnitude uint64, negative bool) []byte {
	if negative {
		return binary.BigEndian.AppendUint64(append(dst, 0), ^magnitude)
	}
	return binary.BigEndian.AppendUint64(append(dst, 1), magnitude)
}

// appendBit writes a BIT(n) value: up to 8 bytes, big-endian.
func appendBit(dst, f []byte) ([]byte, error) {
	if len(f) > 8 {
		return dst, badValue("BIT value", f)
	}
	var v uint64
	for _, b := range f {
		v = v<<8 | uint64(b)
	}
	return appendSigned(dst, v, false), nil
}

func parseFloat(f []byte) (float64, error) {
	v, err := strconv.ParseFloat(string(f), 64)
	if err != nil {
		return 0, badValue("number", f)
	}
	return v, nil
}

func appendFloat(dst, f []byte) ([]byte, error) {
	v, err := parseFloat(f)
	if err != nil {
		return dst, err
	}
	if v == 0 {
		v = 0 // -0 equals 0
	}
	bits := math.Float64bits(v)
	if bits>>63 != 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, bits), nil
}

// splitDecimal takes a decimal's text apart. Leading zeros of whole and trailing
// zeros of fraction are left.
func splitDecimal(f []byte) (negative bool, whole, fraction []byte, err error) {
	rest := f
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		negative, rest = rest[0] == '-', rest[1:]
	}
	whole = rest
	if dot := bytes.IndexByte(rest, '.'); dot >= 0 {
		whole, fraction = rest[:dot], rest[dot+1:]
	}
	if len(whole)+len(fraction) == 0 || !allDigits(whole) || !allDigits(fraction) {
		return false, nil, nil, badValue("decimal", f)
	}
	return negative, whole, fraction, nil
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// appendDecimal writes a decimal of any length and scale: a sign byte (0
// negative, 1 zero, 2 positive), then for others than zero the exponent (how many
// digits stand before the point, biased) and the digits without zeros at either
// end, closed by 0x00, all complemented for a negative value.
func appendDecimal(dst, f []byte) ([]byte, error) {
	negative, whole, fraction, err := splitDecimal(f)
	if err != nil {
		return dst, err
	}
	whole = bytes.TrimLeft(whole, "0")
	fraction = bytes.TrimRight(fraction, "0")
	exponent := len(whole)
	if len(whole) == 0 {
		significant := bytes.TrimLeft(fraction, "0")
		exponent = len(significant) - len(fraction)
		fraction = significant
	}
	if len(fraction) == 0 {
		whole = bytes.TrimRight(whole, "0")
		if len(whole) == 0 {
			return append(dst, 1), nil
		}
	}
	if negative {
		dst = append(dst, 0)
	} else {
		dst = append(dst, 2)
	}
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(exponent+1<<30))
	dst = append(dst, whole...)
	dst = append(dst, fraction...)
	dst = append(dst, 0)
	if negative {
		for i := start; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst, nil
}
