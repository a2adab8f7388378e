package protocol

import "encoding/binary"

// nullField stands for NULL where a text row has a length.
const nullField = 0xfb

// appendLenencInt appends a length-encoded integer (protocol page "Protocol::LengthEncodedInteger").
func appendLenencInt(dst []byte, n uint64) []byte {
	switch {
	case n < 0xfb:
		return append(dst, byte(n))
	case n < 1<<16:
		return append(dst, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(dst, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	dst = append(dst, 0xfe)
	return binary.LittleEndian.AppendUint64(dst, n)
}

func appendLenencBytes(dst, b []byte) []byte {
	return append(appendLenencInt(dst, uint64(len(b))), b...)
}

func appendLenencString(dst []byte, s string) []byte {
	return append(appendLenencInt(dst, uint64(len(s))), s...)
}

// lenencInt reads a length-encoded integer at the start of b; size 0 means that b is cut
// short or starts with NULL's or an error's byte.
func lenencInt(b []byte) (n uint64, size int) {
	if len(b) == 0 {
		return 0, 0
	}
	switch first := b[0]; {
	case first < 0xfb:
		return uint64(first), 1
	case first == 0xfc && len(b) >= 3:
		return uint64(binary.LittleEndian.Uint16(b[1:])), 3
	case first == 0xfd && len(b) >= 4:
		return uint64(b[1]) | uint64(b[2])<<8 | uint64(b[3])<<16, 4
	case first == 0xfe && len(b) >= 9:
		return binary.LittleEndian.Uint64(b[1:]), 9
	}
	return 0, 0
}

// cursor reads a payload from the front. After a read past the end bad is set
// and everything read is zero, so a parser checks once, at its end.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) take(n int) []byte {
	if c.bad || n < 0 || n > len(c.rest) {
		c.bad, c.rest = true, nil
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) uint8() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) lenenc() uint64 {
	n, size := lenencInt(c.rest)
	if size == 0 {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cursor) lenencBytes() []byte {
	n := c.lenenc()
	if n > uint64(len(c.rest)) {
		c.bad, c.rest = true, nil
		return nil
	}
	return c.take(int(n))
}

// nulBytes reads up to a zero byte, which is consumed.
func (c *cursor) nulBytes() []byte {
	for i, b := range c.rest {
		if b == 0 {
			s := c.take(i)
			c.rest = c.rest[1:]
			return s
		}
	}
	c.bad, c.rest = true, nil
	return nil
}

// nulOrEnd is nulBytes for a last field whose zero byte some clients leave out.
func (c *cursor) nulOrEnd() []byte {
	for i, b := range c.rest {
		if b == 0 {
			s := c.take(i)
			c.rest = c.rest[1:]
			return s
		}
	}
	return c.take(len(c.rest))
}
