package commit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lockstep/integration/cluster"
)

// codeRolledBack is XA_RBROLLBACK.
const codeRolledBack = 1402

// The disk under the log is full: the log may fail, commits over shards then roll
// back, commits on one shard go on, and a start with room again makes all good.
func TestLogDiskFull(t *testing.T) {
	dir := smallDisk(t, "1m")
	w := newWorld(t, cluster.Options{LogDir: dir})
	w.StartProxy()
	a := w.makeAccounts(32, 1000)
	w.StopProxy()
	w.StartProxy() // the file is written anew: it has no spare pages
	full := fill(t, dir)
	w.logFails(t, a, "no space left on device")

	w.KillProxy()
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	w.commitsAgain(t, a)
}

// A start on a full disk is refused: nothing could be decided.
func TestLogDiskFullAtStart(t *testing.T) {
	dir := smallDisk(t, "1m")
	w := newWorld(t, cluster.Options{LogDir: dir})
	w.StartProxy()
	a := w.makeAccounts(32, 1000)
	w.StopProxy()
	full := fill(t, dir)
	w.refusesToStart(t, w.ConfigPath(), "no space left on device")
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	w.commitsAgain(t, a)
}

// Writing the log fails while clients commit. A limit on file sizes stands for the fault: it strikes
// at any moment, and takes no privilege.
func TestLogWriteFailsUnderLoad(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	a := w.makeAccounts(32, 1000)
	b := a.open(seed(t))
	b.goesOn(t)
	// Meta pages still fit; the pages behind them do not.
	limit := unix.Rlimit{Cur: 8192, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(w.ProxyPid(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatalf("limit the proxy's file sizes: %v", err)
	}
	eventually(t, 10*time.Second, func() error {
		if w.mustStatus().LogFailed == "" {
			return errors.New("the log has not failed")
		}
		return nil
	})
	time.Sleep(200 * time.Millisecond) // clients go on against a failed log
	// The log is stopped for good: room again does not bring it back in this process.
	limit.Cur = unix.RLIM_INFINITY
	if err := unix.Prlimit(w.ProxyPid(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	transfers := b.close()
	w.logFails(t, a, "file too large")
	w.KillProxy()
	w.StartProxy()
	w.mustSettle(w.all(), settleLimit)
	a.check(t, transfers)
	var refused int
	for _, tr := range transfers {
		if codeOf(tr.err) == codeRolledBack {
			refused++
		}
		if codeOf(tr.err) == -1 {
			t.Errorf("transfer %s: the proxy lived, and its client lost the connection: %v", tr.id, tr.err)
		}
	}
	if refused == 0 {
		t.Error("no transfer was refused because of the log")
	}
	w.commitsAgain(t, a)
}

// logFails holds a proxy to what it promises once its log cannot be written.
func (w *world) logFails(t *testing.T, a *accounts, reason string) {
	t.Helper()
	c := w.client(t)
	defer c.close()
	failed := 0
	for range 50 { // a page or two may be free in the file
		at := a.attempt(t, c, 2)
		_, err := c.Exec("COMMIT")
		if err == nil {
			at.check(t, true)
			continue
		}
		if codeOf(err) != codeRolledBack || !containsAll(err.Error(), "log", "test.p1.") {
			t.Fatalf("COMMIT with a full log: %v, want error %d that names the log and the transaction", err, codeRolledBack)
		}
		if failed == 0 && !strings.Contains(err.Error(), reason) {
			t.Errorf("the first error does not say %q: %v", reason, err)
		}
		if failed++; failed == 3 {
			break
		}
	}
	if failed == 0 {
		t.Fatal("the log never failed")
	}
	w.settledIn(t, w.all(), time.Second)
	at := a.attempt(t, c, 2)
	c.want(codeRolledBack, "COMMIT")
	w.settledIn(t, w.all(), time.Second)
	at.check(t, false)
	// One shard needs no log.
	before := a.balance(t, a.on[0][0])
	c.must("BEGIN", add(a.on[0][0], 1), add(a.on[0][1], -1), "COMMIT", add(a.on[0][0], 1))
	if got := a.balance(t, a.on[0][0]); got != before+2 {
		t.Errorf("with a failed log one shard has %d, want %d", got, before+2)
	}
	if said := w.mustStatus().LogFailed; !strings.Contains(said, reason) {
		t.Errorf("/api/v1/status says of the log %q, want %q", said, reason)
	}
	_, metrics, err := w.Text("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(metrics, "\nlockstep_log_failed 1\n") {
		t.Error("the metric lockstep_log_failed is not 1")
	}
}

// commitsAgain starts the proxy and commits over two shards.
func (w *world) commitsAgain(t *testing.T, a *accounts) {
	t.Helper()
	w.StopProxy()
	w.StartProxy()
	w.settledIn(t, w.all(), settleLimit)
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 2)
	c.must("COMMIT")
	at.check(t, true)
	w.logIsEmptyAfterStop(t)
}

// smallDisk mounts one of its own, which takes root.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small tmpfs needs root; TestLogWriteFailsUnderLoad covers the rest")
	}
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); errors.Is(err, syscall.EPERM) {
		t.Skip("this container may not mount a tmpfs; TestLogWriteFailsUnderLoad covers the rest")
	} else if err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		// Lazily: where a test failed, the proxy may still have the log open.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount the tmpfs: %v", err)
		}
	})
	return dir
}

// fill a disk to its last byte with a file, whose path is answered.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(fmt.Errorf("fill the disk: %w", err))
	}
	return path
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
