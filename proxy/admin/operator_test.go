package admin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

func TestListJoinsShardsAndLog(t *testing.T) {
	w := newWorld(t, nil)
	w.decide(t, gtrid(oldEpoch, "1"), "s1", "s2")
	w.s2.prepare(gtrid(oldEpoch, "1"), gtrid(oldEpoch, "2"), gtrid("lost", "3"), "c.other.e.4")
	w.s2.xids = append(w.s2.xids, coordinator.XID{FormatID: 1, GTRID: "\x00\xff", BQUAL: "b"})
	list, err := w.client.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Transaction{}
	for _, x := range list.Transactions {
		got[x.GTRID] = x
	}
	for g, want := range map[string][3]string{
		gtrid(oldEpoch, "1"): {coordinator.OwnerOlder, "commit", "commit"},
		gtrid(oldEpoch, "2"): {coordinator.OwnerOlder, "none", "roll back"},
		gtrid("lost", "3"):   {coordinator.OwnerUnknown, "none", "leave alone"},
		"c.other.e.4":        {coordinator.OwnerOther, "none", "leave alone"},
		"0x00ff":             {coordinator.OwnerNobody, "none", "leave alone"},
	} {
		x := got[g]
		if [3]string{x.Owner, x.Decision, x.Plan} != want || x.Why == "" {
			t.Errorf("%s: %+v", g, x)
		}
	}
	if len(list.Transactions) != 5 || len(list.Warnings) != 0 {
		t.Errorf("%+v", list)
	}
	if age := got[gtrid(oldEpoch, "1")].AgeSeconds; age == nil || *age < 59 { // the decision is older than the first look
		t.Errorf("age %v", age)
	}
	w.operator.FirstLook = true
	list, err = w.operator.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range list.Transactions {
		if (x.AgeSeconds != nil) != (x.GTRID == gtrid(oldEpoch, "1")) {
			t.Errorf("age of %s at a first look: %v", x.GTRID, x.AgeSeconds)
		}
	}
}

func TestListWarnsOfShardsThatAreDown(t *testing.T) {
	w := newWorld(t, nil)
	w.s1.down = errors.New("connection refused")
	w.s2.prepare(gtrid(oldEpoch, "2"))
	list, err := w.client.List(t.Context())
	if err != nil || len(list.Transactions) != 1 || len(list.Warnings) != 1 || !strings.Contains(list.Warnings[0], "s1") {
		t.Errorf("%+v %v", list, err)
	}
	w.s2.down = errors.New("connection refused")
	w.decide(t, gtrid(oldEpoch, "7"), "s1", "s2")
	list, err = w.client.List(t.Context())
	if err != nil || len(list.Transactions) != 1 || len(list.Warnings) != 2 {
		t.Errorf("all down: the log's decisions are still known: %+v %v", list, err)
	}
}

func TestShow(t *testing.T) {
	w := newWorld(t, nil)
	g := gtrid(oldEpoch, "1")
	w.decide(t, g, "s1", "s2")
	w.s2.prepare(g)
	x, err := w.client.Show(t.Context(), g)
	if err != nil || x.Plan != "commit" || x.Record == nil || x.Record.Verdict != "commit" || len(x.Branches) != 2 {
		t.Errorf("in doubt: %+v %v", x, err)
	}
	if _, err := w.client.Recover(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	w.decide(t, gtrid(oldEpoch, "2"), "s1", "s2")
	if x, err = w.client.Show(t.Context(), gtrid(oldEpoch, "2")); err != nil || x.Record == nil || x.Plan != "forget" {
		t.Errorf("finished: %+v %v", x, err)
	}
	var missing *NotFoundError
	if _, err = w.client.Show(t.Context(), "a/b c%2F.."); !errors.As(err, &missing) || missing.GTRID != "a/b c%2F.." {
		t.Errorf("unknown: %v", err)
	}
}

func TestRecover(t *testing.T) {
	w := newWorld(t, nil)
	w.decide(t, gtrid(oldEpoch, "1"), "s1", "s2")
	w.s1.prepare(gtrid(oldEpoch, "2"), gtrid("lost", "3"))
	w.s2.prepare(gtrid(oldEpoch, "1"))
	dry, err := w.client.Recover(t.Context(), true)
	if err != nil || !dry.DryRun || len(dry.Actions) != 2 || len(w.s1.verdicts)+len(w.s2.verdicts) != 0 {
		t.Fatalf("dry run: %+v %v %v", dry, err, w.s1.verdicts)
	}
	w.s2.before = func(txlog.Verdict) { panic("the shard's client is broken") }
	some, err := w.client.Recover(t.Context(), false)
	if err == nil || len(some.Actions) != 2 || some.Error == "" { // what was done comes with the error
		t.Errorf("with a shard that fails: %+v %v", some, err)
	}
	w.s2.before = nil
	rest, err := w.client.Recover(t.Context(), false)
	if err != nil || len(rest.Actions) != 1 || rest.Actions[0].Verdict != "commit" || rest.Actions[0].Error != "" {
		t.Errorf("rest: %+v %v", rest, err)
	}
	if len(w.s1.xids) != 1 || len(w.s2.xids) != 0 || w.s1.verdicts[0] != txlog.Rollback {
		t.Errorf("left: %v %v", w.s1.xids, w.s2.xids)
	}
}

func TestSettleNeedsForceAgainstTheRules(t *testing.T) {
	w := newWorld(t, nil)
	g := gtrid(oldEpoch, "1")
	w.s1.prepare(g)
	w.s2.prepare(g)
	var refused *coordinator.RefusedError
	if _, err := w.client.Settle(t.Context(), g, txlog.Commit, Request{}); !errors.As(err, &refused) || !strings.Contains(refused.Reason, "no decision") {
		t.Fatalf("not refused: %v", err)
	}
	if len(w.audit(t)) != 0 {
		t.Error("a refusal is no verdict")
	}
	check := func(txlog.Verdict) { // runs on the way to the first branch
		l, err := w.log.AuditEntries()
		if err != nil || len(l) != 1 {
			t.Errorf("branch heard of it before the audit entry: %v %v", l, err)
		}
	}
	w.s1.before, w.s2.before = check, check
	a, err := w.client.Settle(t.Context(), g, txlog.Commit, Request{Force: true, Reason: "told so", Who: "ann"})
	if err != nil || !a.Forced || len(a.Actions) != 2 || len(w.s1.xids)+len(w.s2.xids) != 0 {
		t.Errorf("forced: %+v %v", a, err)
	}
	e := w.audit(t)
	if len(e) != 1 || e[0].GTRID != g || e[0].Verdict != txlog.Commit || e[0].Who != "ann from 127.0.0.1" || e[0].Reason != "told so" {
		t.Errorf("audit: %+v", e)
	}
	x, err := w.client.Show(t.Context(), g)
	if err != nil || len(x.Audit) != 1 {
		t.Errorf("show: %+v %v", x, err)
	}
}

// A verdict that the rules imply needs no force, and is no forced one with it.
func TestSettleByTheRules(t *testing.T) {
	w := newWorld(t, nil)
	w.s1.prepare(gtrid(oldEpoch, "1"))
	a, err := w.client.Settle(t.Context(), gtrid(oldEpoch, "1"), txlog.Rollback, Request{Force: true, Reason: "r", Who: "w"})
	if err != nil || a.Forced || len(a.Actions) != 1 || a.Actions[0].Verdict != "rollback" {
		t.Errorf("%+v %v", a, err)
	}
	if len(w.audit(t)) != 0 {
		t.Errorf("audit: %+v", w.audit(t))
	}
}

// What force does not move is refused again, and the audit entry says so.
func TestForceThatIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	g := gtrid(oldEpoch, "1")
	w.s1.prepare(g)
	d := txlog.Decision{GTRID: g, Verdict: txlog.Rollback, Mode: "2pc", Participants: []string{"s1"}, Time: time.Now()}
	if err := w.log.Append(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	var refused *coordinator.RefusedError
	_, err := w.client.Settle(t.Context(), g, txlog.Commit, Request{Force: true, Reason: "r", Who: "w"})
	if !errors.As(err, &refused) || len(w.s1.verdicts) != 0 {
		t.Fatalf("%v %v", err, w.s1.verdicts)
	}
	if e := w.audit(t); len(e) != 2 || !strings.Contains(e[1].Reason, "not carried out") {
		t.Errorf("audit: %+v", e)
	}
}

// Without a durable audit entry nothing is forced.
func TestNoForceWithoutAudit(t *testing.T) {
	w := newWorld(t, nil)
	g := gtrid(oldEpoch, "1")
	w.s1.prepare(g)
	if err := w.log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.Settle(t.Context(), g, txlog.Commit, Request{Force: true, Reason: "r", Who: "w"}); err == nil || len(w.s1.verdicts) != 0 {
		t.Errorf("%v %v", err, w.s1.verdicts)
	}
}

func TestForget(t *testing.T) {
	force := Request{Force: true, Reason: "burnt", Who: "ann"}
	for _, c := range []struct {
		name         string
		participants []string
		set          func(w *world, g string)
		refused      string
	}{
		{"nothing left", []string{"s1", "s2"}, nil, ""},
		{"branch left", []string{"s1", "s2"}, func(w *world, g string) { w.s2.prepare(g) }, "prepared at shard s2"},
		{"branch left elsewhere", []string{"s1"}, func(w *world, g string) { w.s2.prepare(g) }, "prepared at shard s2"},
		{"participant down", []string{"s1", "s2"}, func(w *world, _ string) { w.s2.down = errors.New("gone") }, "shard s2: gone"},
		{"another shard down", []string{"s1"}, func(w *world, _ string) { w.s2.down = errors.New("gone") }, ""},
		{"participant not configured", []string{"s1", "s9"}, nil, "s9: it is not configured"},
		{"participants not known", nil, func(w *world, _ string) { w.s2.down = errors.New("gone") }, "shard s2: gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			g := gtrid(oldEpoch, "1")
			w.decide(t, g, c.participants...)
			if c.set != nil {
				c.set(w, g)
			}
			_, err := w.client.Forget(t.Context(), g, Request{})
			if c.refused != "" {
				var refused *coordinator.RefusedError
				if !errors.As(err, &refused) || !strings.Contains(refused.Reason, c.refused) {
					t.Fatalf("not refused: %v", err)
				}
				if _, ok, _ := w.log.Lookup(g); !ok {
					t.Fatal("forgotten though refused")
				}
				var a Actions
				a, err = w.client.Forget(t.Context(), g, force)
				if e := w.audit(t); !a.Forced || len(e) != 1 || !strings.Contains(e[0].Reason, "burnt") || e[0].Verdict != 0 {
					t.Errorf("forced: %+v, audit %+v", a, e)
				}
			} else if len(w.audit(t)) != 0 {
				t.Error("audited though nothing was forced")
			}
			if err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
				if _, ok, _ := w.log.Lookup(g); !ok {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("not forgotten")
				}
			}
		})
	}
}

func TestContents(t *testing.T) {
	w := newWorld(t, nil)
	for _, seq := range []string{"1", "2", "3"} {
		w.decide(t, gtrid(oldEpoch, seq), "s1", "s2")
	}
	c, err := w.client.Contents(t.Context(), 2)
	if err != nil || len(c.Decisions) != 2 || c.Total != 3 || len(c.Epochs) != 2 || c.Cluster != "c" || c.Path != w.logPath {
		t.Errorf("%+v %v", c, err)
	}
}

func (w *world) audit(t *testing.T) []txlog.AuditEntry {
	t.Helper()
	l, err := w.log.AuditEntries()
	if err != nil {
		t.Fatal(err)
	}
	return l
}
