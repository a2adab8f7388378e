package commit

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/proxy/admin"
)

// metric reads one sample of /metrics; 0 where it is not there.
func (w *world) metric(t *testing.T, name string) float64 {
	t.Helper()
	_, text, err := w.Text("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	return 0
}

// stateOn is what a transaction is shown to be on a shard.
func stateOn(shown admin.Transaction, shard string) string {
	for _, b := range shown.Branches {
		if b.Shard == shard {
			return b.State
		}
	}
	return "not shown"
}

// A transaction is shown as what it is: while it is driven, while it is in doubt with a shard away, and no more
// once it is settled. What is shown says what the resolver will do, and that is what it does.
func TestUnresolvedIsShown(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3, Config: "timeouts:\n  resolve: 200ms\n"})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	for _, step := range []stepCase{
		stepOf(3, coordinator.StepAllPrepared, 0), stepOf(3, coordinator.StepDecisionDurable, 0), stepOf(3, coordinator.StepCommitted, 1),
	} {
		t.Run(step.String(), func(t *testing.T) {
			at, _, c, done := w.holdAt(t, a, step)
			defer c.close()
			shown, ok := w.listed()[at.gtrid]
			now, err := at.states(t, w.all())
			if err != nil {
				t.Error(err)
			}
			// At its end it has no prepared branch any more.
			if (ok || countOf(now, branchPrepared) > 0) && (!ok || !shown.Live || shown.Owner != coordinator.OwnerOurs || shown.Plan != "leave alone") {
				t.Errorf("while it is driven it is shown as %+v", shown)
			}
			if n := w.mustStatus().Live; n != 1 {
				t.Errorf("the status has %d live transactions, want 1", n)
			}
			if n := w.metric(t, `lockstep_transactions{state="live"}`); n != 1 {
				t.Errorf("the metric has %v live transactions, want 1", n)
			}
			w.KillShard(2)
			w.KillProxy()
			if err := answer(t, done, 10*time.Second); codeOf(err) != -1 {
				t.Errorf("COMMIT of a proxy that died: %v", err)
			}
			w.StartProxy()
			w.settledIn(t, []int{0, 1}, settleLimit)
			shown, ok = w.listed()[at.gtrid]
			switch {
			case !step.deciding && ok: // nobody knows of it but the shard that is away
				t.Errorf("a transaction without decision or branches is shown as %+v", shown)
			case step.deciding && (!ok || shown.Live || shown.Owner != coordinator.OwnerOlder || shown.Decision != "commit" || shown.Plan != "commit"):
				t.Errorf("in doubt and decided, with a shard away, it is shown as %+v", shown)
			case step.deciding && (stateOn(shown, "s1") != "not prepared" || stateOn(shown, "s3") != "unreachable"):
				t.Errorf("its branches are shown as %+v", shown.Branches)
			}
			if step.deciding {
				w.shownByCommand(t, 4, at.gtrid, "commit", "s3")
				var detail admin.TransactionDetail
				if err := w.Get("/api/v1/transactions/"+at.gtrid, &detail); err != nil || detail.Record == nil || detail.Record.Verdict != "commit" || len(detail.Record.Participants) != 3 {
					t.Errorf("in detail it is shown as %+v (%v)", detail, err)
				}
			}
			w.RestartShard(2)
			w.settledIn(t, w.all(), settleLimit)
			at.check(t, step.deciding)
			eventually(t, settleLimit, func() error {
				if list := w.listed(); len(list) > 0 {
					return fmt.Errorf("settled and still shown: %v", list)
				}
				if s := w.mustStatus(); s.Prepared+s.Unfinished > 0 {
					return fmt.Errorf("settled, and the status is %+v", s)
				}
				return nil
			})
			w.logIsEmptyAfterStop(t)
		})
	}
}

// What is counted: commits by the way they went, roll-backs, votes that were no, branches that were handed to the
// resolver and settled by it.
func TestCommitsAndFailuresAreCounted(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3, Config: "timeouts:\n  prepare: 1s\n  commit: 1s\n  resolve: 200ms\n"})
	pause := cluster.NewPause(t, "decision-durable:0:3")
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	w.StartProxy(pause.Env()...)
	c := w.client(t)
	defer c.close()
	names := []string{
		`lockstep_commits_total{phases="1pc"}`, `lockstep_commits_total{phases="2pc"}`, `lockstep_rollbacks_total`,
		`lockstep_transactions_total{outcome="committed"}`, `lockstep_transactions_total{outcome="rolled_back"}`,
		`lockstep_xa_verbs_total{outcome="ok",shard="s1",verb="prepare"}`, `lockstep_xa_verbs_total{outcome="ok",shard="s1",verb="commit"}`,
		`lockstep_branches_settled_total{verdict="commit"}`, `lockstep_branches_handed_over_total`, `lockstep_log_appends_total`,
	}
	step := func(what string, want map[string]float64, do func()) {
		t.Helper()
		before := map[string]float64{}
		for _, n := range names {
			before[n] = w.metric(t, n)
		}
		do()
		for _, n := range names {
			if got := w.metric(t, n) - before[n]; got != want[n] {
				t.Errorf("%s: %s went up by %v, want %v", what, n, got, want[n])
			}
		}
	}
	step("two commits over two shards", map[string]float64{names[1]: 2, names[3]: 2, names[5]: 2, names[6]: 2, names[9]: 2}, func() {
		for range 2 {
			at := a.attempt(t, c, 2)
			c.must("COMMIT")
			at.check(t, true)
		}
	})
	step("a roll-back", map[string]float64{names[2]: 1}, func() {
		at := a.attempt(t, c, 2)
		c.must("ROLLBACK")
		at.check(t, false)
	})
	// A COMMIT is counted by the way that it went, not by its outcome; a vote that never came is the resolver's.
	step("a vote that never comes", map[string]float64{names[1]: 1, names[4]: 1, names[5]: 1, names[8]: 1}, func() {
		at := a.attempt(t, c, 2)
		w.killBranch(t, 1)
		c.want(codeRolledBack, "COMMIT")
		w.settledIn(t, w.all(), settleLimit)
		at.check(t, false)
	})
	step("a shard that cannot be told", map[string]float64{names[1]: 1, names[3]: 1, names[5]: 1, names[6]: 1, names[7]: 1, names[8]: 1, names[9]: 1}, func() {
		at := a.attempt(t, c, 2)
		done := c.start("COMMIT")
		if err := pause.Wait(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		w.KillShard(1)
		if err := pause.Go(); err != nil {
			t.Fatal(err)
		}
		if err := answer(t, done, 10*time.Second); err != nil {
			t.Error(err)
		}
		w.RestartShard(1)
		w.settledIn(t, w.all(), 5*time.Second)
		at.check(t, true)
	})
	eventually(t, settleLimit, func() error { // it is that of the last listing
		if n := w.metric(t, "lockstep_prepared_branches"); n != 0 {
			return fmt.Errorf("the metric has %v prepared branches, want 0", n)
		}
		return nil
	})
}
