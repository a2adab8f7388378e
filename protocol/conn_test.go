package protocol

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"pgregory.net/rapid"
)

func TestReadPacketJoinsFrames(t *testing.T) {
	for _, size := range []int{0, 1, maxFragment - 1, maxFragment, maxFragment + 1} {
		if size > 1 && testing.Short() {
			continue
		}
		payload := bytes.Repeat([]byte{'p'}, size)
		for _, chunk := range []int{0, 100_003} {
			if chunk > 0 && size == maxFragment-1 {
				continue
			}
			in := frames(0, payload)
			in = append(in, frames(countFrames(in), []byte("next"))...)
			c := NewConn(&scriptConn{in: in, chunk: chunk}, Options{MaxPacket: 2 * maxFragment})
			p, err := c.ReadPacket()
			if err != nil || !bytes.Equal(p, payload) {
				t.Fatalf("%d bytes: got %d, %v", size, len(p), err)
			}
			if p, err = c.ReadPacket(); err != nil || string(p) != "next" {
				t.Fatalf("%d bytes: behind it %q, %v", size, p, err)
			}
			if _, err = c.ReadPacket(); !errors.Is(err, io.EOF) {
				t.Fatalf("at the end: %v", err)
			}
			if len(c.read.buf) != defaultReadBuffer {
				t.Fatalf("%d bytes: the window stays at %d", size, len(c.read.buf))
			}
		}
	}
}

func TestPacketLimit(t *testing.T) {
	for _, tc := range []struct {
		limit, size int
		ok          bool
	}{{100, 100, true}, {100, 101, false}, {maxFragment, maxFragment, true}, {maxFragment, maxFragment + 1, false}} {
		c := NewConn(&scriptConn{in: frames(0, make([]byte, tc.size))}, Options{MaxPacket: tc.limit})
		_, err := c.ReadPacket()
		var big *PacketTooLargeError
		if tc.ok != (err == nil) || !tc.ok && (!errors.As(err, &big) || big.Limit != tc.limit || big.ServerError().Code != ErrNetPacketTooLarge) {
			t.Errorf("limit %d, size %d: %v", tc.limit, tc.size, err)
		}
	}
}

// A length that is announced but not sent must cost no memory.
func TestAnnouncedLengthCostsNothing(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 50 {
		c := NewConn(&scriptConn{in: []byte{0xfe, 0xff, 0xff, 0, 1, 2, 3}}, Options{})
		if _, err := c.ReadPacket(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 50*200<<10 {
		t.Fatalf("%d bytes allocated for 50 announcements", got)
	}
}

func TestPacketNumbers(t *testing.T) {
	c := NewConn(&scriptConn{in: append(frames(0, []byte("a")), frames(2, []byte("b"))...)}, Options{})
	if _, err := c.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	var order *SequenceError
	if _, err := c.ReadPacket(); !errors.As(err, &order) || order.Got != 2 || order.Want != 1 {
		t.Fatal(err)
	}
	// Both directions share the counter, it wraps, and a command starts it again.
	var in []byte
	for i := range 600 {
		in = append(in, frames(i, []byte{byte(i)})...)
	}
	in = append(in, frames(0, []byte("fresh"))...)
	c = NewConn(&scriptConn{in: in}, Options{})
	for i := range 600 {
		if p, err := c.ReadPacket(); err != nil || p[0] != byte(i) {
			t.Fatalf("packet %d: %v", i, err)
		}
	}
	c.ResetSequence()
	if p, err := c.ReadPacket(); err != nil || string(p) != "fresh" {
		t.Fatal(err)
	}
}

func TestWritePacketFrames(t *testing.T) {
	sizes := []int{0, 1, 250, 255, 256, 5000}
	if !testing.Short() {
		sizes = append(sizes, maxFragment-1, maxFragment, 2*maxFragment)
	}
	for _, size := range sizes {
		payload := bytes.Repeat([]byte{'w'}, size)
		s := &scriptConn{}
		c := NewConn(s, Options{WriteBuffer: 256})
		for _, err := range []error{c.WritePacket([]byte("head")), c.WritePacket(payload), c.WritePacket([]byte("tail")), c.Flush()} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if want := frames(0, []byte("head"), payload, []byte("tail")); !bytes.Equal(s.out.Bytes(), want) {
			t.Fatalf("%d bytes: written bytes differ", size)
		}
		s = &scriptConn{}
		c = NewConn(s, Options{WriteBuffer: 256})
		if err := errors.Join(c.WriteCommand(ComQuery, payload), c.Flush()); err != nil {
			t.Fatal(err)
		}
		if want := frames(0, append([]byte{byte(ComQuery)}, payload...)); !bytes.Equal(s.out.Bytes(), want) {
			t.Fatalf("%d bytes: written command differs", size)
		}
	}
}

func TestSmallPacketsShareOneWrite(t *testing.T) {
	s := &scriptConn{}
	c := NewConn(s, Options{})
	for range 100 {
		if err := c.WritePacket(make([]byte, 50)); err != nil {
			t.Fatal(err)
		}
	}
	if s.writes != 0 || c.Unflushed() != 100*54 {
		t.Fatalf("%d writes before the flush, %d bytes wait", s.writes, c.Unflushed())
	}
	if err := c.Flush(); err != nil || s.writes != 1 {
		t.Fatalf("%d writes, %v", s.writes, err)
	}
}

// After a failed write the stream has a hole: nothing more may follow.
func TestFailedWriteIsFinal(t *testing.T) {
	broken := errors.New("cable cut")
	s := &scriptConn{broken: broken}
	c := NewConn(s, Options{})
	if err := c.WritePacket([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	s.broken = nil
	if err := c.WritePacket([]byte("b")); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if err := c.Flush(); !errors.Is(err, broken) || s.out.Len() != 0 {
		t.Fatal(err)
	}
}

// What one Conn writes another reads, whatever the sizes of packets, buffers and reads.
func TestPacketsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		packets := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 700), 1, 20).Draw(t, "packets")
		buffer := rapid.IntRange(64, 1000)
		s := &scriptConn{}
		w := NewConn(s, Options{WriteBuffer: buffer.Draw(t, "write buffer")})
		for _, p := range packets {
			if err := w.WritePacket(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r := NewConn(&scriptConn{in: s.out.Bytes(), chunk: rapid.IntRange(0, 300).Draw(t, "chunk")},
			Options{ReadBuffer: buffer.Draw(t, "window")})
		for i, want := range packets {
			if got, err := r.ReadPacket(); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("packet %d: %q, %v; want %q", i, got, err, want)
			}
		}
		if r.Buffered() != 0 {
			t.Fatalf("%d bytes are left", r.Buffered())
		}
	})
}

// FuzzReadPacket: no input may panic, and what is read must be what a plain reader of
// frames finds.
func FuzzReadPacket(f *testing.F) {
	f.Add(frames(0, []byte("hello"), nil, []byte("world")), uint8(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0}, uint8(2))
	f.Add([]byte{5, 0, 0, 1, 'x'}, uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint8) {
		c := NewConn(&scriptConn{in: in, chunk: int(chunk)}, Options{MaxPacket: 1 << 12, ReadBuffer: 64})
		rest := in
		for number := byte(0); ; number++ {
			p, err := c.ReadPacket()
			whole := len(rest) >= headerSize && rest[3] == number && frameLength(rest) <= 1<<12 &&
				len(rest) >= headerSize+frameLength(rest)
			if whole != (err == nil) {
				t.Fatalf("packet %d: %v, whole: %v", number, err, whole)
			}
			if err != nil {
				return
			}
			n := frameLength(rest)
			if !bytes.Equal(p, rest[headerSize:headerSize+n]) {
				t.Fatalf("packet %d differs", number)
			}
			rest = rest[headerSize+n:]
		}
	})
}
