package merge

import "bytes"

// spaceWeights are what WEIGHT_STRING(' ') is on MariaDB: the Unicode collations'
// two (UCA 4.0.0 and 14.0.0; 5.2.0), the code point in three bytes (utf8mb4_bin), in
// two (utf8mb4_general_ci), and in one (8-bit character sets).
var (
	spaceUCA    = []byte{0x02, 0x09}
	spaceUCA520 = []byte{0x02, 0x0a}
	spacePoint3 = []byte{0x00, 0x00, 0x20}
	spacePoint2 = []byte{0x00, 0x20}
	spacePoint1 = []byte{0x20}
)

// trimSpaceWeights cuts the weights of trailing spaces off a WEIGHT_STRING of
// a PAD SPACE collation. WEIGHT_STRING(x) does not pad, and does not trim either:
// 'a' and 'a ', which are equal, have weights of different length.
//
// Which weight is a space's shows in the weight itself, but for one case that is
// taken for 8-bit text: a weight of two-byte code points with no byte below 0x20
// that ends in 0x20, as that of U+4E20. It then sorts a little too low, but
// stays apart from all others.
func trimSpaceWeights(w []byte) []byte {
	space := spacePoint1
	switch {
	case len(w)%2 == 0 && bytes.HasSuffix(w, spaceUCA):
		space = spaceUCA
	case len(w)%2 == 0 && bytes.HasSuffix(w, spaceUCA520):
		space = spaceUCA520
	case threeBytePoints(w):
		space = spacePoint3
	case len(w)%2 == 0 && bytes.HasSuffix(w, spacePoint2):
		space = spacePoint2
	case bytes.ContainsFunc(w, func(r rune) bool { return r < 0x20 }):
		return w
	}
	for len(w) >= len(space) && bytes.HasSuffix(w, space) {
		w = w[:len(w)-len(space)]
	}
	return w
}

// threeBytePoints says whether w can be code points in three bytes: none is over 0x10ffff.
func threeBytePoints(w []byte) bool {
	for i := 0; i < len(w); i += 3 {
		if w[i] > 0x10 {
			return false
		}
	}
	return len(w)%3 == 0 && len(w) > 0
}
