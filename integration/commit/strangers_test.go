package commit

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/proxy/admin"
)

// prepare makes a prepared branch by hand on a shard, detached from its session.
// It changes one account there by one.
func (a *accounts) prepare(t *testing.T, shard int, b cluster.Branch, account int) {
	t.Helper()
	ctx := context.Background()
	conn, err := a.w.shard(shard).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	xid := xidOf(b)
	for _, s := range []string{
		"XA START " + xid,
		fmt.Sprintf("UPDATE %s.account SET balance = balance + 1 WHERE id = %d", database, account),
		"XA END " + xid, "XA PREPARE " + xid,
	} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	var id int64
	if err := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	mustExec(t, a.w.shard(shard), fmt.Sprintf("KILL CONNECTION %d", id))
	eventually(t, 5*time.Second, func() error { // detached: it may be settled from elsewhere
		if n := queryInt(t, a.w.shard(shard), "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", id); n != 0 {
			return fmt.Errorf("its session is still there")
		}
		return nil
	})
	time.Sleep(150 * time.Millisecond)
}

func xidOf(b cluster.Branch) string {
	return fmt.Sprintf("X'%x',X'%x',%d", b.GTRID, b.BQUAL, b.FormatID)
}

// prepared says whether a shard lists a branch.
func prepared(t *testing.T, db *sql.DB, b cluster.Branch) bool {
	t.Helper()
	list, err := cluster.Branches(db)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(list, b)
}

// What others prepared is shown and never touched; what an older start of this coordinator
// prepared without a decision is rolled back.
func TestStrangersAreLeftAlone(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	a := w.makeAccounts(48, 1000)
	epoch := w.mustStatus().Epoch
	w.StopProxy()

	strangers := []struct {
		branch cluster.Branch
		owner  string
	}{
		{cluster.Branch{FormatID: 1, GTRID: "orders-4711", BQUAL: "s1"}, coordinator.OwnerNobody},
		{cluster.Branch{FormatID: 1, GTRID: "test.p1." + epoch + ".90", BQUAL: "s1"}, coordinator.OwnerNobody},
		{cluster.Branch{FormatID: coordinator.FormatID, GTRID: "another.p1." + epoch + ".1", BQUAL: "s1"}, coordinator.OwnerNobody},
		{cluster.Branch{FormatID: coordinator.FormatID, GTRID: "\x00\xff not of our form", BQUAL: "s1"}, coordinator.OwnerNobody},
		{cluster.Branch{FormatID: coordinator.FormatID, GTRID: "test.p2.aaaaaaaaaaaa.1", BQUAL: "s1"}, coordinator.OwnerOther},
		{cluster.Branch{FormatID: coordinator.FormatID, GTRID: "test.p1.neverseen.1", BQUAL: "s1"}, coordinator.OwnerUnknown},
	}
	for i, s := range strangers {
		a.prepare(t, 0, s.branch, a.on[0][i])
	}
	older := cluster.Branch{FormatID: coordinator.FormatID, GTRID: "test.p1." + epoch + ".99999", BQUAL: "s2"}
	a.prepare(t, 1, older, a.on[1][0])

	for start := range 2 {
		w.StartProxy()
		if err := w.WaitReady(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		eventually(t, settleLimit, func() error {
			if prepared(t, w.shard(1), older) {
				return fmt.Errorf("the branch of an older start, without a decision, is still prepared")
			}
			return nil
		})
		if got := a.balance(t, a.on[1][0]); got != 1000 {
			t.Errorf("the branch of an older start was not rolled back: %d", got)
		}
		time.Sleep(time.Second) // time for whoever should not
		list := w.listed()
		for _, s := range strangers {
			if !prepared(t, w.shard(0), s.branch) {
				t.Errorf("start %d: %q is gone", start, s.branch.GTRID)
			}
			name := s.branch.GTRID
			if strings.HasPrefix(name, "\x00") {
				name = fmt.Sprintf("0x%x", name)
			}
			if shown, ok := list[name]; !ok || shown.Owner != s.owner || shown.Plan != "leave alone" {
				t.Errorf("start %d: %q is shown as %+v, want owner %q and to be left alone", start, name, shown, s.owner)
			}
		}
		if len(list) != len(strangers) {
			t.Errorf("start %d: %d transactions are shown, want %d: %v", start, len(list), len(strangers), list)
		}
		w.shownByCommand(t, 0, "orders-4711", "neverseen")
		w.KillProxy()
	}
	// Nobody settles a stranger through the proxy, whatever they say.
	w.StartProxy()
	for _, gtrid := range []string{"orders-4711", "another.p1." + epoch + ".1"} {
		var done admin.Actions
		if err := w.Post("/api/v1/transactions/"+gtrid+"/rollback", admin.Request{Force: true, Reason: "test", Who: "test"}, &done); err == nil {
			t.Errorf("%s was rolled back by force: %+v", gtrid, done)
		}
	}
	for _, s := range strangers {
		if !prepared(t, w.shard(0), s.branch) {
			t.Errorf("%q is gone", s.branch.GTRID)
		}
		mustExec(t, w.shard(0), "XA ROLLBACK "+xidOf(s.branch))
	}
}

// The log says commit, an operator has committed one branch by hand on its shard, and the proxy
// commits the other.
func TestDecisionWithOneBranchLeft(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	at := w.dieAt(t, a, stepOf(2, coordinator.StepDecisionDurable, 0))
	time.Sleep(150 * time.Millisecond) // its session has ended, and the server has let go of it
	list, err := cluster.Branches(w.shard(0))
	if err != nil || len(list) != 1 {
		t.Fatalf("prepared: %v (%v), want one", list, err)
	}
	mustExec(t, w.shard(0), "XA COMMIT "+xidOf(list[0]))
	w.StartProxy()
	w.settledIn(t, w.all(), settleLimit)
	at.check(t, true)
	w.logIsEmptyAfterStop(t)
}

// A log that was lost leaves its transactions in doubt, loudly; an operator settles them with
// force and a reason, which the log keeps.
func TestLostLog(t *testing.T) {
	for _, verdict := range []string{"commit", "rollback"} {
		t.Run(verdict, func(t *testing.T) {
			w := newWorld(t, cluster.Options{})
			w.StartProxy()
			a := w.makeAccounts(24, 1000)
			w.StopProxy()
			at := w.dieAt(t, a, stepOf(2, coordinator.StepDecisionDurable, 0))
			if err := os.Remove(w.LogPath()); err != nil {
				t.Fatal(err)
			}
			w.StartProxy()
			time.Sleep(settleLimit)
			left, err := w.ours(w.all(), "")
			if err != nil || len(left) != 2 {
				t.Fatalf("prepared without a log: %v (%v), want both branches as they were", left, err)
			}
			gtrid := strings.TrimPrefix(left[0], w.Shards[0].Name+": ")
			if said := w.ProxyOutput(); !containsAll(said, "ERROR", gtrid, "a log was lost or replaced") {
				t.Errorf("nothing loud in what the proxy says:\n%s", lastLines(said, 30))
			}
			if shown := w.listed()[gtrid]; shown.Owner != coordinator.OwnerUnknown || shown.Plan != "leave alone" {
				t.Errorf("it is shown as %+v", shown)
			}
			// Without force it is refused, with the reason.
			if _, err := w.settle(t, gtrid, verdict, false); err == nil || !strings.Contains(err.Error(), "log was lost") {
				t.Errorf("%s without force: %v, want a refusal that tells of the lost log", verdict, err)
			}
			if said, err := w.settle(t, gtrid, verdict, true); err != nil {
				t.Fatalf("%s by force: %v\n%s", verdict, err, said)
			}
			w.settledIn(t, w.all(), settleLimit)
			at.check(t, verdict == "commit")
			at.rowsAreFree(t, w)
			var log admin.LogContents
			if err := w.Get("/api/v1/log", &log); err != nil {
				t.Fatal(err)
			}
			if len(log.Audit) != 1 || log.Audit[0].GTRID != gtrid || log.Audit[0].Verdict != verdict || log.Audit[0].Reason != forceReason {
				t.Errorf("the log's audit entries are %+v", log.Audit)
			}
		})
	}
}

const forceReason = "log disk lost, checked with the application's owner"

// settle gives an operator's verdict with the command.
func (w *world) settle(t *testing.T, gtrid, verdict string, force bool) (string, error) {
	t.Helper()
	args := []string{"txn", verdict, "--config", w.ConfigPath()}
	if force {
		args = append(args, "--force", "--reason", forceReason)
	}
	stdout, stderr, code := w.Run(append(args, gtrid)...)
	if code != 0 {
		return stdout + stderr, fmt.Errorf("exit code %d: %s", code, stderr)
	}
	return stdout + stderr, nil
}

// shownByCommand runs txn list, which ends with this exit code.
func (w *world) shownByCommand(t *testing.T, exit int, words ...string) {
	t.Helper()
	stdout, stderr, code := w.Run("txn", "list", "--config", w.ConfigPath())
	if code != exit || !containsAll(stdout, words...) {
		t.Errorf("txn list: exit code %d, %q %q, want %d and it to show %q", code, stdout, stderr, exit, words)
	}
}
