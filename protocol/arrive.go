package protocol

import (
	"errors"
	"fmt"
	"io"
)

// What follows is for event loops: they look at what has arrived, and call what would block only where
// it cannot, because all that it will read is in the window.

// TryReader reads what has arrived without waiting; any error says that there is nothing now, or never.
type TryReader interface {
	TryRead(p []byte) (n int, err error)
}

// Arrive moves what has arrived into the window, in one read. A full window takes nothing: the caller sees that what
// it waits for does not fit. The error is the reader's, an end in mid-packet io.ErrUnexpectedEOF.
func (c *Conn) Arrive(from TryReader) error {
	w := &c.read
	if w.start == w.end {
		w.start, w.end = 0, 0
		w.buf = w.small
	} else if w.end == len(w.buf) && w.start > 0 {
		w.end = copy(w.buf, w.buf[w.start:w.end])
		w.start = 0
	}
	if w.end == len(w.buf) {
		return nil
	}
	n, err := from.TryRead(w.buf[w.end:])
	w.end += n
	if errors.Is(err, io.EOF) {
		if w.end > w.start {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read packet: %w", err)
	}
	return err
}

// WindowFull says that no more can arrive before something is consumed.
func (c *Conn) WindowFull() bool {
	return c.read.start == 0 && c.read.end == len(c.read.buf)
}

// PacketWaiting says whether ReadPacket would return without reading: a whole packet has arrived, or enough
// of one to refuse it.
func (c *Conn) PacketWaiting() bool {
	w := &c.read
	have := w.end - w.start
	if have < headerSize {
		return false
	}
	n := frameLength(w.buf[w.start:])
	return n < maxFragment && have >= headerSize+n || n > c.maxPacket
}

// Waiting is what AnswersWaiting found.
type Waiting struct {
	Whole    bool   // all of it has arrived
	Odd      bool   // it is no plain answer: several results, a request for a file, malformed; or it cannot be whole in this window
	Rows     bool   // the last answer is a result set
	Code     uint16 // of the first ERR among the answers; 0: none
	Warnings uint16 // of the last answer
	Size     int    // bytes
}

// AnswersWaiting looks at the next n answers to COM_QUERY or COM_STMT_EXECUTE without consuming any.
func (c *Conn) AnswersWaiting(n int) Waiting {
	w := &c.read
	out := Waiting{}
	at := w.start
	for range n {
		out.Rows, out.Warnings = false, 0
		size := out.answer(w.buf[at:w.end])
		if size == 0 {
			if !out.Odd && c.WindowFull() {
				out.Odd = true
			}
			return out
		}
		at += size
	}
	out.Whole, out.Size = true, at-w.start
	return out
}

// answer looks at one answer and returns its size; 0: it is not whole, or odd.
func (out *Waiting) answer(b []byte) (size int) {
	frame := func() (payload []byte, ok bool) {
		if len(b)-size < headerSize {
			return nil, false
		}
		n := frameLength(b[size:])
		if n >= maxFragment || n == 0 {
			out.Odd = true
			return nil, false
		}
		if len(b)-size < headerSize+n {
			return nil, false
		}
		payload = b[size+headerSize : size+headerSize+n]
		size += headerSize + n
		return payload, true
	}
	failed := func(p []byte) {
		if out.Code == 0 && len(p) >= 3 {
			out.Code = uint16(p[1]) | uint16(p[2])<<8
		}
	}
	p, ok := frame()
	if !ok {
		return 0
	}
	switch p[0] {
	case headerErr:
		failed(p)
		return size
	case headerOK:
		at := okStatusOffset(p)
		if at < 0 || at+4 > len(p) || Status(p[at])&StatusMoreResultsExists != 0 {
			out.Odd = true
			return 0
		}
		out.Warnings = uint16(p[at+2]) | uint16(p[at+3])<<8
		return size
	case headerLocalInfile:
		out.Odd = true
		return 0
	}
	out.Rows = true
	for ends := 0; ends < 2; {
		if p, ok = frame(); !ok {
			return 0
		}
		switch {
		case p[0] == headerErr:
			failed(p)
			return size
		case isEOF(p):
			if ends++; len(p) != 5 || Status(p[3])&(StatusMoreResultsExists|StatusCursorExists) != 0 {
				out.Odd = true
				return 0
			}
			out.Warnings = uint16(p[1]) | uint16(p[2])<<8
		}
	}
	return size
}

// Buffers are a connection's read window and write buffer. A connection that waits needs none.
type Buffers struct{ read, write []byte }

// NewBuffers makes a pair of the default sizes.
func NewBuffers() Buffers {
	return Buffers{read: make([]byte, defaultReadBuffer), write: make([]byte, 0, defaultWriteBuffer)}
}

// TakeBuffers takes the connection's buffers away until GiveBuffers; false while something is in them, or
// where they are not of the default sizes.
func (c *Conn) TakeBuffers() (Buffers, bool) {
	if c.Buffered() > 0 || len(c.write.buf) > 0 || len(c.read.small) != defaultReadBuffer || cap(c.write.buf) != defaultWriteBuffer {
		return Buffers{}, false
	}
	b := Buffers{read: c.read.small, write: c.write.buf}
	c.read = window{}
	c.write.buf = nil
	return b, true
}

// GiveBuffers is for a connection whose buffers were taken; b is the connection's from then on.
func (c *Conn) GiveBuffers(b Buffers) {
	c.read = window{buf: b.read, small: b.read}
	c.write.buf = b.write
}

// HasBuffers says whether they were not taken.
func (c *Conn) HasBuffers() bool { return c.read.small != nil }
