package threephase

import (
	"context"
	"fmt"
	"testing"

	"lockstep/integration/cluster"
)

// A session that stays open with a prepared branch of its own, a stranger's or a two-phase one of a frozen
// proxy, does not hold up three-phase transactions: their rows tell which sessions have to let go.
func TestOtherPreparedSessionsHoldNobodyUp(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	ctx := context.Background()
	stranger, err := w.root[0].Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for _, s := range []string{"XA START 'theirs'", fmt.Sprintf("UPDATE bank.account SET balance = balance WHERE id = %d", w.on[0][3]), "XA END 'theirs'", "XA PREPARE 'theirs'"} {
		if _, err := stranger.ExecContext(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	for _, frozen := range []bool{false, true} {
		t.Run(fmt.Sprintf("frozen=%v", frozen), func(t *testing.T) {
			env := []string{"LOCKSTEP_FAILPOINT=all-prepared"}
			pause := cluster.NewPause(t, "all-prepared")
			if frozen {
				env = pause.Env()
			}
			w.StartProxy(env...)
			c := w.mode3(t, w.Proxy)
			defer c.close()
			x := w.transfer(2, 0)
			x.mustOpen(c)
			done := c.start("COMMIT")
			if frozen {
				if err := pause.Wait(settleLimit); err != nil {
					t.Fatal(err)
				}
				w.Freeze()
			} else {
				<-w.ProxyEnded()
			}
			w.settled(t, settleLimit)
			if !w.happened(t, x) {
				t.Error("all were prepared, and it is not committed")
			}
			if frozen {
				if err := pause.Go(); err != nil {
					t.Fatal(err)
				}
				w.Thaw()
			}
			w.mustAgree(t, x, answer(t, done, settleLimit))
			w.StopProxy()
		})
	}
	if _, err := stranger.ExecContext(ctx, "XA COMMIT 'theirs'"); err != nil {
		t.Errorf("the stranger's commit: %v", err)
	}
	w.check(t)
}
