package protocol

import "sync"

// wideWindow is the read window while a large result passes: what arrives together is passed on together, in a quarter of the system calls.
const wideWindow = 64 << 10

var wideWindows = sync.Pool{New: func() any { b := make([]byte, wideWindow); return &b }}

// widen puts a wide buffer in the window's place, and returns the window's own for restore; nil where that is as wide.
func (w *window) widen() (own []byte) {
	if len(w.buf) >= wideWindow {
		return nil
	}
	own = w.small
	w.move(*wideWindows.Get().(*[]byte))
	return own
}

// restore undoes widen.
func (w *window) restore(own []byte) {
	wide := w.small
	if w.end-w.start <= len(own) {
		w.move(own)
		wideWindows.Put(&wide)
		return
	}
	// What has arrived behind the result does not fit: the wide buffer stays until it is consumed, and is lost to the pool.
	w.small = own
}

// move goes on in another buffer, which what has arrived fits in.
func (w *window) move(to []byte) {
	w.end = copy(to, w.buf[w.start:w.end])
	w.start = 0
	w.buf, w.small = to, to
}
