package commit

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// A stranger's session that stays open with a prepared branch holds up what is ours on that
// shard (MariaDB does not show whose XID a session holds), loudly, and no longer than it stays. On MySQL, where
// a prepared branch is no session's, it holds up nothing.
func TestStrangersSessionHoldsUpRecovery(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	at := w.dieAt(t, a, stepOf(2, coordinator.StepDecisionDurable, 0))

	ctx := context.Background()
	stranger, err := w.shard(0).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for _, s := range []string{"XA START 'theirs'", fmt.Sprintf("UPDATE %s.account SET balance = balance + 1 WHERE id = %d", database, a.on[0][1]), "XA END 'theirs'", "XA PREPARE 'theirs'"} {
		if _, err := stranger.ExecContext(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	w.StartProxy()
	if cluster.Engine(t) == localdb.MySQL {
		w.settledIn(t, w.all(), settleLimit)
		if _, err := stranger.ExecContext(ctx, "XA COMMIT 'theirs'"); err != nil {
			t.Errorf("the stranger's commit: %v", err)
		}
		at.check(t, true)
		return
	}
	w.settledIn(t, []int{1}, settleLimit) // the other shard is not held up
	eventually(t, 10*time.Second, func() error {
		if said := w.ProxyOutput(); !containsAll(said, "still hold prepared transactions", "root@localhost") {
			return fmt.Errorf("the proxy does not say who holds it up:\n%s", lastLines(said, 10))
		}
		return nil
	})
	if list, err := w.ours([]int{0}, ""); err != nil || len(list) != 1 {
		t.Errorf("prepared beside the stranger: %v (%v), want our branch", list, err)
	}
	if _, err := stranger.ExecContext(ctx, "XA COMMIT 'theirs'"); err != nil {
		t.Errorf("the stranger's commit: %v", err)
	}
	w.settledIn(t, w.all(), 10*time.Second)
	at.check(t, true)
	at.rowsAreFree(t, w)
}
