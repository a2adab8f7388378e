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
			at += headerSize + n
			if done {
				span := w.buf[w.start:at]
				w.start = at
				r.partial = false
				return r.finishSpan(span)
			}
		}
		if held = at - w.start; !rows && held+want <= len(w.buf) {
			continue // the column definitions go together: clients take an ERR among them for one
		}
		span := w.buf[w.start:at]
		w.start, held = at, 0
		r.partial = skip > 0 || tail || !rows
		if err := r.finishSpan(span); err != nil {
			return err
		}
	}
}

// finishSpan hands a span to dst, whose next packet number follows the last frame's.
func (r *relay) finishSpan(span []byte) error {
	r.dst.seq.next = r.src.seq.next + r.shift
	r.dst.seq.fresh = false
	return r.write(span)
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
	r.sum.OK.Warnings, r.sum.OK.Status = warnings, status
	binary.LittleEndian.PutUint16(payload[3:], uint16(r.patch.apply(status)))
	return rows || status.Has(StatusCursorExists), nil
}
