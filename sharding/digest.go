package sharding

import "strings"

// digestLimit bounds what is kept of a statement for people, in bytes.
const digestLimit = 512

// digest is the statement's text with '?' for every literal, and with single spaces: what it
// does without what it was done with. Statements of one shape share it. It is cut off at digestLimit.
func digest(src string, lits []Literal) string {
	var b strings.Builder
	at, gap := 0, false
	text := func(part string) bool { // false: the limit is reached
		for _, c := range []byte(part) {
			switch c {
			case ' ', '\t', '\n', '\r':
				gap = b.Len() > 0
				continue
			}
			if b.Len() >= digestLimit {
				return false
			}
			if gap {
				b.WriteByte(' ')
				gap = false
			}
			b.WriteByte(c)
		}
		return true
	}
	b.Grow(min(len(src), digestLimit+1))
	for _, l := range lits {
		if !text(src[at:l.Start]) || !text("?") {
			return strings.ToValidUTF8(b.String(), "") + "…"
		}
		at = l.End
	}
	if !text(src[at:]) {
		return strings.ToValidUTF8(b.String(), "") + "…"
	}
	return b.String()
}
