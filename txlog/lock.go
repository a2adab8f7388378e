package txlog

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// fileLock is an advisory lock (flock) on "<log>.lock". It is a file of its own
// because the log itself is replaced at each start. The kernel drops
// the lock with the process, however it dies.
type fileLock struct{ file *os.File }

func lockPath(path string) string { return path + ".lock" }

// takeLock does not wait. *LockedError: another process has it.
func takeLock(path string, exclusive bool) (*fileLock, error) {
	name := lockPath(path)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil && !exclusive {
		f, err = os.Open(name)
	}
	if err != nil {
		return nil, fmt.Errorf("open lock of decision log: %w", err)
	}
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	for {
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder := readHolder(f)
		return nil, errors.Join(&LockedError{Path: path, Holder: holder}, closeQuietly(f))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock decision log %s: %w", path, err), closeQuietly(f))
	}
	l := &fileLock{file: f}
	if err := l.writeHolder(exclusive); err != nil && exclusive {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// writeHolder leaves the process id for the message of those who find the lock
// taken. A reader of a file that it may not write leaves none.
func (l *fileLock) writeHolder(exclusive bool) error {
	text := fmt.Sprintf("process %d\n", os.Getpid())
	if !exclusive {
		text = fmt.Sprintf("process %d, which reads it\n", os.Getpid())
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("write holder of decision log: %w", err)
	}
	if _, err := l.file.WriteAt([]byte(text), 0); err != nil {
		return fmt.Errorf("write holder of decision log: %w", err)
	}
	return nil
}

// readHolder is a courtesy for a message: no name is no error.
func readHolder(f *os.File) string {
	var b [64]byte
	n, err := f.ReadAt(b[:], 0)
	if n == 0 && err != nil {
		return ""
	}
	return strings.TrimSpace(string(b[:n]))
}

func (l *fileLock) release() error { return closeQuietly(l.file) }

func closeQuietly(f *os.File) error {
	if err := f.Close(); err != nil {
		return fmt.Errorf("close lock of decision log: %w", err)
	}
	return nil
}
