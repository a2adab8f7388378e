package protocol

import (
	"encoding/binary"
	"strconv"
)

// dateTime is a DATE, DATETIME or TIMESTAMP as the server holds it: zero and partly zero
// dates included, no time zone.
type dateTime struct {
	year, month, day, hour, minute, second int
	micro                                  int
}

// timeOfDay is a TIME: up to ±838:59:59.999999.
type timeOfDay struct {
	negative             bool
	hour, minute, second int // hour includes days
	micro                int
}

// digits reads decimal digits; ok is false if there are none or the number is over limit.
func digits(b []byte, limit int) (n int, rest []byte, ok bool) {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		if n = n*10 + int(b[i]-'0'); n > limit {
			return 0, b, false
		}
		i++
	}
	return n, b[i:], i > 0
}

// numbers reads a series of numbers with the given separators between them.
func numbers(b []byte, separators string, limits []int, into []*int) (rest []byte, ok bool) {
	for i, p := range into {
		if i > 0 {
			if len(b) == 0 || b[0] != separators[i-1] {
				return b, false
			}
			b = b[1:]
		}
		if *p, b, ok = digits(b, limits[i]); !ok {
			return b, false
		}
	}
	return b, true
}

// fraction reads ".ffffff" to the end, with up to six digits.
func fraction(b []byte) (micro int, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0] != '.' || len(b) > 7 {
		return 0, false
	}
	if len(b) == 1 {
		return 0, true
	}
	n, rest, ok := digits(b[1:], 999999)
	if !ok || len(rest) > 0 {
		return 0, false
	}
	for range 7 - len(b) {
		n *= 10
	}
	return n, true
}

func parseDateTime(text []byte) (t dateTime, err error) {
	rest, ok := numbers(text, "--", []int{9999, 12, 31}, []*int{&t.year, &t.month, &t.day})
	if ok && len(rest) > 0 {
		if rest[0] != ' ' && rest[0] != 'T' {
			ok = false
		} else if rest, ok = numbers(rest[1:], "::", []int{23, 59, 59}, []*int{&t.hour, &t.minute, &t.second}); ok {
			t.micro, ok = fraction(rest)
		}
	}
	if !ok {
		return t, malformed("%q is no date or datetime", clip(text))
	}
	return t, nil
}

func parseTime(text []byte) (t timeOfDay, err error) {
	rest := text
	if len(rest) > 0 && rest[0] == '-' {
		t.negative, rest = true, rest[1:]
	}
	rest, ok := numbers(rest, "::", []int{838, 59, 59}, []*int{&t.hour, &t.minute, &t.second})
	if ok {
		t.micro, ok = fraction(rest)
	}
	if !ok {
		return t, malformed("%q is no time", clip(text))
	}
	return t, nil
}

// appendBinary writes the length byte and as many parts as are not zero.
func (t dateTime) appendBinary(dst []byte) []byte {
	length := byte(0)
	switch {
	case t.micro != 0:
		length = 11
	case t.hour|t.minute|t.second != 0:
		length = 7
	case t.year|t.month|t.day != 0:
		length = 4
	}
	dst = append(dst, length)
	if length >= 4 {
		dst = append(dst, byte(t.year), byte(t.year>>8), byte(t.month), byte(t.day))
	}
	if length >= 7 {
		dst = append(dst, byte(t.hour), byte(t.minute), byte(t.second))
	}
	if length == 11 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(t.micro))
	}
	return dst
}

func (t timeOfDay) appendBinary(dst []byte) []byte {
	if t.hour|t.minute|t.second|t.micro == 0 {
		return append(dst, 0)
	}
	length, sign := byte(8), byte(0)
	if t.micro != 0 {
		length = 12
	}
	if t.negative {
		sign = 1
	}
	dst = append(dst, length, sign)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(t.hour/24))
	dst = append(dst, byte(t.hour%24), byte(t.minute), byte(t.second))
	if length == 12 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(t.micro))
	}
	return dst
}

// binaryDateTime reads a value without its length byte: 0, 4, 7 or 11 bytes.
func binaryDateTime(b []byte) (t dateTime, err error) {
	c := cursor{rest: b}
	switch len(b) {
	case 0:
		return t, nil
	case 4, 7, 11:
	default:
		return t, malformed("binary date of %d bytes", len(b))
	}
	t.year, t.month, t.day = int(c.uint16()), int(c.uint8()), int(c.uint8())
	if len(b) >= 7 {
		t.hour, t.minute, t.second = int(c.uint8()), int(c.uint8()), int(c.uint8())
	}
	if len(b) == 11 {
		t.micro = int(c.uint32())
	}
	if t.year > 9999 || t.month > 12 || t.day > 31 || t.hour > 23 || t.minute > 59 || t.second > 59 || t.micro > 999999 {
		return t, malformed("binary date out of range")
	}
	return t, nil
}

// binaryTime reads a value without its length byte: 0, 8 or 12 bytes. Hours are not cut at
// TIME's limit: what to do with more is the server's to say.
func binaryTime(b []byte) (t timeOfDay, err error) {
	c := cursor{rest: b}
	switch len(b) {
	case 0:
		return t, nil
	case 8, 12:
	default:
		return t, malformed("binary time of %d bytes", len(b))
	}
	t.negative = c.uint8() != 0
	days := c.uint32()
	hour := c.uint8()
	t.minute, t.second = int(c.uint8()), int(c.uint8())
	if len(b) == 12 {
		t.micro = int(c.uint32())
	}
	if days > 1<<20 || hour > 23 || t.minute > 59 || t.second > 59 || t.micro > 999999 {
		return t, malformed("binary time out of range")
	}
	t.hour = int(days)*24 + int(hour)
	return t, nil
}

func appendPadded(dst []byte, n, width int) []byte {
	for limit := 10; width > 1; width, limit = width-1, limit*10 {
		if n < limit {
			for ; width > 1; width-- {
				dst = append(dst, '0')
			}
		}
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

func (t dateTime) appendText(dst []byte, withTime bool) []byte {
	dst = appendPadded(dst, t.year, 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, t.month, 2)
	dst = append(dst, '-')
	dst = appendPadded(dst, t.day, 2)
	if !withTime {
		return dst
	}
	dst = append(dst, ' ')
	return timeOfDay{hour: t.hour, minute: t.minute, second: t.second, micro: t.micro}.appendText(dst)
}

func (t timeOfDay) appendText(dst []byte) []byte {
	if t.negative {
		dst = append(dst, '-')
	}
	dst = appendPadded(dst, t.hour, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, t.minute, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, t.second, 2)
	if t.micro != 0 {
		dst = append(dst, '.')
		dst = appendPadded(dst, t.micro, 6)
	}
	return dst
}

// clip keeps a value short enough for a message.
func clip(b []byte) []byte { return b[:min(len(b), 64)] }
