package coordinator

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/txlog"
)

// votedShard keeps the markers of branches that voted.
type votedShard struct {
	*fakeShard
	markers map[string]Marker
	fenced  func(gtrid string)
	ended   []uint64
}

func (s *votedShard) Markers(_ context.Context, gtrids []string) (out []Marker, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range gtrids {
		if m, ok := s.markers[g]; ok {
			out = append(out, m)
		}
	}
	return out, nil
}

func (s *votedShard) Fence(_ context.Context, m Marker) Reply {
	if s.fenced != nil {
		s.fenced(m.GTRID)
	}
	return Reply{Result: Done}
}

func (s *votedShard) EndOwner(_ context.Context, m Marker) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, m.Connection)
	return nil
}

func threePhaseShards(o Options, shards ...*votedShard) (*Coordinator, error) {
	o.Cluster, o.ID, o.Epoch, o.Log, o.Logger = "c", "p1", "e2", newMemoryLog("e1", "e2"), quiet()
	for _, s := range shards {
		o.Shards = append(o.Shards, s)
	}
	return New(o)
}

// A server whose clock was put back makes markers that seem to come from the future. Their transactions
// are ended in time all the same.
func TestServerClockPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const g = "c.p2.e1.1"
		m := Marker{GTRID: g, State: MarkerVoted, Participants: []string{"s1"}, Coordinator: "p2", Age: -time.Hour}
		s := &votedShard{fakeShard: &fakeShard{name: "s1", xids: []XID{ours(g, "s1")}}, markers: map[string]Marker{g: m}}
		c, err := threePhaseShards(Options{PrecommitTimeout: 3 * time.Second}, s)
		if err != nil {
			t.Fatal(err)
		}
		defer run(t, c)()
		time.Sleep(2 * time.Second)
		if got := s.history(); len(got) != 0 {
			t.Errorf("too early: %v", got)
		}
		time.Sleep(3 * time.Second)
		if got := s.history(); len(got) != 1 {
			t.Errorf("settled: %v", got)
		}
	})
}

// A shard that hangs holds up only the transactions that it takes part in.
func TestHangingShardHoldsUpNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s1 := &votedShard{fakeShard: &fakeShard{name: "s1"}, markers: map[string]Marker{}}
		s2 := &votedShard{fakeShard: &fakeShard{name: "s2", lag: time.Hour}}
		put := func(g string, participants ...string) {
			s1.set(func() {
				s1.markers[g] = Marker{GTRID: g, State: MarkerVoted, Participants: participants, Coordinator: "p2", Age: time.Minute}
				s1.xids = append(s1.xids, ours(g, "s1"))
			})
		}
		c, err := threePhaseShards(Options{}, s1, s2)
		if err != nil {
			t.Fatal(err)
		}
		put("c.p2.e1.1", "s1", "s2")
		defer run(t, c)()
		time.Sleep(time.Minute)
		put("c.p2.e1.2", "s1")
		time.Sleep(4 * time.Second)
		if got := s1.history(); len(got) != 1 || got[0] != "c.p2.e1.2 commit" {
			t.Errorf("settled: %v", got)
		}
	})
}

// The first of many that have to be fenced off are settled before the last are fenced.
func TestCrowdIsSettledInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s1 := &votedShard{fakeShard: &fakeShard{name: "s1"}, markers: map[string]Marker{}}
		s2 := &votedShard{fakeShard: &fakeShard{name: "s2"}}
		for i := range 5000 {
			g := fmt.Sprint("c.p1.e1.", i)
			s1.markers[g] = Marker{GTRID: g, State: MarkerVoted, Participants: []string{"s1", "s2"}, Coordinator: "p1", Age: time.Minute}
			s1.xids = append(s1.xids, ours(g, "s1"))
		}
		early := -1
		s2.fenced = func(g string) {
			time.Sleep(time.Millisecond)
			if g == "c.p1.e1.4999" {
				early = len(s1.history())
			}
		}
		c, err := threePhaseShards(Options{}, s1, s2)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Recover(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if n := len(s1.history()); n != 5000 || early < 4000 {
			t.Errorf("%d settled, %d of them before the last was fenced", n, early)
		}
	})
}

// Rows are kept while a participant may have prepared branches that it does not list: one that comes back
// later would find no trace that the others committed.
func TestPurgeKeepsRowsWhileAListHasGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s1 := &markerShard{fakeShard: &fakeShard{name: "s1"}, rows: []Marker{
			{GTRID: "c.p1.e1.1", Committed: true, Participants: []string{"s1", "s2"}, Coordinator: "p1", Age: time.Hour}}}
		s2 := &gappyShard{fakeShard: &fakeShard{name: "s2"}, gap: errors.New("hidden")}
		c, err := New(Options{Cluster: "c", ID: "p1", Epoch: "e2", Log: newMemoryLog("e1", "e2"), Shards: []Shard{s1, s2}, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		for _, left := range []int{1, 0} {
			if _, err := c.Recover(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			if len(s1.rows) != left {
				t.Errorf("%d rows left, not %d", len(s1.rows), left)
			}
			s2.set(func() { s2.gap = nil })
			time.Sleep(time.Minute)
		}
	})
}

// renewedShard has a row that ages, committed together with its branch.
type renewedShard struct {
	*markerShard
	t *testing.T
}

func (s *renewedShard) OldMarkers(_ context.Context, keep, keepToken time.Duration, _ int) (old []Marker, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.rows {
		if len(s.xids) == 0 && (m.Token == "" && m.Age > keep || m.Token != "" && m.Age > keepToken) {
			old = append(old, m)
		}
	}
	return old, nil
}

func (s *renewedShard) Renew(_ context.Context, gtrids []string, age time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(gtrids) != 1 || len(s.xids) > 0 {
		s.t.Errorf("renewed %v with %v prepared", gtrids, s.xids)
	}
	if s.rows[0].Age > age {
		s.rows[0].Age = 0
	}
	return nil
}

// A transaction that was in doubt for longer than tokens are kept can still be looked up when it is committed.
func TestCommittedLateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const g = "c.p1.e1.1"
		s := &renewedShard{&markerShard{fakeShard: &fakeShard{name: "s1", xids: []XID{ours(g, "s1")}}, rows: []Marker{
			{GTRID: g, Participants: []string{"s1"}, Coordinator: "p1", Token: "t", Age: 48 * time.Hour}}}, t}
		log := newMemoryLog("e1", "e2")
		log.decisions[g] = commitOf(g, "s1")
		c, err := New(Options{Cluster: "c", ID: "p1", Epoch: "e2", Log: log, Shards: []Shard{s}, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Recover(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if len(s.history()) != 1 || len(s.rows) != 1 {
			t.Errorf("settled %v, rows %v", s.history(), s.rows)
		}
	})
}

// An operator's verdict ends the session that holds a three-phase branch, as the resolver does.
func TestSettleEndsOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const g = "c.p2.e1.1"
		m := Marker{GTRID: g, State: MarkerVoted, Participants: []string{"s1"}, Coordinator: "p2", Connection: 7}
		s := &votedShard{fakeShard: &fakeShard{name: "s1", xids: []XID{ours(g, "s1")}}, markers: map[string]Marker{g: m}}
		c, err := threePhaseShards(Options{}, s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Settle(t.Context(), g, txlog.Commit, false); err != nil || len(s.history()) != 1 || len(s.ended) != 1 || s.ended[0] != 7 {
			t.Errorf("%v: settled %v, ended %v", err, s.history(), s.ended)
		}
	})
}
