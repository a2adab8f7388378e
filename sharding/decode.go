package sharding

// decodeLiteral reads the value of a literal. Strings without escapes alias text; others are decoded into dst, which is
// returned grown.
func decodeLiteral(dst, text []byte, kind LiteralKind, negative, noBackslash bool) (v Value, _ []byte) {
	switch kind {
	case LitInt:
		m, ok := parseDigits(text)
		switch {
		case !ok:
			v.Kind = ValDecimal
		case !negative:
			return Value{Kind: ValUint, U: m}, dst
		case m <= 1<<63:
			return Value{Kind: ValInt, I: -int64(m)}, dst
		default:
			v.Kind = ValDecimal
		}
	case LitDecimal:
		v.Kind = ValDecimal
	case LitFloat:
		v.Kind = ValFloat
	case LitString, LitStrings:
		if negative {
			return Value{Kind: valUnknown}, dst
		}
		return decodeString(dst, text, noBackslash)
	case LitHex:
		if negative || text[0] != '0' {
			return Value{Kind: valUnknown}, dst // x'41' is a number on MySQL only
		}
		return decodeHex(dst, text[2:])
	default:
		return Value{Kind: valUnknown}, dst
	}
	if !negative {
		v.B = text
		return v, dst
	}
	at := len(dst)
	dst = append(append(dst, '-'), text...)
	v.B = dst[at:]
	return v, dst
}

func decodeHex(dst, digits []byte) (Value, []byte) {
	at := len(dst)
	var c byte
	for i, d := range digits {
		n := d & 15
		if d >= 'A' {
			n += 9
		}
		c = c<<4 | n
		if (len(digits)-i)%2 == 1 {
			dst = append(dst, c)
		}
	}
	return Value{Kind: valHybrid, B: dst[at:]}, dst
}

// decodeString reads 'it”s' "a\nb" and adjacent strings.
func decodeString(dst, text []byte, noBackslash bool) (Value, []byte) {
	quote := text[0]
	body := text[1 : len(text)-1]
	plain := true
	for _, c := range body {
		if c == quote || c == '\\' && !noBackslash {
			plain = false
			break
		}
	}
	if plain {
		return Value{Kind: ValString, B: body}, dst
	}
	at := len(dst)
	for i := 0; i < len(text); {
		quote = text[i]
		i++
		for i < len(text) {
			c := text[i]
			i++
			if c == quote {
				if i < len(text) && text[i] == quote {
					dst = append(dst, c)
					i++
					continue
				}
				break
			}
			if c != '\\' || noBackslash || i >= len(text) {
				dst = append(dst, c)
				continue
			}
			dst = appendEscaped(dst, text[i])
			i++
		}
		for i < len(text) && isSpace(text[i]) {
			i++
		}
	}
	return Value{Kind: ValString, B: dst[at:]}, dst
}

// appendEscaped appends what \c stands for. https://dev.mysql.com/doc/refman/8.0/en/string-literals.html
func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '0':
		return append(dst, 0)
	case 'b':
		return append(dst, '\b')
	case 'n':
		return append(dst, '\n')
	case 'r':
		return append(dst, '\r')
	case 't':
		return append(dst, '\t')
	case 'Z':
		return append(dst, 26)
	case '%', '_':
		return append(dst, '\\', c)
	}
	return append(dst, c)
}
