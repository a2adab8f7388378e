package eventloop

import (
	"os"
	"sync/atomic"
	"time"
)

// waiting is one direction's goroutine that waits, and its deadline. Anybody may poke it or move the
// deadline; one goroutine at a time waits.
type waiting struct {
	signal   chan struct{} // room for one: a signal that nobody waits for makes the next wait end early
	parked   atomic.Bool
	deadline atomic.Int64 // Unix time in ns; 0: none

	timer atomic.Pointer[time.Timer]
	armed atomic.Int64 // when it fires; 0: it is not set
}

func (w *waiting) init() { w.signal = make(chan struct{}, 1) }

// poke ends the wait, now or the next one, and says whether somebody waited.
func (w *waiting) poke() bool {
	if !w.parked.Load() {
		return false
	}
	select {
	case w.signal <- struct{}{}:
	default:
	}
	return true
}

// close ends the wait of a closed connection, and its timer: it would keep the connection's memory until it fires.
func (w *waiting) close() {
	w.poke()
	if t := w.timer.Load(); t != nil {
		t.Stop()
	}
}

// expired says whether the deadline is over.
func (w *waiting) expired() error {
	if d := w.deadline.Load(); d != 0 && time.Now().UnixNano() >= d {
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (w *waiting) set(t time.Time) {
	if t.IsZero() {
		w.deadline.Store(0)
	} else {
		w.deadline.Store(max(1, t.UnixNano()))
	}
	w.poke()
}
