package sharding

import "bytes"

// convertMoment reads YYYY-MM-DD[( |T)hh:mm:ss[.fraction]], the one spelling that leaves no doubt. Others, and dates that
// do not exist, are left to the server.
func (t *keyType) convertMoment(dst []byte, v *Value, why purpose) (k keyValue, _ []byte, f fit) {
	if v.Kind != ValString && v.Kind != ValTemporal && v.Kind != ValBytes {
		return k, dst, fitUnknown
	}
	b := v.B
	year, ok1 := digits(b, 0, 4)
	month, ok2 := digits(b, 5, 2)
	day, ok3 := digits(b, 8, 2)
	if !ok1 || !ok2 || !ok3 || b[4] != '-' || b[7] != '-' || !validDate(year, month, day) {
		return k, dst, fitUnknown
	}
	at := len(dst)
	dst = append(append(append(dst, b[:4]...), b[5:7]...), b[8:10]...)
	var fraction []byte
	clock := []byte("000000")
	if len(b) > 10 {
		hour, ok1 := digits(b, 11, 2)
		minute, ok2 := digits(b, 14, 2)
		second, ok3 := digits(b, 17, 2)
		if !ok1 || !ok2 || !ok3 || b[10] != ' ' && b[10] != 'T' || b[13] != ':' || b[16] != ':' || hour > 23 || minute > 59 || second > 59 {
			return k, dst, fitUnknown
		}
		clock = append(append(append(clock[:0], b[11:13]...), b[14:16]...), b[17:19]...)
		if len(b) > 19 {
			fraction = b[20:]
			if _, ok := digits(b, 20, len(fraction)); b[19] != '.' || !ok || len(fraction) > 6 {
				return k, dst, fitUnknown
			}
			fraction = bytes.TrimRight(fraction, "0")
		}
	}
	if t.class == keyDate {
		if string(clock) != "000000" || len(fraction) > 0 {
			if why == comparing {
				return k, dst, fitNever
			}
			return k, dst, fitUnknown
		}
		k.text = dst[at:]
		return k, dst, fitExact
	}
	dst = append(dst, clock...)
	if len(fraction) > 0 {
		if why == storing && len(fraction) > t.scale {
			return k, dst, fitUnknown // the server would round
		}
		dst = append(append(dst, '.'), fraction...)
	}
	k.text = dst[at:]
	return k, dst, fitExact
}

func digits(b []byte, at, n int) (v int, ok bool) {
	if n == 0 || len(b) < at+n {
		return 0, false
	}
	for _, c := range b[at : at+n] {
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

var monthDays = [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func validDate(year, month, day int) bool {
	if year == 0 && month == 0 && day == 0 {
		return true // the zero date
	}
	if month < 1 || month > 12 || day < 1 || day > monthDays[month-1] {
		return false
	}
	return month != 2 || day < 29 || year%4 == 0 && (year%100 != 0 || year%400 == 0)
}
