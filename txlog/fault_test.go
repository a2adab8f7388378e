package txlog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// replaceDescriptor puts another file under bbolt's descriptor.
func replaceDescriptor(t *testing.T, l *Log, name string, flag int) {
	t.Helper()
	f, err := os.OpenFile(name, flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Dup3(int(f.Fd()), int(l.store.file.Fd()), unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}

func TestFailStop(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault func(t *testing.T, l *Log)
		want  error
		cause error
		after int // decisions found by the next start
	}{
		{"disk full", func(t *testing.T, l *Log) { replaceDescriptor(t, l, "/dev/full", os.O_WRONLY) }, ErrNotDurable, syscall.ENOSPC, 1},
		{"write refused", func(t *testing.T, l *Log) { replaceDescriptor(t, l, l.options.Path, os.O_RDONLY) }, ErrNotDurable, syscall.EBADF, 1},
		{"sync of data fails", func(t *testing.T, l *Log) { replaceDescriptor(t, l, "/dev/null", os.O_RDWR) }, ErrNotDurable, nil, 1},
		{"sync of meta page fails", func(t *testing.T, l *Log) {
			l.commit = func(tx boltTx) error {
				if err := tx.Commit(); err != nil {
					return err
				}
				l.store.record.Errorf("writeMeta failed: %v", syscall.EIO)
				return syscall.EIO
			}
		}, ErrUnknown, syscall.EIO, 2},
		{"fails without a trace", func(t *testing.T, l *Log) {
			l.commit = func(tx boltTx) error { return errors.Join(syscall.EIO, tx.Rollback()) }
		}, ErrUnknown, syscall.EIO, 1},
		{"bbolt panics", func(t *testing.T, l *Log) { l.commit = func(boltTx) error { panic("no") } }, ErrUnknown, nil, 1},
		{"write of meta page fails", func(t *testing.T, l *Log) {
			l.commit = func(tx boltTx) error {
				l.store.record.Errorf("writeAt failed, pgid: %d, pageSize: %d, error: %v", 0, 0, syscall.ENOSPC)
				return errors.Join(syscall.ENOSPC, tx.Rollback())
			}
		}, ErrNotDurable, syscall.ENOSPC, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			l := open(t, path)
			mustAppend(t, l, decision(1))
			tc.fault(t, l)
			err := l.Append(context.Background(), decision(2))
			t.Log(err)
			if !errors.Is(err, tc.want) || tc.cause != nil && !errors.Is(err, tc.cause) || errors.Is(err, ErrNotDurable) == errors.Is(err, ErrUnknown) {
				t.Fatalf("append: %v", err)
			}
			if _, ok, err := l.Lookup(decision(2).GTRID); ok || errors.Is(err, ErrUnknown) != errors.Is(tc.want, ErrUnknown) {
				t.Errorf("lookup of the failed: %v, %v", ok, err)
			}
			if _, ok, err := l.Lookup(decision(1).GTRID); !ok || err != nil {
				t.Errorf("lookup of the durable: %v, %v", ok, err)
			}
			if err := l.Append(context.Background(), decision(3)); !errors.Is(err, ErrNotDurable) || errors.Is(err, ErrUnknown) {
				t.Errorf("append to a failed log: %v", err)
			}
			if l.Failed() == nil || !l.Stats().Failed {
				t.Error("the log does not say that it failed")
			}
			l.Forget(decision(1).GTRID)
			if err := l.Close(); err == nil {
				t.Error("closing a failed log is no success")
			}
			l = open(t, path)
			if got := all(t, l); len(got) != tc.after || !reflect.DeepEqual(got[decision(1).GTRID], decision(1)) {
				t.Errorf("after the next start: %v", got)
			}
		})
	}
}

// bbolt reads through a memory map, which faults where the file has shrunk.
func TestFileCutUnderOurFeet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	for i := range 500 {
		mustAppend(t, l, decision(i))
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	err := l.Append(context.Background(), decision(1000))
	t.Log(err)
	if !errors.Is(err, ErrNotDurable) && !errors.Is(err, ErrUnknown) || l.Failed() == nil {
		t.Fatalf("append: %v", err)
	}
	l.Close()
	var corrupt *CorruptError
	if _, err := Open(Options{Path: path, Identity: alice, Epoch: "next"}); !errors.As(err, &corrupt) {
		t.Fatalf("open: %v", err)
	}
}

// A limit of the file's size met while the file must grow, as on a disk that is full.
func TestDiskFullWhileGrowing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	ignoreFileSizeSignal()
	limit := old
	limit.Cur = 2 << 20
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	acked := 0
	var err error
	for ; err == nil; acked++ {
		d := decision(acked)
		for len(d.Participants) < 200 {
			d.Participants = append(d.Participants, "a-shard-with-a-name-of-some-length")
		}
		err = l.Append(context.Background(), d)
	}
	acked--
	t.Log(acked, err)
	if !errors.Is(err, ErrNotDurable) || !errors.Is(l.Failed(), syscall.EFBIG) && acked == 0 {
		t.Fatalf("after %d: %v", acked, err)
	}
	l.Close()
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if got := all(t, open(t, path)); len(got) != acked {
		t.Fatalf("%d of %d acknowledged decisions are there", len(got), acked)
	}
}
