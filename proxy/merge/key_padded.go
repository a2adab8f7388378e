package merge

import "bytes"

const paddedSegment = 24 // bytes of a segment: a multiple of every space's width

// Marks behind a segment: how the rest of the string compares with spaces without end.
const (
	restLess    = 1
	restSpaces  = 2 // this was the last segment
	restGreater = 3
)

// appendPadded writes text of a PAD SPACE collation that sorts by its bytes: texts compare
// as if the shorter one went on with spaces: segments of a fixed size, the last one
// filled with spaces, each followed by a mark that says how the rest compares with
// spaces only. So 'a' equals 'a  ', and lies above "a\t" (the scheme of MyRocks'
// keys). space is what one space looks like in f.
func appendPadded(dst, f, space []byte) []byte {
	for len(f) >= len(space) && bytes.HasSuffix(f, space) {
		f = f[:len(f)-len(space)]
	}
	differs := 0 // from here on to the first byte that is not a space's; only ever moves on
	for at := 0; ; {
		end := at + paddedSegment
		if len(f) <= end {
			dst = append(dst, f[at:]...)
			for n := len(f); n < end; n++ {
				dst = append(dst, space[n%len(space)])
			}
			return append(dst, restSpaces)
		}
		dst = append(dst, f[at:end]...)
		for differs = max(differs, end); differs < len(f) && f[differs] == space[differs%len(space)]; differs++ {
		}
		if differs == len(f) || f[differs] < space[differs%len(space)] {
			dst = append(dst, restLess)
		} else {
			dst = append(dst, restGreater)
		}
		at = end
	}
}
