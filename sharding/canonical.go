package sharding

import "bytes"

// Canonical forms. Values that a column holds equal have one form; the hash goes over it, so the forms never change.
//
//	whole numbers   sign and magnitude, however written: 5, '5', 5.0
//	DECIMAL         [-]digits[.digits] without zeros at either end; 0 is "0"
//	text            the weights of the collation, without those of trailing spaces (collation.go)
//	binary text     the bytes, without trailing 0x00 (BINARY(n) adds them)
//	DATE            YYYYMMDD
//	DATETIME        YYYYMMDDhhmmss[.fraction without trailing zeros]
//	UUID            32 hexadecimal digits, lower case
//
// A form may be coarser than equality: unequal values may share it, equal values never differ in it.

// fit says how sure a conversion is.
type fit uint8

const (
	fitUnknown  fit = iota // the server may take it for a value that is not known here
	fitExact               // the canonical form is right
	fitNever               // comparing: no row can be equal
	fitOverflow            // storing: right, but the column cannot hold it; a strict server refuses it
)

type purpose uint8

const (
	comparing purpose = iota
	storing
)

// valHybrid is a value written 0x41: a number beside numbers, bytes beside strings. valUnknown is a constant whose value
// is not read.
const (
	valHybrid ValueKind = 100 + iota
	valUnknown
)

// convert brings v, which is not NULL, into the column's canonical form. dst is scratch memory for the text; it is
// returned grown.
func (t *keyType) convert(dst []byte, v *Value, cs charsetClass, why purpose) (keyValue, []byte, fit) {
	switch t.class {
	case keyInt:
		k, f := t.convertInt(v, why)
		return k, dst, f
	case keyDecimal:
		return t.convertDecimal(dst, v, why)
	case keyText:
		return t.convertText(dst, v, cs, why)
	case keyBytes:
		return t.convertBytes(dst, v, why)
	case keyDate, keyMoment:
		return t.convertMoment(dst, v, why)
	case keyUUID:
		return convertUUID(dst, v)
	}
	return keyValue{}, dst, fitUnknown
}

// A string beside a number is compared as a double: up to this many digits a decimal number has its own double.
const doubleDigits = 15

func (t *keyType) convertInt(v *Value, why purpose) (k keyValue, f fit) {
	switch v.Kind {
	case ValInt:
		k = signedKey(v.I)
	case ValUint:
		k = intKey(false, v.U)
	case valHybrid:
		if len(v.B) > 8 || why == comparing { // = takes it for a number, rows and lists for a string
			return k, fitUnknown
		}
		var m uint64
		for _, c := range v.B {
			m = m<<8 | uint64(c)
		}
		k = intKey(false, m)
	case ValDecimal, ValFloat, ValString, ValBytes:
		if k, f = parseInteger(v, why); f != fitExact {
			return k, f
		}
	default:
		return k, fitUnknown
	}
	if k.compare(t.min) < 0 || k.compare(t.max) > 0 {
		if why == storing {
			return k, fitOverflow
		}
		return k, fitNever
	}
	return k, fitExact
}

func parseInteger(v *Value, why purpose) (keyValue, fit) {
	text := v.B
	if v.Kind == ValString || v.Kind == ValBytes {
		if k, ok := parseIntKey(text); ok && (why == storing || len(text) <= doubleDigits) {
			return k, fitExact
		}
		if why == comparing {
			return keyValue{}, fitUnknown
		}
	}
	d, ok := parseDecimal(text)
	if !ok {
		return keyValue{}, fitUnknown
	}
	k, whole := d.integer()
	switch {
	case v.Kind == ValFloat:
		if whole && k.magnitude < 1<<53 {
			return k, fitExact
		}
		return k, fitUnknown
	case whole:
		return k, fitExact
	case v.Kind == ValDecimal && why == comparing:
		return k, fitNever
	}
	return k, fitUnknown
}

func (t *keyType) convertDecimal(dst []byte, v *Value, why purpose) (k keyValue, _ []byte, f fit) {
	var d decimal
	var ok bool
	switch v.Kind {
	case ValInt, ValUint:
		k := signedKey(v.I)
		if v.Kind == ValUint {
			k = intKey(false, v.U)
		}
		at := len(dst)
		dst = appendIntKey(dst, &k)
		d, ok = parseDecimal(dst[at:])
	case ValDecimal:
		d, ok = parseDecimal(v.B)
	case ValFloat, ValString, ValBytes:
		d, ok = parseDecimal(v.B)
		if d.significant() > doubleDigits || why == comparing && t.precision > doubleDigits || d.exponentFraction && v.Kind != ValFloat {
			ok = false
		}
	}
	if !ok {
		return k, dst, fitUnknown
	}
	f = fitExact
	if why == storing {
		if len(d.fraction) > t.scale {
			return k, dst, fitUnknown // the server would round
		}
		if len(d.whole) > t.precision-t.scale {
			f = fitOverflow
		}
	}
	at := len(dst)
	dst = d.appendTo(dst)
	k.text = dst[at:]
	return k, dst, f
}

func (t *keyType) convertText(dst []byte, v *Value, cs charsetClass, why purpose) (k keyValue, _ []byte, f fit) {
	text := v.B
	switch v.Kind {
	case ValString:
		if cs == charsetBinary {
			cs = t.collation.asBytes()
		}
	case ValBytes, valHybrid:
		cs = t.collation.asBytes()
	case ValInt, ValUint:
		if why == comparing {
			return k, dst, fitUnknown // compared as doubles
		}
		k := signedKey(v.I)
		if v.Kind == ValUint {
			k = intKey(false, v.U)
		}
		at := len(dst)
		dst = appendIntKey(dst, &k)
		text = dst[at:]
	default:
		return k, dst, fitUnknown
	}
	at := len(dst)
	dst, chars, ok := t.collation.appendCanonical(dst, text, cs)
	if !ok {
		return k, dst, fitUnknown
	}
	k.text = dst[at:]
	if why == storing && t.length > 0 && chars > t.length {
		return k, dst, fitOverflow
	}
	return k, dst, fitExact
}

func (t *keyType) convertBytes(dst []byte, v *Value, why purpose) (k keyValue, _ []byte, f fit) {
	text := v.B
	switch v.Kind {
	case ValString, ValBytes, valHybrid:
	case ValInt, ValUint:
		if why == comparing {
			return k, dst, fitUnknown
		}
		k := signedKey(v.I)
		if v.Kind == ValUint {
			k = intKey(false, v.U)
		}
		at := len(dst)
		dst = appendIntKey(dst, &k)
		text = dst[at:]
	default:
		return k, dst, fitUnknown
	}
	if why == storing && t.length > 0 && len(text) > t.length {
		f = fitOverflow
	} else {
		f = fitExact
	}
	at := len(dst)
	dst = append(dst, bytes.TrimRight(text, "\x00")...)
	k.text = dst[at:]
	return k, dst, f
}

// convertUUID takes the two usual spellings; the server knows more.
func convertUUID(dst []byte, v *Value) (k keyValue, _ []byte, f fit) {
	if v.Kind != ValString && v.Kind != ValBytes || len(v.B) != 32 && len(v.B) != 36 {
		return k, dst, fitUnknown
	}
	at := len(dst)
	for i, c := range v.B {
		if len(v.B) == 36 && (i == 8 || i == 13 || i == 18 || i == 23) {
			if c != '-' {
				return k, dst, fitUnknown
			}
			continue
		}
		if !isHexDigit(c) {
			return k, dst, fitUnknown
		}
		if c >= 'A' && c <= 'F' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	k.text = dst[at:]
	return k, dst, fitExact
}
