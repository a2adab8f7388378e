package proxy

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
)

func TestSpool(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, size := range []int{0, 1, spoolMemory, spoolMemory + 1, 3 * spoolMemory} {
		all := &spools{limit: 1 << 20}
		s := all.newSpool(func() { t.Error("full") })
		want := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		for at := 0; at < size; at += 5000 {
			if n, err := s.Write(want[at:min(at+5000, size)]); err != nil || n == 0 {
				t.Fatal(n, err)
			}
		}
		if n := all.bytes.Load(); n != int64(size) || all.open.Load() != 1 {
			t.Errorf("%d bytes of %d are counted", n, size)
		}
		if (s.file != nil) != (size > spoolMemory) {
			t.Errorf("%d bytes: in a file is %v", size, s.file != nil)
		}
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %d, %v", size, len(got), err)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if all.bytes.Load() != 0 || all.open.Load() != 0 {
			t.Errorf("after the end %d bytes of %d spools are counted", all.bytes.Load(), all.open.Load())
		}
		if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
			t.Errorf("files are left: %v, %v", left, err)
		}
	}
}

func TestSpoolLimit(t *testing.T) {
	all := &spools{limit: 100}
	other := all.newSpool(nil)
	if _, err := other.Write(make([]byte, 60)); err != nil {
		t.Fatal(err)
	}
	full := 0
	s := all.newSpool(func() { full++ })
	for range 5 { // a writer is not told: it would take the client's connection for broken
		if n, err := s.Write(make([]byte, 30)); err != nil || n != 30 {
			t.Fatal(n, err)
		}
	}
	if full != 1 || !errors.Is(s.failed, errSpoolFull) || all.bytes.Load() != 60 {
		t.Errorf("said %d times, %v, %d bytes", full, s.failed, all.bytes.Load())
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, errSpoolFull) {
		t.Errorf("read: %v", err)
	}
	if err := errors.Join(s.Close(), other.Close()); err != nil || all.bytes.Load() != 0 || all.open.Load() != 0 {
		t.Errorf("%v, %d bytes, %d open", err, all.bytes.Load(), all.open.Load())
	}
}

func TestSpoolWithoutAFolder(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")
	all := &spools{}
	full := false
	s := all.newSpool(func() { full = true })
	if _, err := s.Write(make([]byte, 2*spoolMemory)); err != nil || s.failed == nil || !full {
		t.Errorf("%v, %v, %v", err, s.failed, full)
	}
	if err := s.Close(); err != nil || all.bytes.Load() != 0 {
		t.Errorf("%v, %d bytes", err, all.bytes.Load())
	}
}
