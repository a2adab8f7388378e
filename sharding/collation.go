package sharding

import (
	"strings"
	"unicode/utf8"
)

// collation is how text of a column compares, as far as placing rows needs it.
type collation struct {
	name   string
	utf8   bool // the column's bytes are UTF-8
	binary bool // characters compare by their code points
}

// collations are those whose equality is known, and so can be a shard key's.
var collations = func() map[string]*collation {
	m := make(map[string]*collation)
	add := func(c collation) { m[c.name] = &c }
	for _, cs := range []string{"utf8", "utf8mb3", "utf8mb4"} {
		add(collation{name: cs + "_bin", utf8: true, binary: true})
		add(collation{name: cs + "_nopad_bin", utf8: true, binary: true})
		add(collation{name: cs + "_general_ci", utf8: true})
		add(collation{name: cs + "_unicode_ci", utf8: true})
	}
	add(collation{name: "latin1_bin", binary: true})
	add(collation{name: "latin1_swedish_ci"})
	add(collation{name: "ascii_bin", utf8: true, binary: true})
	add(collation{name: "ascii_general_ci", utf8: true})
	return m
}()

// asBytes is how a binary string is read that is compared with the column: byte by byte, so in the column's own set.
func (c *collation) asBytes() charsetClass {
	if c.utf8 {
		return charsetUTF8
	}
	return charsetASCII
}

// appendCanonical appends the canonical form of text, which is in the client's character set cs. chars is its length in
// characters without trailing spaces. ok is false when the text cannot be read.
func (c *collation) appendCanonical(dst, text []byte, cs charsetClass) (_ []byte, chars int, ok bool) {
	at := len(dst)
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			if r, n, ok = decodeRune(text[i:], cs); !ok {
				return dst, 0, false
			}
		}
		i += n
		chars++
		if c.binary {
			dst = utf8.AppendRune(dst, r)
			continue
		}
		if r < ' ' || r > '~' {
			return dst, 0, false
		}
		if r >= 'a' && r <= 'z' {
			r -= 32
		}
		dst = append(dst, byte(r))
	}
	trimmed := len(strings.TrimRight(string(dst[at:]), " "))
	chars -= len(dst) - at - trimmed
	return dst[:at+trimmed], chars, true
}

func decodeRune(b []byte, cs charsetClass) (rune, int, bool) {
	switch cs {
	case charsetUTF8:
		r, n := utf8.DecodeRune(b)
		return r, n, n > 1
	case charsetLatin1:
		return cp1252[b[0]-0x80], 1, true
	}
	return 0, 0, false
}

// cp1252 is what MySQL's latin1 has from 0x80 on; the five bytes that Windows leaves out stand for themselves.
var cp1252 = func() (t [128]rune) {
	for i := range t {
		t[i] = rune(0x80 + i)
	}
	copy(t[:], []rune{
		'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
		0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
	})
	return t
}()
