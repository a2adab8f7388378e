package coordinator

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/txlog"
)

func TestSettle(t *testing.T) {
	commit, rollback := txlog.Commit, txlog.Rollback
	for _, tc := range []struct {
		name    string
		gtrid   string
		verdict txlog.Verdict
		force   bool
		refused string   // part of the reason
		fails   string   // part of an error that is no refusal
		settled []string // at s1 and s2
		record  txlog.Verdict
		setup   func(c *Coordinator, log *memoryLog, s1, s2 *fakeShard)
	}{
		{name: "commit of a decided one", gtrid: "c.p1.e1.1", verdict: commit, settled: []string{"c.p1.e1.1 commit", "c.p1.e1.1 commit"}, record: commit},
		{name: "rollback of a decided one", gtrid: "c.p1.e1.1", verdict: rollback, refused: "the log says commit"},
		{name: "the same when a branch is committed", gtrid: "c.p1.e1.1", verdict: rollback, refused: "half committed",
			setup: func(_ *Coordinator, _ *memoryLog, _, s2 *fakeShard) { s2.xids = nil }},
		{name: "the same by force", gtrid: "c.p1.e1.1", verdict: rollback, force: true, settled: []string{"c.p1.e1.1 rollback", "c.p1.e1.1 rollback"}, record: rollback},
		{name: "rollback without decision", gtrid: "c.p1.e1.2", verdict: rollback, settled: []string{"c.p1.e1.2 rollback", ""}},
		{name: "commit without decision", gtrid: "c.p1.e1.2", verdict: commit, refused: "no decision"},
		{name: "the same by force", gtrid: "c.p1.e1.2", verdict: commit, force: true, settled: []string{"c.p1.e1.2 commit", ""}, record: commit},
		{name: "by force, but the log is full", gtrid: "c.p1.e1.2", verdict: commit, force: true, fails: "record the verdict first",
			setup: func(_ *Coordinator, log *memoryLog, _, _ *fakeShard) { log.fail = txlog.ErrQueueFull }},
		{name: "other coordinator", gtrid: "c.p2.e1.3", verdict: rollback, refused: "another coordinator"},
		{name: "the same by force", gtrid: "c.p2.e1.3", verdict: rollback, force: true, settled: []string{"c.p2.e1.3 rollback", ""}, record: rollback},
		{name: "unknown epoch", gtrid: "c.p1.e0.4", verdict: commit, refused: "does not know its epoch"},
		{name: "the same by force", gtrid: "c.p1.e0.4", verdict: commit, force: true, settled: []string{"c.p1.e0.4 commit", ""}, record: commit},
		{name: "stranger", gtrid: "x.p1.e1.5", verdict: rollback, force: true, refused: "never touched"},
		{name: "no such transaction", gtrid: "c.p1.e1.99", verdict: rollback, refused: "no shard lists"},
		{name: "not seen, and a shard is down", gtrid: "c.p1.e1.99", verdict: rollback, fails: "down",
			setup: func(_ *Coordinator, _ *memoryLog, _, s2 *fakeShard) { s2.err = errors.New("down") }},
		{name: "held", gtrid: "c.p1.e1.1", verdict: rollback, force: true, refused: "force does not help",
			setup: func(c *Coordinator, _ *memoryLog, _, _ *fakeShard) { c.hold("c.p1.e1.1", "held") }},
		{name: "log cannot be asked", gtrid: "c.p1.e1.1", verdict: commit, force: true, refused: "cannot be asked",
			setup: func(_ *Coordinator, log *memoryLog, _, _ *fakeShard) { log.lookups["c.p1.e1.1"] = txlog.ErrUnknown }},
		{name: "commit after a forced rollback", gtrid: "c.p1.e1.2", verdict: commit, force: true, refused: "roll-back was forced",
			setup: func(_ *Coordinator, log *memoryLog, _, _ *fakeShard) {
				log.decisions["c.p1.e1.2"] = txlog.Decision{GTRID: "c.p1.e1.2", Verdict: rollback}
			}, record: rollback},
		{name: "no verdict", gtrid: "c.p1.e1.1", verdict: 7, fails: "neither"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := newMemoryLog("e1", "e2")
				log.decisions["c.p1.e1.1"] = commitOf("c.p1.e1.1", "s1", "s2")
				s1 := &fakeShard{name: "s1", xids: []XID{ours("c.p1.e1.1", "s1"), ours("c.p1.e1.2", "s1"), ours("c.p2.e1.3", "s1"), ours("c.p1.e0.4", "s1"), ours("x.p1.e1.5", "s1")}}
				s2 := &fakeShard{name: "s2", xids: []XID{ours("c.p1.e1.1", "s2")}}
				c := newResolver(t, log, nil, s1, s2)
				if tc.setup != nil {
					tc.setup(c, log, s1, s2)
				}
				actions, err := c.Settle(t.Context(), tc.gtrid, tc.verdict, tc.force)
				var refused *RefusedError
				switch {
				case tc.refused != "":
					if !errors.As(err, &refused) || !strings.Contains(refused.Reason, tc.refused) {
						t.Fatalf("err = %v", err)
					}
				case tc.fails != "":
					if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), tc.fails) {
						t.Fatalf("err = %v", err)
					}
				case err != nil:
					t.Fatal(err)
				}
				got := []string{strings.Join(s1.history(), ","), strings.Join(s2.history(), ",")}
				want := tc.settled
				if want == nil {
					want = []string{"", ""}
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("settled %q, actions %+v", got, actions)
				}
				for _, a := range actions {
					if a.Err != "" || a.Verdict != tc.verdict || a.GTRID != tc.gtrid {
						t.Errorf("%+v", a)
					}
				}
				if err == nil && log.decisions[tc.gtrid].Verdict != tc.record {
					t.Errorf("the log says %s", log.decisions[tc.gtrid].Verdict)
				}
			})
		})
	}
}

// A forced verdict holds for a branch that shows up later, and is forgotten at the end.
func TestForcedVerdictIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const g = "c.p1.e0.4"
		log := newMemoryLog("e1", "e2")
		s1 := &fakeShard{name: "s1", xids: []XID{ours(g, "s1")}}
		s2 := &fakeShard{name: "s2", xids: []XID{ours(g, "s2")}, err: errors.New("down")}
		c := newResolver(t, log, nil, s1, s2)
		defer run(t, c)()
		time.Sleep(time.Second)
		actions, err := c.Settle(t.Context(), g, txlog.Commit, true)
		if err != nil || len(actions) != 2 || actions[0].Err != "" || !strings.Contains(actions[1].Err, "down") {
			t.Fatalf("%+v, %v", actions, err)
		}
		time.Sleep(time.Minute)
		if len(log.forgotten) != 0 {
			t.Fatal("forgotten while a shard is down")
		}
		s2.set(func() { s2.err = nil })
		time.Sleep(time.Minute)
		if got := s2.history(); len(got) != 1 || got[0] != g+" commit" || len(log.forgotten) != 1 {
			t.Fatalf("%v, forgotten %v", got, log.forgotten)
		}
	})
}

func TestSettleLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog("e2")
		s1, s2 := &fakeShard{name: "s1"}, &fakeShard{name: "s2"}
		c := newResolver(t, log, nil, s1, s2)
		start := func(release chan struct{}) (string, chan Outcome) {
			tx := c.Begin()
			out := make(chan Outcome, 1)
			slow := &gated{scripted: &scripted{name: "s2", log: log, t: t}, open: release}
			go func() {
				out <- tx.Commit(context.Background(), []Participant{&scripted{name: "s1", log: log, t: t}, slow}, CommitOptions{})
			}()
			synctest.Wait()
			s1.set(func() { s1.xids = []XID{ours(tx.GTRID(), "s1")} })
			return tx.GTRID(), out
		}
		refuse := func(g string, v txlog.Verdict, force bool) {
			t.Helper()
			var refused *RefusedError
			if _, err := c.Settle(t.Context(), g, v, force); !errors.As(err, &refused) {
				t.Errorf("settle of a live transaction: %v", err)
			}
		}
		idle := c.Begin()
		refuse(idle.GTRID(), txlog.Rollback, true) // not at its commit
		idle.Release()

		release := make(chan struct{})
		g, out := start(release)
		refuse(g, txlog.Rollback, false)
		refuse(g, txlog.Commit, true)
		time.AfterFunc(time.Second, func() {
			s1.set(func() { s1.xids = nil }) // its commit rolled it back
			close(release)
		})
		_, err := c.Settle(t.Context(), g, txlog.Rollback, true)
		if o := <-out; o.Verdict != RolledBack || !strings.Contains(o.Err.Error(), "operator") || len(log.decisions) != 0 {
			t.Errorf("%+v", o)
		}
		var refused *RefusedError
		if !errors.As(err, &refused) { // nothing is left to settle
			t.Errorf("settle: %v", err)
		}

		log.block = make(chan struct{})
		release = make(chan struct{})
		close(release)
		g, out = start(release)
		refuse(g, txlog.Rollback, true) // the log is being asked
		close(log.block)
		if o := <-out; o.Verdict != Committed {
			t.Errorf("%+v", o)
		}
	})
}

// gated is a participant that votes when it is let.
type gated struct {
	*scripted
	open chan struct{}
}

func (g *gated) Prepare(ctx context.Context) Reply {
	<-g.open
	return g.scripted.Prepare(ctx)
}

func TestInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog("e1", "e2")
		log.decisions["c.p1.e1.1"] = commitOf("c.p1.e1.1", "s1", "s2", "s3")
		log.decisions["c.p1.e1.9"] = commitOf("c.p1.e1.9", "s1", "s3") // only s3 may have it
		log.decisions["c.p1.e1.8"] = commitOf("c.p1.e1.8", "s1", "s2") // finished
		s1 := &fakeShard{name: "s1", xids: []XID{ours("c.p1.e1.1", "s1"), ours("c.p1.e1.2", "s1"), {5, "\x01\xfe", "b"}, ours("c.p1.e0.4", "s1"), ours("c.p1.e1.6", "gone")}}
		s2 := &fakeShard{name: "s2"}
		s3 := &fakeShard{name: "s3", err: errors.New("down")}
		c := newResolver(t, log, nil, s1, s2, s3)
		tx := c.Begin()
		s2.xids = []XID{ours(tx.GTRID(), "s2")}
		got, err := c.InDoubt(t.Context())
		if err == nil || !strings.Contains(err.Error(), "down") {
			t.Errorf("the unreachable shard is not told: %v", err)
		}
		now := time.Now()
		want := map[string]InDoubtTransaction{
			"c.p1.e1.1": {Owner: OwnerOlder, Decision: "commit", Plan: "commit", Since: now, Branches: []BranchState{{"s1", "prepared"}, {"s2", "not prepared"}, {"s3", "unreachable"}}},
			"c.p1.e1.9": {Owner: OwnerOlder, Decision: "commit", Plan: "commit", Branches: []BranchState{{"s1", "not prepared"}, {"s3", "unreachable"}}},
			"c.p1.e1.2": {Owner: OwnerOlder, Decision: "none", Plan: "roll back", Since: now, Branches: []BranchState{{"s1", "prepared"}, {"s3", "unreachable"}}},
			"0x01fe":    {Owner: OwnerNobody, Decision: "none", Plan: "leave alone", Since: now, Branches: []BranchState{{"s1", "prepared"}}},
			"c.p1.e0.4": {Owner: OwnerUnknown, Decision: "none", Plan: "leave alone", Since: now, Branches: []BranchState{{"s1", "prepared"}, {"s3", "unreachable"}}},
			"c.p1.e1.6": {Owner: OwnerOlder, Decision: "none", Plan: "leave alone", Since: now, Branches: []BranchState{{"s1", "prepared"}, {"s3", "unreachable"}}},
			tx.GTRID():  {Owner: OwnerOurs, Live: true, Decision: "none", Plan: "leave alone", Since: now, Branches: []BranchState{{"s2", "prepared"}, {"s3", "unreachable"}}},
		}
		for _, d := range got {
			w := want[d.GTRID]
			w.GTRID, w.Why, w.Mode = d.GTRID, d.Why, d.Mode
			if w.FormatID = FormatID; d.GTRID == "0x01fe" {
				w.FormatID = 5
			}
			if !reflect.DeepEqual(d, w) || d.Why == "" {
				t.Errorf("got  %+v\nwant %+v", d, w)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d transactions, want %d", len(got), len(want))
		}
		time.Sleep(time.Minute)
		again, _ := c.InDoubt(t.Context())
		for _, d := range again {
			if d.GTRID == "c.p1.e1.2" && !d.Since.Equal(now) {
				t.Errorf("since %s", d.Since)
			}
		}
	})
}
