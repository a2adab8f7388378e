package protocol

import (
	"errors"
	"fmt"
	"io"
)

// window is the read side: bytes [start, end) of buf have arrived and are not consumed.
// buf is small, which stays for the connection's life, or a bigger one while a packet
// that does not fit in small passes; it goes back to small when it runs empty.
type window struct {
	buf        []byte
	small      []byte
	start, end int
}

// room makes sure that at least one more byte fits behind end while need bytes from start
// are wanted. It grows no faster than data arrives: an announced length costs nothing.
func (w *window) room(need int) {
	have := w.end - w.start
	if have == 0 {
		w.start, w.end = 0, 0
		w.buf = w.small
	}
	if need <= len(w.buf)-w.start && w.end < len(w.buf) {
		return
	}
	if need <= len(w.buf) || have < len(w.buf) {
		copy(w.buf, w.buf[w.start:w.end])
		w.start, w.end = 0, have
		return
	}
	bigger := make([]byte, min(need, 4*len(w.buf)))
	copy(bigger, w.buf[w.start:w.end])
	w.buf, w.start, w.end = bigger, 0, have
}

// fill waits until need bytes have arrived, in as few reads as the network allows.
func (c *Conn) fill(need int) error {
	w := &c.read
	for w.end-w.start < need {
		w.room(need)
		n, err := c.nc.Read(w.buf[w.end:])
		w.end += n
		if w.end-w.start >= need {
			return nil // an error will come back with the next read
		}
		if err != nil {
			if errors.Is(err, io.EOF) && w.end > w.start {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("read packet: %w", err)
		}
		if n == 0 && err == nil {
			return fmt.Errorf("read packet: %w", io.ErrNoProgress)
		}
	}
	return nil
}

func frameLength(h []byte) int { return int(h[0]) | int(h[1])<<8 | int(h[2])<<16 }

// ReadPacket returns the next payload, joined where it came in several frames. It is valid
// until the next read from c. A payload over the limit gives *PacketTooLargeError before
// memory is spent on it, a wrong packet number *SequenceError, a connection that was
// closed between packets io.EOF (wrapped).
func (c *Conn) ReadPacket() ([]byte, error) { return c.readPacket((*sequence).accept) }

// readAnswer is ReadPacket inside an answer.
func (c *Conn) readAnswer() ([]byte, error) { return c.readPacket((*sequence).follow) }

func (c *Conn) readPacket(check func(*sequence, byte) bool) ([]byte, error) {
	w := &c.read
	size, last := 0, false
	for !last {
		// Payload so far is at start+headerSize; headers of later frames are cut out.
		at := size
		if at > 0 {
			at += headerSize
		}
		if err := c.fill(at + headerSize); err != nil {
			return nil, err
		}
		h := w.buf[w.start+at : w.start+at+headerSize]
		n, number := frameLength(h), h[3]
		if size+n > c.maxPacket {
			return nil, fmt.Errorf("read packet: %w", &PacketTooLargeError{Size: size + n, Limit: c.maxPacket})
		}
		if !check(&c.seq, number) {
			return nil, fmt.Errorf("read packet: %w", &SequenceError{Got: number, Want: c.seq.next})
		}
		check = (*sequence).follow
		if at > 0 {
			w.end -= headerSize
			copy(w.buf[w.start+at:w.end], w.buf[w.start+at+headerSize:w.end+headerSize])
		}
		size += n
		last = n < maxFragment
		if err := c.fill(headerSize + size); err != nil {
			return nil, err
		}
	}
	from := w.start + headerSize
	w.start = from + size
	return w.buf[from:w.start:w.start], nil
}
