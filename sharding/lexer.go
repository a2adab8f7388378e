package sharding

// The lexer follows MySQL's: the shape of a text (everything but its literals) is the key of the plan cache, so what it
// takes for a literal must be what the server takes for one.

type tokenKind uint8

const (
	tokEOF     tokenKind = iota
	tokWord              // unquoted name or keyword
	tokQuoted            // `name`, or "name" with ANSI_QUOTES
	tokLiteral           // see lit
	tokParam             // ?
	tokVar               // @x, @@x, @@session.x, @'x'
	tokPunct             // one byte
	tokHint              // /*+ … */
	tokBad               // an unterminated quote or comment
)

type token struct {
	kind       tokenKind
	afterDot   bool // a word that follows a '.': a name even when it looks like a keyword
	lit        LiteralKind
	start, end int
}

type scanner struct {
	src         []byte
	pos         int
	ansiQuotes  bool
	noBackslash bool

	executable  bool // inside /*! … */
	conditional bool // the meaning of a comment depends on the server's kind and version
	prevWord    bool // the last token was a name: a '.' qualifies it
	prevDot     bool
}

func newScanner(env *Env, src []byte) scanner {
	return scanner{src: src, ansiQuotes: env.AnsiQuotes, noBackslash: env.NoBackslash}
}

// Bytes that begin or continue a name.
var nameByte = func() (t [256]bool) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-32] = true, true
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	t['_'], t['$'] = true, true
	for c := 0x80; c < 0x100; c++ {
		t[c] = true
	}
	return t
}()

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c-'0' < 10 }

func (s *scanner) at(i int) byte {
	if i < len(s.src) {
		return s.src[i]
	}
	return 0
}

// next returns the next token; comments and white space are skipped.
func (s *scanner) next() token {
	t := s.scan()
	t.afterDot = s.prevDot && (t.kind == tokWord || t.kind == tokQuoted)
	s.prevDot = t.kind == tokPunct && s.src[t.start] == '.'
	s.prevWord = t.kind == tokWord || t.kind == tokQuoted
	return t
}

func (s *scanner) scan() token {
	for s.pos < len(s.src) {
		start := s.pos
		c := s.src[start]
		switch {
		case isSpace(c):
			s.pos++
			continue
		case isDigit(c):
			if s.prevDot {
				s.skipName()
				return token{kind: tokWord, start: start, end: s.pos}
			}
			return s.number()
		case nameByte[c]:
			if (c|0x20 == 'x' || c|0x20 == 'b') && s.at(start+1) == '\'' && !s.prevDot {
				if t, ok := s.quotedNumber(); ok {
					return t
				}
			}
			s.skipName()
			return token{kind: tokWord, start: start, end: s.pos}
		case c == '\'' || c == '"' && !s.ansiQuotes:
			return s.text(c)
		case c == '"' || c == '`':
			if !s.skipQuotedName(c) {
				return token{kind: tokBad, start: start, end: s.pos}
			}
			return token{kind: tokQuoted, start: start, end: s.pos}
		case c == '#':
			s.skipLine()
			continue
		case c == '-' && s.at(start+1) == '-' && (start+2 >= len(s.src) || isSpace(s.src[start+2]) || s.src[start+2] < ' '):
			s.skipLine()
			continue
		case c == '/' && s.at(start+1) == '*':
			if t, ok := s.comment(); ok {
				return t
			}
			continue
		case c == '*' && s.executable && s.at(start+1) == '/':
			s.executable = false
			s.pos += 2
			continue
		case c == '@':
			return s.variable()
		case c == '?':
			s.pos++
			return token{kind: tokParam, start: start, end: s.pos}
		case c == '.' && isDigit(s.at(start+1)) && !s.prevWord:
			return s.number()
		}
		s.pos++
		return token{kind: tokPunct, start: start, end: s.pos}
	}
	return token{kind: tokEOF, start: len(s.src), end: len(s.src)}
}

func (s *scanner) skipName() {
	for s.pos < len(s.src) && nameByte[s.src[s.pos]] {
		s.pos++
	}
}

func (s *scanner) skipLine() {
	for s.pos < len(s.src) && s.src[s.pos] != '\n' {
		s.pos++
	}
}

// skipQuotedName moves behind a quoted name; the quote is doubled inside.
func (s *scanner) skipQuotedName(q byte) bool {
	for i := s.pos + 1; i < len(s.src); i++ {
		if s.src[i] == q {
			if s.at(i+1) == q {
				i++
				continue
			}
			s.pos = i + 1
			return true
		}
	}
	s.pos = len(s.src)
	return false
}

// skipString moves behind a string that begins at s.pos.
func (s *scanner) skipString(q byte) bool {
	src := s.src
	for i := s.pos + 1; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\\' && !s.noBackslash:
			i++
		case c == q:
			if s.at(i+1) == q {
				i++
				continue
			}
			s.pos = i + 1
			return true
		}
	}
	s.pos = len(src)
	return false
}

// text scans a string with the strings that follow it: adjacent strings are one value.
func (s *scanner) text(q byte) token {
	start := s.pos
	if !s.skipString(q) {
		return token{kind: tokBad, start: start, end: s.pos}
	}
	t := token{kind: tokLiteral, lit: LitString, start: start, end: s.pos}
	for {
		end := s.pos
		for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
			s.pos++
		}
		c := s.at(s.pos)
		if c != '\'' && (c != '"' || s.ansiQuotes) || s.pos == end && c == q {
			s.pos = end
			return t
		}
		if !s.skipString(c) {
			return token{kind: tokBad, start: start, end: s.pos}
		}
		t.end, t.lit = s.pos, LitStrings
	}
}

// quotedNumber scans x'41' and b'01'.
func (s *scanner) quotedNumber() (token, bool) {
	start := s.pos
	i := start + 2
	kind := LitHex
	digit := isHexDigit
	if s.src[start]|0x20 == 'b' {
		kind, digit = LitBit, isBitDigit
	}
	for i < len(s.src) && digit(s.src[i]) {
		i++
	}
	if s.at(i) != '\'' {
		return token{}, false
	}
	s.pos = i + 1
	return token{kind: tokLiteral, lit: kind, start: start, end: s.pos}, true
}

func isHexDigit(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
func isBitDigit(c byte) bool { return c == '0' || c == '1' }

// number scans 1, 1.5, .5, 1e5, 0x1F, 0b01; digits that run into letters are a name, as in MySQL.
func (s *scanner) number() token {
	start := s.pos
	if s.src[start] == '0' && (s.at(start+1) == 'x' || s.at(start+1) == 'b') {
		kind, digit := LitHex, isHexDigit
		if s.src[start+1] == 'b' {
			kind, digit = LitBit, isBitDigit
		}
		i := start + 2
		for i < len(s.src) && digit(s.src[i]) {
			i++
		}
		if i > start+2 && !nameByte[s.at(i)] {
			s.pos = i
			return token{kind: tokLiteral, lit: kind, start: start, end: i}
		}
	}
	i := start
	for isDigit(s.at(i)) {
		i++
	}
	kind := LitInt
	if s.at(i) == '.' {
		kind = LitDecimal
		i++
		for isDigit(s.at(i)) {
			i++
		}
	}
	if s.at(i)|0x20 == 'e' {
		j := i + 1
		if s.at(j) == '+' || s.at(j) == '-' {
			j++
		}
		if isDigit(s.at(j)) {
			for isDigit(s.at(j)) {
				j++
			}
			if kind == LitDecimal || !nameByte[s.at(j)] {
				s.pos = j
				return token{kind: tokLiteral, lit: LitFloat, start: start, end: j}
			}
		}
	}
	s.pos = i
	if kind == LitInt && i < len(s.src) && nameByte[s.src[i]] {
		s.skipName()
		return token{kind: tokWord, start: start, end: s.pos}
	}
	return token{kind: tokLiteral, lit: kind, start: start, end: i}
}

// variable scans @x, @'x', @@x and @@session.x; the whole is one token.
func (s *scanner) variable() token {
	start := s.pos
	s.pos++
	if s.at(s.pos) == '@' {
		s.pos++
	}
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case nameByte[c] || c == '.':
			s.pos++
			continue
		case c == '`':
			if !s.skipQuotedName(c) {
				return token{kind: tokBad, start: start, end: s.pos}
			}
			continue
		case (c == '\'' || c == '"') && s.pos == start+1:
			if !s.skipString(c) {
				return token{kind: tokBad, start: start, end: s.pos}
			}
		}
		break
	}
	return token{kind: tokVar, start: start, end: s.pos}
}
