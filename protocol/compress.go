package protocol

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

const (
	compressedHeaderSize = 7
	// minCompress is the least that is worth compressing, in bytes (MySQL's MIN_COMPRESS_LENGTH).
	minCompress = 50
	// maxCompressChunk is how much is compressed at a time, in bytes: so much memory a write takes.
	maxCompressChunk   = 128 << 10
	compressReadBuffer = 8 << 10
)

// compressor is one algorithm. Safe for concurrent use.
type compressor interface {
	// pack appends src, compressed, to dst.
	pack(dst, src []byte) ([]byte, error)
	// open begins to read what src holds, compressed. The reader is given back to free.
	open(src io.Reader) (io.Reader, error)
	free(io.Reader)
}

// compressed is the compressed protocol below a Conn: what passes is cut into packets of its own,
//
//	length of what follows (3) | number (1) | length uncompressed (3) | bytes
//
// where an uncompressed length of 0 says that the bytes are as they are. Nothing that a peer announces
// is trusted with memory: a packet is decompressed as it is read.
type compressed struct {
	net.Conn
	algorithm compressor
	in        *bufio.Reader
	packet    io.LimitedReader // the rest of the packet, as it came
	source    io.Reader        // of what the packet holds
	unpack    bool             // source is the algorithm's
	left      int              // bytes of the packet that have not been read, uncompressed
	number    byte             // of the next packet
	failed    error
}

// StartCompression begins to speak the compressed protocol, where both ends agreed on it: as a server, once
// the OK packet of the login has been flushed. It says whether they did.
func (c *Conn) StartCompression() bool {
	var algorithm compressor
	switch {
	case c.caps.Has(ClientCompress): // as servers choose
		algorithm = zlibCompressor
	case c.caps.Has(ClientZstdCompressionAlgorithm):
		algorithm = zstdCompressor(c.zstdLevel)
	default:
		return false
	}
	var in io.Reader = c.nc
	if n := c.Buffered(); n > 0 { // a client that did not wait for the OK
		in = io.MultiReader(bytes.NewReader(bytes.Clone(c.read.buf[c.read.start:c.read.end])), in)
		c.read.start, c.read.end = 0, 0
	}
	c.nc = &compressed{Conn: c.nc, algorithm: algorithm, in: bufio.NewReaderSize(in, compressReadBuffer)}
	c.seq.loose = true
	return true
}

// Compressed says whether the compressed protocol is spoken: what the network connection has
// are no packets then.
func (c *Conn) Compressed() bool { return c.seq.loose }

// Read gives bytes of the current packet, or of the next.
func (c *compressed) Read(b []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	if len(b) == 0 {
		return 0, nil
	}
	for c.left == 0 {
		if err := c.next(); err != nil {
			return 0, c.fail(err)
		}
	}
	n, err := c.source.Read(b[:min(len(b), c.left)])
	c.left -= n
	switch {
	case c.left == 0:
		if err := c.end(); err != nil {
			return n, c.fail(err)
		}
	case errors.Is(err, io.EOF):
		return n, c.fail(c.cutShort())
	case err != nil:
		return n, c.fail(fmt.Errorf("read compressed packet: %w", err))
	}
	return n, nil
}

func (c *compressed) fail(err error) error {
	c.failed = err
	if c.unpack {
		c.algorithm.free(c.source)
		c.unpack = false
	}
	return err
}

// cutShort tells a connection that ended from a packet that holds too little.
func (c *compressed) cutShort() error {
	if c.packet.N > 0 {
		return io.ErrUnexpectedEOF
	}
	return malformed("compressed packet holds %d bytes less than it announces", c.left)
}

// next begins the next packet. At the end of the connection, between packets, its error is io.EOF.
func (c *compressed) next() error {
	var h [compressedHeaderSize]byte
	if _, err := io.ReadFull(c.in, h[:]); err != nil {
		return err
	}
	size, whole := frameLength(h[:]), frameLength(h[4:])
	c.number = h[3] + 1
	c.packet = io.LimitedReader{R: c.in, N: int64(size)}
	if whole == 0 {
		c.source, c.left = &c.packet, size
		return nil
	}
	source, err := c.algorithm.open(&c.packet)
	if err != nil {
		return fmt.Errorf("read compressed packet: %w", err)
	}
	c.source, c.left, c.unpack = source, whole, true
	return nil
}

// end checks that a packet holds no more than it announced.
func (c *compressed) end() error {
	if !c.unpack {
		return nil
	}
	var more [1]byte
	for {
		n, err := c.source.Read(more[:])
		switch {
		case n > 0:
			return malformed("compressed packet holds more bytes than it announces")
		case errors.Is(err, io.EOF):
		case err != nil:
			return fmt.Errorf("read compressed packet: %w", err)
		default:
			continue
		}
		break
	}
	c.algorithm.free(c.source)
	c.unpack = false
	if c.packet.N > 0 {
		return malformed("compressed packet has %d bytes behind what it holds", c.packet.N)
	}
	return nil
}

var compressBuffers = sync.Pool{New: func() any { return new([]byte) }}

// Write sends b in as many packets as it needs.
func (c *compressed) Write(b []byte) (int, error) {
	buf := compressBuffers.Get().(*[]byte)
	defer compressBuffers.Put(buf)
	sent := 0
	for sent < len(b) {
		chunk := b[sent:min(len(b), sent+maxCompressChunk)]
		packet := append((*buf)[:0], make([]byte, compressedHeaderSize)...)
		whole := 0
		if len(chunk) >= minCompress {
			var err error
			if packet, err = c.algorithm.pack(packet, chunk); err != nil {
				return sent, fmt.Errorf("compress packet: %w", err)
			}
			whole = len(chunk)
		}
		if whole == 0 || len(packet)-compressedHeaderSize >= len(chunk) {
			packet, whole = append(packet[:compressedHeaderSize], chunk...), 0
		}
		size := len(packet) - compressedHeaderSize
		copy(packet, []byte{byte(size), byte(size >> 8), byte(size >> 16), c.number, byte(whole), byte(whole >> 8), byte(whole >> 16)})
		c.number++
		*buf = packet
		if _, err := c.Conn.Write(packet); err != nil {
			return sent, err
		}
		sent += len(chunk)
	}
	return sent, nil
}
