package sharding

// The look-up of a cached plan needs literals only: names, white space and plain punctuation are passed over here without
// making tokens of them. What begins anything else is left to scan.

type byteClass uint8

const (
	byteOther byteClass = iota
	byteSpace
	byteName  // begins a name and nothing else
	bytePunct // is a token of one byte, always
)

var byteClasses = func() (t [256]byteClass) {
	for c := range t {
		switch {
		case isSpace(byte(c)):
			t[c] = byteSpace
		case nameByte[c] && !isDigit(byte(c)) && c|0x20 != 'x' && c|0x20 != 'b':
			t[c] = byteName
		}
	}
	for _, c := range "(),=+<>!;%&|~^[]{}:" {
		t[c] = bytePunct
	}
	return t
}()

// nextLiteral returns the next literal, the end of the text, or what cannot be read.
func (s *scanner) nextLiteral() token {
	for s.pos < len(s.src) {
		switch byteClasses[s.src[s.pos]] {
		case byteSpace:
			s.pos++
		case byteName:
			s.skipName()
			s.prevWord, s.prevDot = true, false
		case bytePunct:
			s.pos++
			s.prevWord, s.prevDot = false, false
		default:
			t := s.next()
			if t.kind == tokLiteral || t.kind == tokBad || t.kind == tokEOF {
				return t
			}
		}
	}
	return token{kind: tokEOF, start: len(s.src), end: len(s.src)}
}
