package protocol

import (
	"fmt"
	"net"
)

// writeBuffer collects outgoing bytes. After a failed write nothing more is sent: the
// peer would see a hole.
type writeBuffer struct {
	buf    []byte
	err    error
	vector [2][]byte   // backing of a gathered write, kept to allocate nothing
	gather net.Buffers // of vector
}

// WritePacket buffers one packet, in as many frames as it needs. A payload that does not fit
// in the buffer is not copied but written at once, together with what waits. payload is not
// kept.
func (c *Conn) WritePacket(payload []byte) error {
	first, number, frames := payload, c.seq.next, 0
	for {
		n := min(len(payload), maxFragment)
		if err := c.writeFrame(number+byte(frames), payload[:n]); err != nil {
			return err
		}
		frames++
		payload = payload[n:]
		if n < maxFragment {
			break
		}
	}
	c.seq.wrote(frames, first)
	return nil
}

func (c *Conn) writeFrame(number byte, payload []byte) error {
	n := len(payload)
	if err := c.reserve(headerSize); err != nil {
		return err
	}
	c.write.buf = append(c.write.buf, byte(n), byte(n>>8), byte(n>>16), number)
	return c.writeSpan(payload)
}

// reserve makes room for n bytes, which must fit in an empty buffer.
func (c *Conn) reserve(n int) error {
	if len(c.write.buf)+n > cap(c.write.buf) {
		return c.Flush()
	}
	return c.write.err
}

// WriteCommand begins a new command and buffers its packet. arg is what follows the
// command byte.
func (c *Conn) WriteCommand(cmd Command, arg []byte) error {
	c.ResetSequence()
	n := len(arg) + 1
	if n >= maxFragment {
		return c.WritePacket(append(append(make([]byte, 0, n), byte(cmd)), arg...))
	}
	if err := c.reserve(headerSize + 1); err != nil {
		return err
	}
	c.write.buf = append(c.write.buf, byte(n), byte(n>>8), byte(n>>16), c.seq.next, byte(cmd))
	if err := c.writeSpan(arg); err != nil {
		return err
	}
	c.seq.wrote(1, []byte{byte(cmd)})
	return nil
}

// writeSpan buffers raw bytes, or passes them on without a copy where they do not fit.
func (c *Conn) writeSpan(span []byte) error {
	w := &c.write
	if w.err != nil {
		return w.err
	}
	if len(w.buf)+len(span) <= cap(w.buf) {
		w.buf = append(w.buf, span...)
		return nil
	}
	if len(w.buf) == 0 {
		return c.send(span)
	}
	if len(span) < cap(w.buf)/4 {
		// Not worth a gathered write: flush, then keep collecting.
		if err := c.Flush(); err != nil {
			return err
		}
		w.buf = append(w.buf, span...)
		return nil
	}
	w.vector = [2][]byte{w.buf, span}
	w.gather = w.vector[:]
	_, err := w.gather.WriteTo(c.nc)
	w.vector = [2][]byte{} // the span is the caller's
	w.buf = w.buf[:0]
	if err != nil {
		w.err = fmt.Errorf("write packet: %w", err)
	}
	return w.err
}

func (c *Conn) send(b []byte) error {
	if _, err := c.nc.Write(b); err != nil {
		c.write.err = fmt.Errorf("write packet: %w", err)
	}
	return c.write.err
}

// Flush writes out what is buffered, in one write.
func (c *Conn) Flush() error {
	w := &c.write
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	err := c.send(w.buf)
	w.buf = w.buf[:0]
	return err
}
