package threephase

import (
	"testing"

	"golang.org/x/sys/unix"

	"lockstep/integration/cluster"
)

// A log that cannot be written stops two-phase commits, and is nothing to three-phase ones.
func TestLogFull(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	// Meta pages still fit; the pages behind them do not.
	full := unix.Rlimit{Cur: 8192, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(w.ProxyPid(), unix.RLIMIT_FSIZE, &full, nil); err != nil {
		t.Fatal(err)
	}
	c := w.client(t, w.Proxy)
	defer c.close()
	x := w.transfer(2, 0)
	x.mustOpen(c)
	c.want(codeRolledBack, "COMMIT")
	if w.happened(t, x) {
		t.Error("two-phase: committed without a decision")
	}
	c.must("SET lockstep_commit_mode = '3pc'")
	for k := range 5 {
		x := w.transfer(2, k)
		x.mustOpen(c)
		c.must("COMMIT")
		if !w.happened(t, x) {
			t.Error("three-phase: not committed")
		}
	}
	w.settled(t, settleLimit)
	w.check(t)
	w.KillProxy()
}
