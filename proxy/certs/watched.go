package certs

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// lookInterval is how often files are looked at, at most: when somebody connects, so that nothing runs in
// between. A certificate that is replaced is in use a second later.
const lookInterval = time.Second

// watched is a value that is made of files.
type watched[T any] struct {
	paths []string
	load  func() (T, error)
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	stamp  string // of the files when the value was made
	bad    string // of files of which none could be made
	told   bool   // of bad
	looked time.Time
}

// watch makes the value for the first time.
func watch[T any](load func() (T, error), log *slog.Logger, paths ...string) (*watched[T], error) {
	w := &watched[T]{load: load, log: log, looked: time.Now()}
	for _, p := range paths {
		if p != "" {
			w.paths = append(w.paths, p)
		}
	}
	w.stamp = w.look()
	var err error
	w.value, err = load()
	return w, err
}

// get gives the value, made anew where a file has changed.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.looked) < lookInterval {
		return w.value
	}
	w.looked = time.Now()
	stamp := w.look()
	if stamp == w.stamp {
		return w.value
	}
	value, err := w.load()
	if err != nil {
		w.failed(stamp, err)
		return w.value
	}
	w.value, w.stamp, w.bad = value, stamp, ""
	w.log.Info("TLS files read again", "files", strings.Join(w.paths, ", "))
	return value
}

// again makes the value anew.
func (w *watched[T]) again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	stamp := w.look()
	value, err := w.load()
	if err != nil {
		w.log.Error("TLS files cannot be used; what was read before goes on being used", "err", err)
		return
	}
	w.value, w.stamp, w.bad = value, stamp, ""
	w.log.Info("TLS files read again", "files", strings.Join(w.paths, ", "))
}

// failed says once that files cannot be used. A certificate and its key are two files, which do not fit while only
// one has been replaced: nobody hears of that unless the next look finds them so still.
func (w *watched[T]) failed(stamp string, err error) {
	if stamp != w.bad {
		w.bad, w.told = stamp, false
		return
	}
	if !w.told {
		w.told = true
		w.log.Error("changed TLS files cannot be used; what was read before goes on being used", "err", err)
	}
}

// look tells one state of the files from another.
func (w *watched[T]) look() string {
	var b strings.Builder
	for _, p := range w.paths {
		info, err := os.Stat(p)
		if err != nil {
			fmt.Fprintf(&b, "%v\n", err)
			continue
		}
		var inode uint64
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			inode = st.Ino
		}
		fmt.Fprintf(&b, "%d %d %d\n", info.Size(), info.ModTime().UnixNano(), inode)
	}
	return b.String()
}
