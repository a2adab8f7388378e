package sharding

import "bytes"

// Executable comments are code for some servers: /*! … */ and /*!40101 … */ for MySQL from that version and for MariaDB,
// but MariaDB skips versions 5.7.0 to 9.99.99 (its own numbers go on at 10.0.0); /*M! … */ is for MariaDB alone.
// https://mariadb.com/kb/en/comment-syntax/
const (
	mysqlOnlyFrom  = 50700
	mariadbFrom    = 100000
	mariadbKnownTo = 101199 // later versions may or may not run the comment
)

// comment scans from "/*". It returns a token for hints and unterminated comments; otherwise the comment is skipped, or
// its text is entered when it is executable.
func (s *scanner) comment() (token, bool) {
	start := s.pos
	switch {
	case s.at(start+2) == '!':
		return s.executableComment(3, false)
	case s.at(start+2) == 'M' && s.at(start+3) == '!':
		return s.executableComment(4, true)
	}
	end := bytes.Index(s.src[min(start+2, len(s.src)):], []byte("*/"))
	if end < 0 {
		s.pos = len(s.src)
		return token{kind: tokBad, start: start, end: s.pos}, true
	}
	s.pos = start + 2 + end + 2
	if s.at(start+2) == '+' {
		return token{kind: tokHint, start: start, end: s.pos}, true
	}
	return token{}, false
}

func (s *scanner) executableComment(prefix int, mariadb bool) (token, bool) {
	start := s.pos
	i := start + prefix
	version, digits := 0, 0
	for digits < 6 && isDigit(s.at(i+digits)) {
		version = version*10 + int(s.src[i+digits]-'0')
		digits++
	}
	if digits < 5 {
		version, digits = 0, 0
	}
	code := version < mysqlOnlyFrom || version >= mariadbFrom && version <= mariadbKnownTo
	if mariadb || version >= mysqlOnlyFrom {
		s.conditional = true
	}
	if code {
		s.executable = true
		s.pos = i + digits
		return token{}, false
	}
	// Not code here; comments may nest in it.
	depth := 1
	for i += digits; i+1 < len(s.src); i++ {
		switch {
		case s.src[i] == '*' && s.src[i+1] == '/':
			depth--
			i++
			if depth == 0 {
				s.pos = i + 1
				return token{}, false
			}
		case s.src[i] == '/' && s.src[i+1] == '*':
			depth++
			i++
		}
	}
	s.pos = len(s.src)
	return token{kind: tokBad, start: start, end: s.pos}, true
}
