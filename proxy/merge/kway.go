package merge

import (
	"bytes"

	"lockstep/protocol"
)

// kway merges sorted streams with a tree of losers (Knuth, TAOCP 3, 5.4.1): a
// new row of the stream that won meets one loser per level, log2(k)
// comparisons a row. Nothing is copied: a row is given out while its stream stands on it.
type kway struct {
	in      *input
	keys    *keyCodec
	cursors []cursor
	losers  []int // [0] is the winner; [i] the loser of inner node i
	started bool
	strict  bool // a stream out of order is an error: groups would come twice
	last    []byte
}

// cursor is the row a stream stands on.
type cursor struct {
	payload []byte
	fields  []protocol.Field
	key     []byte
	ended   bool
}

func newKWay(in *input, keys *keyCodec, strict bool) *kway {
	return &kway{in: in, keys: keys, strict: strict, cursors: make([]cursor, len(in.streams)), losers: make([]int, len(in.streams))}
}

func (w *kway) next() (row, bool, error) {
	if !w.started {
		w.started = true
		for i := range w.cursors {
			if err := w.load(i); err != nil {
				return row{}, false, err
			}
		}
		w.losers[0] = w.build(1)
	} else {
		// Only now may the stream move: its row was in use until this call.
		winner := w.losers[0]
		if err := w.load(winner); err != nil {
			return row{}, false, err
		}
		w.replay(winner)
	}
	c := &w.cursors[w.losers[0]]
	if c.ended {
		return row{}, false, nil
	}
	return row{payload: c.payload, fields: c.fields}, true, nil
}

// load moves stream i on.
func (w *kway) load(i int) error {
	c := &w.cursors[i]
	payload, ok, err := w.in.advance(i)
	if err != nil {
		return err
	}
	if !ok {
		c.ended, c.payload = true, nil
		return nil
	}
	c.payload = payload
	if c.fields, err = decode(c.fields, payload, w.in.columns); err != nil {
		return err
	}
	if w.strict {
		w.last = append(w.last[:0], c.key...)
	}
	if c.key, err = w.keys.append(c.key[:0], c.fields); err != nil {
		return err
	}
	if w.strict && bytes.Compare(w.last, c.key) > 0 {
		return differ("answer %d came out of order", i+1)
	}
	return nil
}

// build plays the matches below inner node n and returns the winner. Streams are
// the leaves: node k+i of a tree with k leaves is stream i.
func (w *kway) build(n int) int {
	if n >= len(w.cursors) {
		return n - len(w.cursors)
	}
	a, b := w.build(2*n), w.build(2*n+1)
	if w.before(b, a) {
		a, b = b, a
	}
	w.losers[n] = b
	return a
}

// replay lets stream i fight its way up after it has moved on.
func (w *kway) replay(i int) {
	winner := i
	for n := (i + len(w.cursors)) / 2; n > 0; n /= 2 {
		if w.before(w.losers[n], winner) {
			w.losers[n], winner = winner, w.losers[n]
		}
	}
	w.losers[0] = winner
}

// before orders two streams by the rows they stand on, then by their number.
func (w *kway) before(a, b int) bool {
	ca, cb := &w.cursors[a], &w.cursors[b]
	if ca.ended || cb.ended {
		return !ca.ended
	}
	if c := bytes.Compare(ca.key, cb.key); c != 0 {
		return c < 0
	}
	return a < b
}
