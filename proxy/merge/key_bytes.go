package merge

import "bytes"

// appendBytes writes a byte string so that the end compares less than any
// further byte: 0x00 becomes 0x00 0x01, the end is 0x00 0x00.
func appendBytes(dst, f []byte) []byte {
	for {
		i := bytes.IndexByte(f, 0)
		if i < 0 {
			return append(append(dst, f...), 0, 0)
		}
		dst = append(append(dst, f[:i+1]...), 1)
		f = f[i+1:]
	}
}
