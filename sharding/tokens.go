package sharding

import "strings"

// word is token i as an upper-case keyword; "" for names behind a dot, quoted names, and everything else.
func (c *compiler) word(i int) string {
	if i < 0 || i >= len(c.toks) || c.toks[i].kind != tokWord || c.toks[i].afterDot {
		return ""
	}
	return strings.ToUpper(c.src[c.toks[i].start:c.toks[i].end])
}

// words says whether keywords follow from token i.
func (c *compiler) words(i int, list ...string) bool {
	for n, w := range list {
		if c.word(i+n) != w {
			return false
		}
	}
	return true
}

func (c *compiler) oneOf(i int, list ...string) bool {
	w := c.word(i)
	if w == "" {
		return false
	}
	for _, l := range list {
		if w == l {
			return true
		}
	}
	return false
}

// punct says whether token i is this byte.
func (c *compiler) punct(i int, b byte) bool {
	return i >= 0 && i < len(c.toks) && c.toks[i].kind == tokPunct && c.src[c.toks[i].start] == b
}

func (c *compiler) isName(i int) bool {
	return i >= 0 && i < len(c.toks) && (c.toks[i].kind == tokWord || c.toks[i].kind == tokQuoted)
}

func (c *compiler) isString(t token) bool {
	return t.kind == tokLiteral && (t.lit == LitString || t.lit == LitStrings)
}

// textOf is token i as written.
// It is empty past the end.
func (c *compiler) textOf(i int) string {
	if i < 0 || i >= len(c.toks) {
		return ""
	}
	return c.src[c.toks[i].start:c.toks[i].end]
}

// nameOf is the name that token i writes.
func (c *compiler) nameOf(i int) string {
	t := c.textOf(i)
	if t != "" && c.toks[i].kind == tokQuoted {
		q := t[:1]
		return strings.ReplaceAll(t[1:len(t)-1], q+q, q)
	}
	return t
}

// closing is the token that closes the parenthesis at token i, or len(toks).
func (c *compiler) closing(i int) int {
	depth := 0
	for ; i < len(c.toks); i++ {
		switch {
		case c.punct(i, '('):
			depth++
		case c.punct(i, ')'):
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// find is the first token from i to end at the same depth that is one of the words, or end.
func (c *compiler) find(i, end int, list ...string) int {
	depth := 0
	for ; i < end; i++ {
		switch {
		case c.punct(i, '('):
			depth++
		case c.punct(i, ')'):
			depth--
		case depth == 0 && c.oneOf(i, list...):
			return i
		}
	}
	return end
}

// split cuts tokens [i, end) at commas of the same depth.
func (c *compiler) split(i, end int) [][2]int {
	if i >= end {
		return nil
	}
	var parts [][2]int
	depth, start := 0, i
	for ; i < end; i++ {
		switch {
		case c.punct(i, '('):
			depth++
		case c.punct(i, ')'):
			depth--
		case depth == 0 && c.punct(i, ','):
			parts = append(parts, [2]int{start, i})
			start = i + 1
		}
	}
	return append(parts, [2]int{start, end})
}

// startOf and endOf are byte positions of tokens.
func (c *compiler) startOf(i int) int {
	if i < 0 {
		return 0
	}
	if i < len(c.toks) {
		return c.toks[i].start
	}
	return len(c.src)
}

func (c *compiler) endOf(i int) int {
	if i < 0 || len(c.toks) == 0 {
		return 0
	}
	return c.toks[min(i, len(c.toks)-1)].end
}

// qualified reads name[.name] at token i and returns the token behind it.
func (c *compiler) qualified(i int) (n tableName, next int, ok bool) {
	if !c.isName(i) {
		return n, i, false
	}
	if c.punct(i+1, '.') && c.isName(i+2) {
		return tableName{c.nameOf(i), c.nameOf(i + 2)}, i + 3, true
	}
	return tableName{c.env.Database, c.nameOf(i)}, i + 1, true
}

// skipIf returns the token behind the words if they follow at i, else i.
func (c *compiler) skipIf(i int, list ...string) int {
	if c.words(i, list...) {
		return i + len(list)
	}
	return i
}

// rest joins the words from token i in upper case.
func (c *compiler) rest(i int) []string {
	var out []string
	for ; i < len(c.toks); i++ {
		out = append(out, strings.ToUpper(c.nameOf(i)))
	}
	return out
}
