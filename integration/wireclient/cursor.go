package wireclient

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// cursor reads a payload from the front. The first thing that is wrong stays in err.
type cursor struct {
	rest []byte
	err  error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
	c.rest = nil
}

func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.fail("%d bytes wanted, %d are there", n, len(c.rest))
		return make([]byte, min(n, 8))
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) uint8() byte    { return c.take(1)[0] }
func (c *cursor) uint16() uint16 { return binary.LittleEndian.Uint16(c.take(2)) }
func (c *cursor) uint32() uint32 { return binary.LittleEndian.Uint32(c.take(4)) }

// zeros reads a filler.
func (c *cursor) zeros(n int) {
	for _, b := range c.take(n) {
		if b != 0 {
			c.fail("filler is not zero")
			return
		}
	}
}

// integer reads a length-encoded integer, which must have its shortest form.
func (c *cursor) integer() uint64 {
	switch first := c.uint8(); first {
	case 0xfb, 0xff:
		c.fail("%#x is no length-encoded integer", first)
		return 0
	case 0xfc:
		return c.longer(uint64(c.uint16()), 0xfb)
	case 0xfd:
		b := c.take(3)
		return c.longer(uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16, 1<<16)
	case 0xfe:
		return c.longer(binary.LittleEndian.Uint64(c.take(8)), 1<<24)
	default:
		return uint64(first)
	}
}

func (c *cursor) longer(n, least uint64) uint64 {
	if n < least {
		c.fail("length-encoded integer %d is not in its shortest form", n)
	}
	return n
}

// bytes reads a length-encoded string.
func (c *cursor) bytes() []byte {
	n := c.integer()
	if n > uint64(len(c.rest)) {
		c.fail("string of %d bytes, %d are there", n, len(c.rest))
		return nil
	}
	return c.take(int(n))
}

func (c *cursor) string() string { return string(c.bytes()) }

// nul reads a string that ends in a zero byte.
func (c *cursor) nul() string {
	i := bytes.IndexByte(c.rest, 0)
	if i < 0 {
		c.fail("string without its end")
		return ""
	}
	s := string(c.rest[:i])
	c.rest = c.rest[i+1:]
	return s
}

// end checks that nothing is left.
func (c *cursor) end() error {
	if c.err == nil && len(c.rest) > 0 {
		c.fail("%d bytes follow the last field: % x", len(c.rest), c.rest[:min(len(c.rest), 16)])
	}
	return c.err
}
