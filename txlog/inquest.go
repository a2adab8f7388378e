package txlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// attempt is what is known of one bbolt transaction that may fail.
type attempt struct {
	base       metaPages // before
	txid       uint64
	committing bool // bbolt's Commit was called
	panicked   bool
}

// metaPages are the raw meta pages as the file shows them.
type metaPages struct {
	page [2][]byte
	err  error
}

// newest reads both meta pages as the page cache has them.
func (s *store) newest() metaPages { return readMetaPages(s.readback) }

func readMetaPages(f *os.File) metaPages {
	var m metaPages
	for i := range m.page {
		m.page[i] = make([]byte, pageHeader+metaLength)
		if _, err := f.ReadAt(m.page[i], int64(i)*int64(os.Getpagesize())); err != nil {
			m.err = err
			return m
		}
	}
	return m
}

// fail ends the log and answers the batch. The decisions are certainly not
// durable only when both hold: bbolt says that it gave up before the meta page was
// written, and the file's meta pages are byte for byte what they were. A state of
// the file that no meta page names does not exist for any reader.
func (l *Log) fail(c *change, a *attempt, cause error) {
	verdict := ErrNotDurable
	if a.committing {
		after := l.store.newest()
		switch {
		case a.base.err != nil || after.err != nil:
			verdict, cause = ErrUnknown, fmt.Errorf("%w (and the file cannot be read back)", cause)
		case !bytes.Equal(a.base.page[0], after.page[0]) || !bytes.Equal(a.base.page[1], after.page[1]):
			verdict = ErrUnknown
		case !l.store.record.beforeMeta():
			verdict = ErrUnknown
		}
	}
	l.mu.Lock()
	l.failed = cause
	if errors.Is(verdict, ErrUnknown) {
		for gtrid := range c.put {
			l.unknown[gtrid] = struct{}{}
		}
	}
	clear(l.forget)
	l.mu.Unlock()
	for _, r := range c.waiters {
		r.done <- fmt.Errorf("append to decision log: %w: %w", verdict, cause)
	}
	l.closeStore(a.panicked)
}

// closeStore lets go of the file of a failed log. After a panic inside of bbolt its
// locks may be held for ever: the file is then left to the end of the process.
func (l *Log) closeStore(panicked bool) {
	if panicked {
		return
	}
	if err := l.store.close(); err != nil {
		l.mu.Lock()
		l.failed = fmt.Errorf("%w (and closing it: %w)", l.failed, err)
		l.mu.Unlock()
	}
}
