package merge

import (
	"encoding/binary"
	"errors"
	"fmt"

	"lockstep/protocol"
)

// row is one row on its way. payload is its encoded form, nil for a row that a
// source made itself; fields are its values, nil as long as nobody needed them.
// Both are valid until the source's next next.
type row struct {
	payload []byte
	fields  []protocol.Field
}

// source gives rows one by one; ok is false after the last.
type source interface {
	next() (r row, ok bool, err error)
}

// decode splits a row into its values, which alias payload. dst is reused.
func decode(dst []protocol.Field, payload []byte, columns int) ([]protocol.Field, error) {
	fields, err := protocol.ParseTextRow(dst[:0], payload, columns)
	if err != nil {
		return fields, fmt.Errorf("read a shard's row: %w", err)
	}
	return fields, nil
}

// input is the streams, and how far they were read.
type input struct {
	streams []Stream
	ended   []bool
	columns int
}

func newInput(streams []Stream, columns int) *input {
	return &input{streams: streams, ended: make([]bool, len(streams)), columns: columns}
}

// advance moves stream i to its next row.
func (in *input) advance(i int) (payload []byte, ok bool, err error) {
	if in.ended[i] {
		return nil, false, nil
	}
	if in.streams[i].Next() {
		return in.streams[i].Payload(), true, nil
	}
	if err := in.streams[i].Err(); err != nil {
		return nil, false, err
	}
	in.ended[i] = true
	return nil, false, nil
}

func (in *input) complete() bool {
	for _, e := range in.ended {
		if !e {
			return false
		}
	}
	return true
}

// concatenation gives the streams' rows one stream after the other.
type concatenation struct {
	in  *input
	cur int
}

func (c *concatenation) next() (row, bool, error) {
	for c.cur < len(c.in.streams) {
		payload, ok, err := c.in.advance(c.cur)
		if err != nil {
			return row{}, false, err
		}
		if ok {
			return row{payload: payload}, true, nil
		}
		c.cur++
	}
	return row{}, false, nil
}

var errShortRow = errors.New("read a shard's row: it ends within a value")

// rowPrefix tells where the first n values of a text-protocol row end.
func rowPrefix(payload []byte, n int) (int, error) {
	at := 0
	for range n {
		if at >= len(payload) {
			return 0, errShortRow
		}
		var head, size uint64 = 1, 0
		switch b := payload[at]; {
		case b < 0xfb:
			size = uint64(b)
		case b == 0xfb: // NULL
		case b == 0xfc && at+3 <= len(payload):
			head, size = 3, uint64(binary.LittleEndian.Uint16(payload[at+1:]))
		case b == 0xfd && at+4 <= len(payload):
			head, size = 4, uint64(payload[at+1])|uint64(payload[at+2])<<8|uint64(payload[at+3])<<16
		case b == 0xfe && at+9 <= len(payload):
			head, size = 9, binary.LittleEndian.Uint64(payload[at+1:])
		default:
			return 0, errShortRow
		}
		if size > uint64(len(payload)-at)-head {
			return 0, errShortRow
		}
		at += int(head + size)
	}
	return at, nil
}
