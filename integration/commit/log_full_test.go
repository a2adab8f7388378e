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
	"lockstep/proxy/admin"
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
	w.StartProxy()
	b := a.open(seed(t))
	b.goesOn(t)
	full := fill(t, dir)
	b.goesOn(t) // a few finished decisions at a time find room in the pages that the file has
	w.growLog(t)
	w.waitForLogFailure(t)
	transfers := b.close()
	w.settledIn(t, w.all(), time.Second)
	a.check(t, transfers)
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
	w.waitForLogFailure(t)
	time.Sleep(200 * time.Millisecond) // clients go on against a failed log
	// The log is stopped for good: room again does not bring it back in this process.
	limit.Cur = unix.RLIM_INFINITY
	if err := unix.Prlimit(w.ProxyPid(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	transfers := b.close()
	w.settledIn(t, w.all(), time.Second)
	a.check(t, transfers)
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

// growLog makes the log need more pages: entries of an operator's verdicts are kept for good.
func (w *world) growLog(t *testing.T) {
	t.Helper()
	reason := strings.Repeat("a long reason. ", 60)
	eventually(t, 10*time.Second, func() error {
		err := w.Post("/api/v1/transactions/test.p1."+w.mustStatus().Epoch+".999999/rollback", admin.Request{Force: true, Reason: reason, Who: "test"}, nil)
		if err == nil {
			t.Fatal("a transaction that nobody made was rolled back")
		}
		if !strings.Contains(err.Error(), "audit entry") {
			return fmt.Errorf("entries still find room: %w", err)
		}
		return nil
	})
}

// waitForLogFailure waits until the proxy says that it has stopped its log.
func (w *world) waitForLogFailure(t *testing.T) {
	t.Helper()
	eventually(t, 10*time.Second, func() error {
		if w.mustStatus().LogFailed == "" {
			return errors.New("the log has not failed")
		}
		return nil
	})
}

// logFails holds a proxy to what it promises once its log cannot be written.
func (w *world) logFails(t *testing.T, a *accounts, reason string) {
	t.Helper()
	c := w.client(t)
	defer c.close()
	at := a.attempt(t, c, 2)
	err := c.want(codeRolledBack, "COMMIT")
	if !containsAll(err.Error(), "log", "test.p1.", reason) {
		t.Errorf("the error does not name the log, the transaction and %q: %v", reason, err)
	}
	w.settledIn(t, w.all(), time.Second)
	at.check(t, false)
	// One shard needs no log.
	before := a.balance(t, a.on[0][0])
	c.must("BEGIN", add(a.on[0][0], 2), add(a.on[0][1], -1), "COMMIT", add(a.on[0][0], 1))
	a.expect(t, "one shard with a failed log", a.on[0][0], before+3)
	c.must(add(a.on[0][0], -3), add(a.on[0][1], 1))
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
