package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// spoolMemory is how much of an answer a spool keeps in memory before it goes to a file.
const spoolMemory = 64 << 10

// spools counts what all open spools hold.
type spools struct {
	limit int64 // bytes; 0: none
	bytes atomic.Int64
	open  atomic.Int64
}

// gauges show how much that is.
func (p *spools) gauges() []prometheus.Collector {
	gauge := func(name, help string, n *atomic.Int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "lockstep", Name: name, Help: help}, func() float64 { return float64(n.Load()) })
	}
	return []prometheus.Collector{
		gauge("cursors", "Cursors that clients have open.", &p.open),
		gauge("cursor_bytes", "Bytes of rows that wait behind open cursors.", &p.bytes),
	}
}

// errSpoolFull says that the spools together hold as much as they may.
var errSpoolFull = errors.New("spool is full")

// spool is an answer that waits to be fetched: a small one in memory, a larger one in a temporary file
// that has no name any more. It is written once, then read once. It is a network connection without a peer, so that
// a protocol.Conn can be put on it, and never fails a write: what went wrong is in failed, and the rest is dropped.
type spool struct {
	all    *spools
	full   func() // called once when the limit is met, to end what still writes
	memory []byte
	file   *os.File
	size   int64
	at     int64 // of the next read
	failed error
}

func (p *spools) newSpool(full func()) *spool {
	p.open.Add(1)
	return &spool{all: p, full: full}
}

// Write keeps b.
func (s *spool) Write(b []byte) (int, error) {
	if s.failed != nil {
		return len(b), nil //nolint:nilerr // see above
	}
	if total := s.all.bytes.Add(int64(len(b))); s.all.limit > 0 && total > s.all.limit {
		s.all.bytes.Add(int64(-len(b)))
		s.fail(errSpoolFull)
		s.full()
		return len(b), nil
	}
	s.size += int64(len(b))
	if s.file == nil && len(s.memory)+len(b) <= spoolMemory {
		s.memory = append(s.memory, b...)
		return len(b), nil
	}
	if err := s.toFile(b); err != nil {
		s.fail(fmt.Errorf("keep an answer in a temporary file: %w", err))
		s.full()
	}
	return len(b), nil
}

func (s *spool) toFile(b []byte) error {
	if s.file == nil {
		f, err := os.CreateTemp("", "lockstep-cursor-")
		if err != nil {
			return err
		}
		s.file = f
		// Without its name the file is gone with the process, whatever ends that.
		if err := os.Remove(f.Name()); err != nil {
			return err
		}
		if _, err := f.Write(s.memory); err != nil {
			return err
		}
		s.memory = nil
	}
	_, err := s.file.Write(b)
	return err
}

// fail drops what is kept.
func (s *spool) fail(err error) {
	s.failed = err
	s.drop()
}

// Read reads what was written.
func (s *spool) Read(b []byte) (int, error) {
	switch {
	case s.failed != nil:
		return 0, s.failed
	case s.at >= s.size:
		return 0, io.EOF
	case s.file == nil:
		n := copy(b, s.memory[s.at:])
		s.at += int64(n)
		return n, nil
	}
	n, err := s.file.ReadAt(b[:min(int64(len(b)), s.size-s.at)], s.at)
	s.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (s *spool) drop() {
	s.all.bytes.Add(-s.size)
	s.size, s.memory = 0, nil
	if s.file != nil {
		_ = s.file.Close() // it has no name, so nothing of it stays
		s.file = nil
	}
}

// Close gives back what the spool holds.
func (s *spool) Close() error {
	if s.all != nil {
		s.drop()
		s.all.open.Add(-1)
		s.all, s.failed = nil, net.ErrClosed
	}
	return nil
}

// The rest of net.Conn.

type spoolAddr struct{}

func (spoolAddr) Network() string { return "spool" }
func (spoolAddr) String() string  { return "spool" }

// LocalAddr is no real address.
func (s *spool) LocalAddr() net.Addr { return spoolAddr{} }

// RemoteAddr is no real address.
func (s *spool) RemoteAddr() net.Addr { return spoolAddr{} }

// SetDeadline does nothing: a spool does not wait.
func (s *spool) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (s *spool) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (s *spool) SetWriteDeadline(time.Time) error { return nil }
