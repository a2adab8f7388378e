package merge

import "bytes"

// trimFraction cuts the zeros at the end of a fraction of seconds, so that
// moments of different precision compare as values. All other parts of a DATE,
// DATETIME and TIMESTAMP have a fixed width: their texts sort as they are.
func trimFraction(f []byte) []byte {
	if bytes.IndexByte(f, '.') < 0 {
		return f
	}
	return bytes.TrimRight(bytes.TrimRight(f, "0"), ".")
}

// appendTime writes a TIME, [-]H…H:MM:SS[.ffffff], as signed microseconds.
func appendTime(dst, f []byte) ([]byte, error) {
	rest := f
	negative := false
	if len(rest) > 0 && rest[0] == '-' {
		negative, rest = true, rest[1:]
	}
	var parts [3]uint64
	part, digits := 0, 0
	i := 0
	for ; i < len(rest) && rest[i] != '.'; i++ {
		switch c := rest[i]; {
		case c >= '0' && c <= '9' && digits < 9:
			parts[part] = parts[part]*10 + uint64(c-'0')
			digits++
		case c == ':' && part < 2 && digits > 0:
			part, digits = part+1, 0
		default:
			return dst, badValue("TIME value", f)
		}
	}
	if part != 2 || digits == 0 {
		return dst, badValue("TIME value", f)
	}
	micros := (parts[0]*3600 + parts[1]*60 + parts[2]) * 1e6
	unit := uint64(1e5)
	for i++; i < len(rest); i++ {
		c := rest[i]
		if c < '0' || c > '9' {
			return dst, badValue("TIME value", f)
		}
		micros += uint64(c-'0') * unit
		unit /= 10
	}
	return appendSigned(dst, micros, negative && micros != 0), nil
}
