package merge

import (
	"math/big"
	"strconv"
)

// decimalSum adds decimals given as text, exactly, whatever their length and
// scale. Sums of up to 18 digits cost no allocation.
type decimalSum struct {
	small int64
	big   *big.Int // used instead of small once that is too narrow
	scale int      // digits behind the point; never shrinks
}

const smallDigits = 18 // as many digits always fit an int64

func (s *decimalSum) add(f []byte) error {
	negative, whole, fraction, err := splitDecimal(f)
	if err != nil {
		return err
	}
	if s.big == nil && s.small == 0 {
		s.scale = max(s.scale, len(fraction))
	}
	if s.big == nil && len(fraction) == s.scale && len(whole)+len(fraction) <= smallDigits {
		v := digitsValue(digitsValue(0, whole), fraction)
		if negative {
			v = -v
		}
		if sum := s.small + v; (sum > s.small) == (v > 0) {
			s.small = sum
			return nil
		}
	}
	return s.addBig(negative, whole, fraction)
}

func digitsValue(v int64, digits []byte) int64 {
	for _, d := range digits {
		v = v*10 + int64(d-'0')
	}
	return v
}

func (s *decimalSum) addBig(negative bool, whole, fraction []byte) error {
	if s.big == nil {
		s.big = big.NewInt(s.small)
	}
	v, ok := new(big.Int).SetString(string(whole)+string(fraction), 10)
	if !ok {
		return badValue("decimal", append(append([]byte(nil), whole...), fraction...))
	}
	if negative {
		v.Neg(v)
	}
	switch d := len(fraction) - s.scale; {
	case d > 0:
		s.big.Mul(s.big, powerOfTen(d))
		s.scale = len(fraction)
	case d < 0:
		v.Mul(v, powerOfTen(-d))
	}
	s.big.Add(s.big, v)
	return nil
}

func (s *decimalSum) value() *big.Int {
	if s.big != nil {
		return s.big
	}
	return big.NewInt(s.small)
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// append writes the sum with its scale.
func (s *decimalSum) append(dst []byte) []byte {
	if s.big == nil && s.scale == 0 {
		return strconv.AppendInt(dst, s.small, 10)
	}
	return appendScaled(dst, s.value(), s.scale)
}

// appendScaled writes v / 10^scale with all its digits.
func appendScaled(dst []byte, v *big.Int, scale int) []byte {
	start := len(dst)
	dst = v.Append(dst, 10)
	if scale <= 0 {
		return dst
	}
	if dst[start] == '-' {
		start++
	}
	for len(dst)-start <= scale {
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	}
	point := len(dst) - scale
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

const wordDigits = 9 // decimal digits in a word of the server's decimals

func roundUpToWord(digits int) int { return (digits + wordDigits - 1) / wordDigits * wordDigits }

// appendAverage writes the sum divided by count with so many decimals, digit for
// digit as the server does (do_div_mod in strings/decimal.c, then to_string_round):
// the quotient is cut, not rounded, at a multiple of nine digits that has room for
// the result's increment over the sum's scale, and is then rounded half away from
// zero. So an average with nine decimals is cut, one with ten is rounded.
func (s *decimalSum) appendAverage(dst []byte, count uint64, decimals int) []byte {
	sumScale := roundUpToWord(s.scale)
	increment := max(decimals-s.scale-(sumScale-s.scale), 0)
	scale := roundUpToWord(sumScale + increment)

	v := new(big.Int).Mul(s.value(), powerOfTen(scale-s.scale))
	v.Quo(v, new(big.Int).SetUint64(count))
	if scale > decimals {
		unit := powerOfTen(scale - decimals)
		rest := new(big.Int)
		v.QuoRem(v, unit, rest)
		if rest.Abs(rest).Lsh(rest, 1).Cmp(unit) >= 0 {
			if s.value().Sign() < 0 {
				v.Sub(v, big.NewInt(1))
			} else {
				v.Add(v, big.NewInt(1))
			}
		}
	} else if scale < decimals {
		v.Mul(v, powerOfTen(decimals-scale))
	}
	return appendScaled(dst, v, decimals)
}
