package protocol

import "encoding/binary"

// scan relays a result set from its column count packet to the end of its rows. Frames are
// told apart by their header and first byte; what lies between is passed on in spans as
// large as the read window. A span ends between frames, unless a frame is larger than the window.
//
//	window   |hdr row|hdr row|hdr row|hdr EOF|hdr ...
//	          ^start                  ^patched        ^end
//	          '------------ one span ----------------'
func (r *relay) scan(columns int) error {
	c := r.src
	w := &c.read
	var (
		heads = 1 + columns // frames before the first EOF
		rows  = false       // the first EOF has passed
		skip  = 0           // bytes of a frame's payload that are still to come
		tail  = false       // the next frame goes on a payload of 16 MiB or more
		held  = 0           // bytes from start that were looked at and not passed on yet
		want  = headerSize  // bytes behind them without which nothing can go on
	)
	for {
		if err := c.fill(held + want); err != nil {
			return r.source(err)
		}
		at := w.start + held
		want = headerSize
	frames:
		for {
			if skip > 0 {
				n := min(skip, w.end-at)
				at += n
				if skip -= n; skip > 0 {
					want = 1
					break frames
				}
			}
			if w.end-at < headerSize {
				break frames
			}
			h := w.buf[at:w.end]
			n := frameLength(h)
			kind := byte(0)
			if !tail {
				if n == 0 {
					return r.source(malformed("empty packet in a result set"))
				}
				if len(h) == headerSize {
					want = headerSize + 1
					break frames
				}
				kind = h[headerSize]
			}
			if kind == headerErr {
				span := w.buf[w.start:at]
				w.start = at
				r.partial = false
				if err := r.finishSpan(span); err != nil {
					return err
				}
				return r.error()
			}
			if headerSize+n > len(h) && headerSize+n <= len(w.buf) {
				// Held back until it is whole, so that the client is not left in mid-packet if
				// the shard dies now. Only frames larger than the window are passed on in parts.
				want = headerSize + n
				break frames
			}
			eof := kind == headerEOF && n < maxEOFPayload
			if !c.seq.follow(h[3]) {
				return r.source(&SequenceError{Got: h[3], Want: c.seq.next})
			}
			h[3] += r.shift
			if !eof {
				switch {
				case tail:
				case rows:
					r.sum.Rows++
				default:
					if heads--; heads < 0 {
						return r.source(malformed("column definitions without an end"))
					}
				}
				at += headerSize
				skip, tail = n, n == maxFragment
				continue
			}
			done, err := r.eof(h[headerSize:headerSize+n], rows, heads)
			if err != nil {
				return err
			}
			rows = true
			size := headerSize + n
			switch {
			case done && r.dst.caps.Has(ClientDeprecateEOF):
				span := w.buf[w.start:at]
				w.start = at + size
				return r.endRows(h[3], span)
			case done:
				at += size
				span := w.buf[w.start:at]
				w.start = at
				r.partial = false
				return r.finishSpan(span)
			case r.dst.caps.Has(ClientDeprecateEOF):
				// Left out: the column definitions in front move over it.
				copy(w.buf[w.start+size:], w.buf[w.start:at])
				w.start += size
				r.shift--
			}
			at += size
		}
		if held = at - w.start; !rows && held+want <= len(w.buf) {
			continue // the column definitions go together: clients take an ERR among them for one
		}
		span := w.buf[w.start:at]
		full := w.end == len(w.buf)
		w.start, held = at, 0
		r.partial = skip > 0 || tail || !rows
		if err := r.finishSpan(span); err != nil {
			return err
		}
		if full && r.narrow == nil {
			r.narrow = w.widen()
		}
	}
}

// finishSpan hands a span to dst, whose next packet number follows the last frame's.
func (r *relay) finishSpan(span []byte) error {
	r.dst.seq.next = r.src.seq.next + r.shift
	r.dst.seq.fresh = false
	return r.write(span)
}

// endRows passes on a span and, behind it, an OK packet in the place of the EOF packet of that
// number.
func (r *relay) endRows(number byte, span []byte) error {
	if err := r.write(span); err != nil {
		return err
	}
	r.partial, r.sum.Started = false, true
	status := r.patch.apply(r.sum.OK.Status)
	r.dst.seq.next, r.dst.seq.fresh = number, false
	var err error
	if len(r.patch.Track) > 0 && !status.Has(StatusMoreResultsExists) {
		r.sum.Tracked = true
		err = r.dst.WritePacket(AppendTrackedEnd(nil, r.sum.OK.Warnings, status, r.patch.Track))
	} else {
		err = r.dst.writeEnd(r.sum.OK.Warnings, status)
	}
	if err != nil {
		return &RelayError{MidPacket: true, Err: err}
	}
	return nil
}

// writeEnd is WritePacket of AppendEndOfRows with CLIENT_DEPRECATE_EOF, without memory of its own.
func (c *Conn) writeEnd(warnings uint16, s Status) error {
	const size = 7
	if err := c.reserve(headerSize + size); err != nil {
		return err
	}
	c.write.buf = append(c.write.buf, size, 0, 0, c.seq.next)
	c.write.buf = AppendEndOfRows(c.write.buf, ClientDeprecateEOF, warnings, s)
	c.seq.next++
	return nil
}

// eof patches an EOF packet in place and says whether the result set ends with it.
func (r *relay) eof(payload []byte, rows bool, heads int) (done bool, err error) {
	warnings, status, err := parseEOF(payload)
	if err == nil && !rows && heads != 0 {
		err = malformed("%d of %d column definitions are missing", heads, r.sum.Columns)
	}
	if err != nil {
		return false, r.source(err)
	}
	if !rows {
		r.out = outParams(status)
	}
	r.sum.OK.Warnings, r.sum.OK.Status = warnings, status|r.out
	binary.LittleEndian.PutUint16(payload[3:], uint16(r.patch.apply(status)))
	return rows || status.Has(StatusCursorExists), nil
}
