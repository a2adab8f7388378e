package sharding

import (
	"bytes"
	"unicode/utf8"
)

// The reading of a file for LOAD DATA, field by field, exactly as servers read it: a line that is cut elsewhere would
// put a row on the wrong shard. Its oddities are theirs: a line's end inside an enclosed field is data, but not behind the last
// column; an enclosing character inside a field stands for itself unless what follows ends the field; \N is NULL
// enclosed or not, the word NULL only where it is not.

// scanEnd says how a reading ended.
type scanEnd uint8

const (
	scanMore  scanEnd = iota // not before more of the file is there
	scanField                // a field, and its terminator
	scanLine                 // a line
	scanFile                 // the end of the file, with nothing before it
	scanBad                  // a byte that is no character of the file's character set
)

// fieldValue is one field of a line.
type fieldValue struct {
	found      bool
	start, end int    // as it stands in the line, with what encloses it
	text       []byte // without escapes
	enclosed   bool
	escapedN   bool // \N was in it
}

// null says whether servers take the field for NULL.
func (v *fieldValue) null(f *lineFormat) bool {
	if len(v.text) == 1 && v.escapedN {
		return true
	}
	return !v.enclosed && f.enclosed >= 0 && string(v.text) == "NULL"
}

func (v *fieldValue) add(b ...byte) {
	if v != nil {
		v.text = append(v.text, b...)
	}
}

// lineScan is one line that was read.
type lineScan struct {
	content int // where its fields begin
	fields  int // how many there were
	key, id *fieldValue
	keyAt   int // fields that are wanted; -1: none
	idAt    int
}

func (l *lineScan) wanted(i int) *fieldValue {
	if i == l.keyAt && i == l.idAt {
		return l.key
	}
	switch i {
	case l.keyAt:
		return l.key
	case l.idAt:
		return l.id
	}
	return nil
}

// line reads one line at the beginning of b and returns its length. final says that nothing follows b.
func (f *lineFormat) line(b []byte, final bool, l *lineScan) (int, scanEnd) {
	i := 0
	if len(f.lineStart) > 0 {
		at := bytes.Index(b, f.lineStart)
		switch {
		case at < 0 && final:
			return len(b), scanFile
		case at < 0:
			return 0, scanMore
		}
		i = at + len(f.lineStart)
	}
	l.content = i
	for _, v := range []*fieldValue{l.key, l.id} {
		*v = fieldValue{text: v.text[:0]}
	}
	for l.fields = 0; l.fields < f.columns; {
		var end scanEnd
		v := l.wanted(l.fields)
		i, end = f.field(b, i, final, v)
		switch end {
		case scanMore, scanBad:
			return i, end
		case scanFile:
			if l.fields == 0 {
				return i, scanFile
			}
			return i, scanLine
		}
		if v != nil {
			v.found = true
		}
		l.fields++
		if end == scanLine {
			return i, scanLine
		}
	}
	if len(f.lineEnd) == 0 {
		return i, scanLine
	}
	return f.rest(b, i, final)
}

// field reads a field at b[i:] and its terminator, and returns what is behind them. scanFile: nothing was there any more.
func (f *lineFormat) field(b []byte, i int, final bool, v *fieldValue) (int, scanEnd) {
	if i >= len(b) {
		if final {
			return i, scanFile
		}
		return i, scanMore
	}
	if v != nil {
		v.start = i
	}
	quoted := int(b[i]) == f.enclosed
	if quoted {
		i++
	}
	done := func(end int, enclosed bool) {
		if v != nil {
			v.end, v.enclosed = end, enclosed
		}
	}
	for i < len(b) {
		c := b[i]
		if int(c) == f.escape {
			if i+1 >= len(b) {
				if !final {
					return i, scanMore
				}
				v.add(c)
				i++
				break
			}
			if next := b[i+1]; f.escape != f.enclosed || next == c {
				i++
				if next < utf8.RuneSelf {
					if v != nil {
						v.escapedN = v.escapedN || next == 'N'
						v.text = append(v.text, unescapeField(next))
					}
					i++
					continue
				}
				c = next // a character as it is
			}
		}
		switch {
		case quoted && int(c) == f.enclosed:
			if i+1 >= len(b) {
				if !final {
					return i, scanMore
				}
				done(i+1, true)
				return i + 1, scanLine
			}
			if b[i+1] == c {
				v.add(c)
				i += 2
				continue
			}
			if n, more := terminator(b[i+1:], f.lineEnd, final); more {
				return i, scanMore
			} else if n > 0 {
				done(i+1, true)
				return i + 1 + n, scanLine
			}
			if n, more := terminator(b[i+1:], f.fieldEnd, final); more {
				return i, scanMore
			} else if n > 0 {
				done(i+1, true)
				return i + 1 + n, scanField
			}
		case !quoted:
			if n, more := terminator(b[i:], f.lineEnd, final); more {
				return i, scanMore
			} else if n > 0 {
				done(i, false)
				return i + n, scanLine
			}
			if n, more := terminator(b[i:], f.fieldEnd, final); more {
				return i, scanMore
			} else if n > 0 {
				done(i, false)
				return i + n, scanField
			}
		}
		n, end := f.character(b[i:], final)
		if end != scanField {
			return i, end
		}
		v.add(b[i : i+n]...)
		i += n
	}
	if !final {
		return i, scanMore
	}
	if v != nil && quoted { // never closed: what opened it is data
		v.text = append([]byte{byte(f.enclosed)}, v.text...)
	}
	done(i, false)
	return i, scanLine
}

// rest passes over what is behind the last column, to the line's end. Nothing is enclosed there.
func (f *lineFormat) rest(b []byte, i int, final bool) (int, scanEnd) {
	for i < len(b) {
		if int(b[i]) == f.escape {
			if i+1 >= len(b) {
				break
			}
			if b[i+1] >= utf8.RuneSelf && (f.charset.class == charsetUTF8 || f.charset.several) {
				return i, scanBad // servers differ in what they take for the character
			}
			i += 2
			continue
		}
		if n, more := terminator(b[i:], f.lineEnd, final); more {
			return i, scanMore
		} else if n > 0 {
			return i + n, scanLine
		}
		if b[i] >= utf8.RuneSelf && f.charset.several {
			return i, scanBad
		}
		n, end := f.character(b[i:], final)
		if end != scanField {
			return i, end
		}
		i += n
	}
	if !final {
		return i, scanMore
	}
	return len(b), scanLine
}

// character is the length of the character at the beginning of b.
func (f *lineFormat) character(b []byte, final bool) (int, scanEnd) {
	if b[0] < utf8.RuneSelf || f.charset.class != charsetUTF8 {
		return 1, scanField
	}
	if !final && !utf8.FullRune(b) {
		return 0, scanMore
	}
	if r, n := utf8.DecodeRune(b); r != utf8.RuneError || n > 1 {
		return n, scanField
	}
	return 0, scanBad
}

// terminator is the length of term if b begins with it; more says that this cannot be told yet.
func terminator(b, term []byte, final bool) (n int, more bool) {
	if len(term) == 0 || b[0] != term[0] {
		return 0, false
	}
	if len(b) >= len(term) {
		if bytes.HasPrefix(b, term) {
			return len(term), false
		}
		return 0, false
	}
	return 0, !final && bytes.HasPrefix(term, b)
}

// unescapeField is what \c stands for in a field.
func unescapeField(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case '0':
		return 0
	case 'Z':
		return 26
	}
	return c
}
