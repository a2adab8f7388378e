package sharding

import (
	"bytes"
	"unicode/utf8"
)

// collation is how text of a column compares, as far as placing rows needs it.
//
// The canonical form of a text is, for binary collations, its characters in UTF-8; for the others the weights of its
// characters, two bytes each. What stands for spaces at the end is left out, also under NO PAD collations, where it makes
// the form coarser but not wrong.
type collation struct {
	name   string
	family string // of weights, "" where characters compare by their code points
	utf8   bool   // the column's bytes are UTF-8, and it holds all characters
	latin1 bool   // the column holds what cp1252 has
	coarse bool   // weights that contractions touch are left out: see keepsWeight
}

// collations are those whose equality is known, and so can be a shard key's. Not among them are collations of languages
// (contractions such as ch), and MySQL's utf8mb4_0900 ones with the exception of the binary one.
var collations = func() map[string]*collation {
	m := make(map[string]*collation)
	add := func(c collation) { m[c.name] = &c }
	for _, cs := range []string{"utf8", "utf8mb3", "utf8mb4"} {
		for _, n := range []string{"_bin", "_nopad_bin"} {
			add(collation{name: cs + n, utf8: true})
		}
		for _, n := range []string{"_general_ci", "_general_nopad_ci"} {
			add(collation{name: cs + n, family: "general", utf8: true})
		}
		for _, n := range []string{"_unicode_ci", "_unicode_nopad_ci"} {
			add(collation{name: cs + n, family: "uca400", utf8: true})
		}
		for _, n := range []string{"_unicode_520_ci", "_unicode_520_nopad_ci"} {
			add(collation{name: cs + n, family: "uca520", utf8: true})
		}
		for _, n := range []string{"_ai_ci", "_ai_cs", "_as_ci", "_as_cs"} { // what is equal with accents and case is so without
			add(collation{name: cs + "_uca1400" + n, family: "uca1400", utf8: true, coarse: true})
			add(collation{name: cs + "_uca1400_nopad" + n, family: "uca1400", utf8: true, coarse: true})
		}
	}
	add(collation{name: "utf8mb4_0900_bin", utf8: true})
	for _, n := range []string{"latin1_bin", "latin1_nopad_bin"} {
		add(collation{name: n, latin1: true})
	}
	for _, n := range []string{"latin1_swedish_ci", "latin1_swedish_nopad_ci"} {
		add(collation{name: n, family: "swedish", latin1: true})
	}
	for _, n := range []string{"latin1_general_ci", "latin1_general_cs"} {
		add(collation{name: n, family: "general1", latin1: true})
	}
	for _, n := range []string{"ascii_bin", "ascii_nopad_bin"} {
		add(collation{name: n})
	}
	for _, n := range []string{"ascii_general_ci", "ascii_general_nopad_ci"} {
		add(collation{name: n, family: "general"})
	}
	return m
}()

// asBytes is how a binary string is read that is compared with the column: byte by byte, so in the column's own set.
func (c *collation) asBytes() charsetClass {
	switch {
	case c.utf8:
		return charsetUTF8
	case c.latin1:
		return charsetLatin1
	}
	return charsetASCII
}

// appendCanonical appends the canonical form of text, which is in the client's character set cs. chars is its length in
// characters without trailing spaces. ok is false when the text cannot be read, or the column cannot hold it.
func (c *collation) appendCanonical(dst, text []byte, cs charsetClass) (_ []byte, chars int, ok bool) {
	var weights *weightTable
	if c.family != "" {
		all, err := tables()
		if err != nil {
			return dst, 0, false
		}
		weights = all[c.family]
	}
	at := len(dst)
	text = bytes.TrimRight(text, " ")
	for i := 0; i < len(text); chars++ {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			if r, n, ok = decodeRune(text[i:], cs); !ok || !c.holds(r) {
				return dst[:at], 0, false
			}
		}
		i += n
		switch {
		case weights == nil:
			dst = utf8.AppendRune(dst, r)
		case !c.coarse:
			dst = weights.append(dst, r)
		default:
			from := len(dst)
			dst = keepWeights(weights.append(dst, r), from)
		}
	}
	if weights != nil {
		space := weights.family.space
		for len(dst) >= at+2 && dst[len(dst)-2] == byte(space>>8) && dst[len(dst)-1] == byte(space) {
			dst = dst[:len(dst)-2]
		}
	}
	return dst, chars, true
}

// holds says whether the column's character set has a character past ASCII.
func (c *collation) holds(r rune) bool {
	if c.latin1 {
		if r >= 0xa0 && r <= 0xff {
			return true
		}
		for _, l := range cp1252[:32] {
			if l == r {
				return true
			}
		}
		return false
	}
	return c.utf8
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
