package admin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// witness is a fakeShard that keeps markers and shows locks.
type witness struct {
	*fakeShard
	markers []coordinator.Marker
	locks   Locks
	err     error
	asked   []uint32 // connections
}

func (s *witness) Markers(_ context.Context, gtrids []string) (found []coordinator.Marker, err error) {
	for _, m := range s.markers {
		if m.GTRID == gtrids[0] {
			found = append(found, m)
		}
	}
	return found, s.err
}

func (s *witness) Fence(context.Context, coordinator.Marker) coordinator.Reply {
	panic("nobody who looks may fence")
}
func (s *witness) EndOwner(context.Context, coordinator.Marker) error {
	panic("nobody who looks may end a session")
}

func (s *witness) Locks(_ context.Context, _ coordinator.XID, connection uint32) (Locks, error) {
	s.asked = append(s.asked, connection)
	return s.locks, s.err
}

// fakeClients knows one transaction and the client behind connection 71 of shard s1.
type fakeClients struct {
	gtrid string
	trail Trail
}

func (c fakeClients) Trail(gtrid string) (Trail, bool) { return c.trail, gtrid == c.gtrid }
func (c fakeClients) Client(shard string, connection uint32) (uint32, string, string, bool) {
	return 5, "app", "10.0.0.7:1", shard == "s1" && connection == 71
}

func TestShowGathersEvidence(t *testing.T) {
	w := newWorld(t, nil)
	g := gtrid(oldEpoch, "2")
	s1 := &witness{fakeShard: w.s1}
	s2 := &witness{fakeShard: w.s2}
	w.operator.Shards = []Lister{s1, s2}
	w.s1.prepare(g)
	s1.markers = []coordinator.Marker{{GTRID: g, State: coordinator.MarkerVoted, Participants: []string{"s1", "s2"}, Coordinator: "p", Connection: 70, Age: time.Minute}}
	s1.locks = Locks{
		Holders: []Holder{{Transaction: "9", Connection: 70, Certain: true, RowsModified: 3}},
		Waiters: []Waiter{{Connection: 71, For: "9"}, {Connection: 72, For: "9"}, {Connection: 73, For: "10"}},
	}
	s2.locks = Locks{Holders: []Holder{{Transaction: "4"}}}
	w.operator.Clients = fakeClients{g, Trail{Live: true, Session: 4, User: "app", Digests: []string{"UPDATE t SET v = ?"}, Statements: 1, Connections: []TrailConnection{{"s1", 70}, {"s2", 80}}}}
	x, err := w.client.Show(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case x.Trail == nil || x.Trail.Session != 4 || len(x.Trail.Digests) != 1:
		t.Errorf("trail %+v", x.Trail)
	case len(x.Markers) != 1 || x.Markers[0].State != "voted" || x.Markers[0].Committed || x.Markers[0].AgeSeconds != 60:
		t.Errorf("markers %+v", x.Markers)
	case len(x.Holders) != 1 || x.Holders[0].Shard != "s1" || !x.Holders[0].Certain:
		t.Errorf("holders %+v: an open branch at s2 is nobody's detached transaction", x.Holders)
	case len(x.Waiters) != 2 || x.Waiters[0].SessionUser != "app" || x.Waiters[0].Session != 5 || x.Waiters[1].Session != 0:
		t.Errorf("waiters %+v", x.Waiters)
	case len(s1.asked) != 1 || s1.asked[0] != 70 || len(s2.asked) != 1 || s2.asked[0] != 80:
		t.Errorf("asked for connections %v %v", s1.asked, s2.asked)
	}
	// What cannot be looked at is told.
	s1.err = errors.New("access denied")
	if x, err = w.client.Show(t.Context(), g); err != nil || !strings.Contains(strings.Join(x.Warnings, "; "), "locks at shard s1: access denied") {
		t.Errorf("warnings %q %v", x.Warnings, err)
	}
}

func TestShowOfWhatIsNotPrepared(t *testing.T) {
	w := newWorld(t, nil)
	g := gtrid(oldEpoch, "7")
	s1 := &witness{fakeShard: w.s1}
	w.operator.Shards = []Lister{s1, w.s2}
	if _, err := w.client.Show(t.Context(), g); !errors.As(err, new(*NotFoundError)) {
		t.Errorf("nothing is known of it: %v", err)
	}
	s1.markers = []coordinator.Marker{{GTRID: g, State: coordinator.MarkerToken, Committed: true, Token: "order-1"}}
	x, err := w.client.Show(t.Context(), g)
	if err != nil || x.Plan != "nothing to do" || len(x.Branches) != 1 || x.Branches[0].State != coordinator.BranchCommitted || x.Markers[0].Token != "order-1" {
		t.Errorf("%+v %v", x, err)
	}
	s1.markers[0].State = coordinator.MarkerAborted
	if x, err = w.client.Show(t.Context(), g); err != nil || x.Branches[0].State != coordinator.BranchFenced {
		t.Errorf("%+v %v", x, err)
	}
	s1.markers = nil
	w.operator.Clients = fakeClients{g, Trail{Live: true, Began: time.Now(), Connections: []TrailConnection{{"s1", 70}}}}
	if x, err = w.client.Show(t.Context(), g); err != nil || !x.Live || x.Branches[0].State != coordinator.BranchActive || !strings.Contains(x.Why, "its client has it open") {
		t.Errorf("%+v %v", x, err)
	}
}

func TestStrangersHaveAMaker(t *testing.T) {
	w := newWorld(t, nil)
	w.s1.xids = append(w.s1.xids, coordinator.XID{FormatID: 1096044365, GTRID: "\x00a", BQUAL: "b"}, coordinator.XID{FormatID: 77, GTRID: "x", BQUAL: "b"},
		coordinator.XID{FormatID: coordinator.FormatID, GTRID: "other.p.e.1", BQUAL: "s1"})
	list, err := w.client.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"0x0061": "formatID 1096044365: Atomikos", "x": "formatID 77, which says nothing here", "other.p.e.1": "formatID 1280004944: Lockstep, of another cluster"}
	for _, x := range list.Transactions {
		if x.Maker != want[x.GTRID] || x.FormatID == 0 {
			t.Errorf("%s: %d %q", x.GTRID, x.FormatID, x.Maker)
		}
	}
	if x, err := w.client.Show(t.Context(), "0x0061"); err != nil || x.Owner != coordinator.OwnerNobody {
		t.Errorf("%+v %v", x, err)
	}
}

func TestDryRunsChangeNothing(t *testing.T) {
	w := newWorld(t, nil)
	decided, undecided, lost := gtrid(oldEpoch, "1"), gtrid(oldEpoch, "2"), gtrid("lost", "3")
	w.decide(t, decided, "s1", "s2")
	w.s1.prepare(decided, undecided, lost)
	dry, force := Request{DryRun: true}, Request{DryRun: true, Force: true}
	for _, c := range []struct {
		gtrid   string
		v       txlog.Verdict
		r       Request
		refused string
		forced  bool
	}{
		{decided, txlog.Commit, dry, "", false},
		{decided, txlog.Rollback, dry, "the log says commit", false},
		{decided, txlog.Rollback, force, "", true},
		{undecided, txlog.Rollback, dry, "", false},
		{undecided, txlog.Commit, dry, "the log has no decision", false},
		{undecided, txlog.Commit, force, "", true},
		{lost, txlog.Commit, dry, "a log was lost or replaced", false},
		{lost, txlog.Commit, force, "", true},
		{"x.y.z.1", txlog.Commit, force, "strangers are never touched", true},
		{gtrid(oldEpoch, "9"), txlog.Rollback, dry, "no shard lists", false},
	} {
		a, err := w.client.Settle(t.Context(), c.gtrid, c.v, c.r)
		var refused *coordinator.RefusedError
		switch {
		case c.refused != "":
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s %s: %v, expected a refusal with %q", c.v, c.gtrid, err, c.refused)
			}
		case err != nil || len(a.Actions) != 1 || a.Actions[0].Shard != "s1" || a.Actions[0].Verdict != c.v.String() || !a.DryRun || a.Forced != c.forced:
			t.Errorf("%s %s: %+v %v", c.v, c.gtrid, a, err)
		}
	}
	if _, err := w.client.Forget(t.Context(), decided, dry); err == nil || !strings.Contains(err.Error(), "is prepared at shard s1") {
		t.Errorf("forget: %v", err)
	}
	if a, err := w.client.Forget(t.Context(), decided, force); err != nil || !a.DryRun || !a.Forced || len(a.Actions) != 2 {
		t.Errorf("forget by force: %+v %v", a, err)
	}
	time.Sleep(20 * time.Millisecond) // removals ride on a batch
	entries, err := w.log.AuditEntries()
	if _, ok, lerr := w.log.Lookup(decided); err != nil || lerr != nil || len(entries) != 0 || !ok || len(w.s1.verdicts) != 0 {
		t.Errorf("something was changed: audit %v, decision there: %v, verdicts %v", entries, ok, w.s1.verdicts)
	}
}
