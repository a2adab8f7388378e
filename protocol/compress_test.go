package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
)

// compressedPair is both ends of a compressed connection: what the client's end writes is in its
// out, and the server's end reads what the test gives it.
func compressedEnd(t *testing.T, s *scriptConn, caps Capability) *Conn {
	t.Helper()
	c := NewConn(s, Options{MaxPacket: 1 << 30})
	c.SetCapabilities(caps)
	if !c.StartCompression() || !c.Compressed() {
		t.Fatal("no compression")
	}
	return c
}

func TestCompressedPackets(t *testing.T) {
	random := make([]byte, 300_000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	payloads := [][]byte{[]byte("short"), bytes.Repeat([]byte("many words "), 1000), random, bytes.Repeat([]byte{7}, maxFragment+10), {1}}
	for _, caps := range []Capability{ClientCompress, ClientZstdCompressionAlgorithm, ClientCompress | ClientZstdCompressionAlgorithm} {
		for _, chunk := range []int{0, 1, 5000} {
			out := &scriptConn{}
			w := compressedEnd(t, out, caps)
			for _, p := range payloads {
				w.ResetSequence()
				if err := w.WritePacket(p); err != nil {
					t.Fatal(err)
				}
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			if n := out.out.Len(); n > 330_000 {
				t.Errorf("%#x: %d bytes", caps, n)
			}
			if chunk == 1 && testing.Short() {
				continue
			}
			r := compressedEnd(t, &scriptConn{in: out.out.Bytes(), chunk: chunk}, caps)
			for i, p := range payloads {
				got, err := r.ReadPacket()
				if err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%#x, payload %d: %d bytes, %v", caps, i, len(got), err)
				}
			}
			if _, err := r.ReadPacket(); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		}
	}
}

// An answer's compressed packets go on behind the number of the command's.
func TestCompressedNumbers(t *testing.T) {
	s := &scriptConn{in: []byte{6, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, byte(ComPing), 0}}
	c := compressedEnd(t, s, ClientCompress)
	if p, err := c.ReadPacket(); err != nil || len(p) != 2 {
		t.Fatal(p, err)
	}
	for range 2 {
		if err := errors.Join(c.WritePacket([]byte("an answer")), c.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	b := s.out.Bytes()
	if b[3] != 5 || b[13+7+3] != 6 {
		t.Errorf("% x", b)
	}
}

// Bytes that came with the login's last packet are not lost.
func TestCompressionStartsInTheMiddle(t *testing.T) {
	in := append(frames(0, []byte("plain")), 6, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, byte(ComPing), 0)
	c := NewConn(&scriptConn{in: in}, Options{})
	if p, err := c.ReadPacket(); err != nil || string(p) != "plain" {
		t.Fatal(p, err)
	}
	c.SetCapabilities(ClientCompress)
	c.StartCompression()
	if p, err := c.ReadPacket(); err != nil || len(p) != 2 {
		t.Fatal(p, err)
	}
}

func TestCompressedPacketsThatLie(t *testing.T) {
	packet := func(whole int, payload []byte) []byte {
		n := len(payload)
		return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), 0, byte(whole), byte(whole >> 8), byte(whole >> 16)}, payload...)
	}
	inner := frames(0, bytes.Repeat([]byte("x"), 1000))
	for _, caps := range []Capability{ClientCompress, ClientZstdCompressionAlgorithm} {
		algorithm := compressor(zlibCompressor)
		if caps == ClientZstdCompressionAlgorithm {
			algorithm = zstdCompressor(0)
		}
		good, err := algorithm.pack(nil, inner)
		if err != nil {
			t.Fatal(err)
		}
		damaged := bytes.Clone(good)
		damaged[len(damaged)/2] ^= 0x55
		for name, in := range map[string][]byte{
			"more than announced": packet(len(inner)-1, good),
			"less than announced": packet(len(inner)+1, good),
			"16 MiB announced":    packet(maxFragment, good),
			"nothing":             packet(10, nil),
			"damaged":             packet(len(inner), damaged),
			"cut short":           packet(len(inner), good)[:20],
			"in the header":       packet(len(inner), good)[:5],
			"rubbish":             packet(len(inner), []byte(strings.Repeat("rubbish", 10))),
		} {
			c := compressedEnd(t, &scriptConn{in: in}, caps)
			var err error
			for err == nil {
				_, err = c.ReadPacket()
			}
			// The announced size must not have been taken, only what came.
			if errors.Is(err, io.EOF) && name != "nothing" || len(c.read.buf) > 1<<20 {
				t.Errorf("%#x, %s: %v, window of %d", caps, name, err, len(c.read.buf))
			}
		}
	}
}

func TestZstdLevels(t *testing.T) {
	for level := range byte(30) {
		b, err := zstdCompressor(level).pack(nil, bytes.Repeat([]byte("ab"), 500))
		if err != nil || len(b) > 100 {
			t.Errorf("level %d: %d bytes, %v", level, len(b), err)
		}
	}
}

func TestNoCompressionWithoutTheCapability(t *testing.T) {
	c := NewConn(&scriptConn{}, Options{})
	c.SetCapabilities(ServerCapabilities &^ (ClientCompress | ClientZstdCompressionAlgorithm))
	if c.StartCompression() || c.Compressed() {
		t.Error("compresses")
	}
}

func FuzzCompressed(f *testing.F) {
	for _, caps := range []Capability{ClientCompress, ClientZstdCompressionAlgorithm} {
		out := &scriptConn{}
		c := NewConn(out, Options{})
		c.SetCapabilities(caps)
		c.StartCompression()
		for _, p := range []string{"short", strings.Repeat("longer ", 100)} {
			if err := errors.Join(c.WritePacket([]byte(p)), c.Flush()); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(out.out.Bytes(), caps == ClientCompress)
	}
	f.Fuzz(func(t *testing.T, in []byte, zlib bool) {
		caps := ClientZstdCompressionAlgorithm
		if zlib {
			caps = ClientCompress
		}
		c := compressedEnd(t, &scriptConn{in: in}, caps)
		c.SetMaxPacket(1 << 16)
		for {
			p, err := c.ReadPacket()
			if err != nil {
				return
			}
			if len(p) > 1<<16 {
				t.Fatalf("%d bytes", len(p))
			}
		}
	})
}

func BenchmarkCompressed(b *testing.B) {
	payload := []byte(strings.Repeat("a row of text and 12345 numbers, ", 30))
	for _, caps := range []Capability{ClientCompress, ClientZstdCompressionAlgorithm} {
		b.Run(fmt.Sprintf("%#x", caps), func(b *testing.B) {
			c := NewConn(&discardConn{}, Options{})
			c.SetCapabilities(caps)
			c.StartCompression()
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				if err := errors.Join(c.WritePacket(payload), c.Flush()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var _ net.Conn = (*compressed)(nil)
