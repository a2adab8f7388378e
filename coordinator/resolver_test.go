package coordinator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/txlog"
)

// fakeShard lists what it is given and settles what it lists.
type fakeShard struct {
	name string
	mu   sync.Mutex
	xids []XID
	err  error // of Prepared
	lag  time.Duration
	stay map[XID]Reply // branches that do not settle
	held map[XID]bool  // branches that cannot be freed

	freed, settled []string
	lists          int
	most, now      int
	onList         func(n int)
}

func (s *fakeShard) Name() string { return s.name }

func (s *fakeShard) Prepared(ctx context.Context) ([]XID, error) {
	s.mu.Lock()
	s.lists++
	n, lag, err := s.lists, s.lag, s.err
	s.mu.Unlock()
	if s.onList != nil {
		s.onList(n)
	}
	if lag > 0 {
		select {
		case <-time.After(lag):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.xids), err
}

func (s *fakeShard) Free(_ context.Context, xids []XID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range xids {
		if s.held[x] {
			return fmt.Errorf("owner of %s cannot be ended", x.GTRID)
		}
	}
	for _, x := range xids {
		s.freed = append(s.freed, x.GTRID)
	}
	return nil
}

func (s *fakeShard) Settle(_ context.Context, x XID, v txlog.Verdict) Reply {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	if !slices.Contains(s.freed, x.GTRID) {
		return Reply{Refused, errors.New("settled before it was freed")}
	}
	if r, ok := s.stay[x]; ok {
		return r
	}
	s.settled = append(s.settled, x.GTRID+" "+v.String())
	s.xids = slices.DeleteFunc(s.xids, func(y XID) bool { return y == x })
	return Reply{Result: Done}
}

func (s *fakeShard) history() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := slices.Clone(s.settled)
	sort.Strings(h)
	return h
}

func (s *fakeShard) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func ours(gtrid, shard string) XID { return XID{FormatID, gtrid, shard} }

func commitOf(gtrid string, shards ...string) txlog.Decision {
	return txlog.Decision{GTRID: gtrid, Verdict: txlog.Commit, Mode: "2pc", Participants: shards}
}

func newResolver(t *testing.T, log *memoryLog, change func(*Options), shards ...*fakeShard) *Coordinator {
	t.Helper()
	o := Options{Cluster: "c", ID: "p1", Epoch: "e2", Log: log, Logger: quiet()}
	for _, s := range shards {
		o.Shards = append(o.Shards, s)
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// run starts the resolver; stop ends it and waits.
func run(t *testing.T, c *Coordinator) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestRecoveryAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog("e1", "e2")
		log.decisions["c.p1.e1.1"] = commitOf("c.p1.e1.1", "s1", "s2")
		s1 := &fakeShard{name: "s1", xids: []XID{
			ours("c.p1.e1.1", "s1"),   // decided
			ours("c.p1.e1.2", "s1"),   // not decided
			ours("c.p1.e0.3", "s1"),   // an epoch that the log lost
			ours("c.p2.e1.4", "s1"),   // another coordinator's
			ours("d.p1.e1.5", "s1"),   // another cluster's
			{77, "c.p1.e1.6", "s1"},   // another program's
			ours("c.p1.e1.7", "gone"), // of a shard that is not configured
			ours("c.p1.e1.8", "s2"),   // of another shard on the same server
			ours("c.p1.e2.9", "s1"),   // this epoch, but never given out
		}}
		s2 := &fakeShard{name: "s2", xids: []XID{ours("c.p1.e1.1", "s2"), ours("c.p1.e1.8", "s2")}}
		var loud bytes.Buffer
		c := newResolver(t, log, func(o *Options) {
			o.Logger = slog.New(slog.NewTextHandler(&loud, &slog.HandlerOptions{Level: slog.LevelError}))
		}, s1, s2)
		if c.Ready() {
			t.Error("ready before the first pass")
		}
		defer run(t, c)()
		time.Sleep(time.Second)
		if got, want := s1.history(), []string{"c.p1.e1.1 commit", "c.p1.e1.2 rollback"}; !reflect.DeepEqual(got, want) {
			t.Errorf("s1: %v", got)
		}
		if got, want := s2.history(), []string{"c.p1.e1.1 commit", "c.p1.e1.8 rollback"}; !reflect.DeepEqual(got, want) {
			t.Errorf("s2: %v", got)
		}
		if !c.Ready() {
			t.Error("not ready, though all that could be settled is")
		}
		time.Sleep(time.Minute)
		if !reflect.DeepEqual(log.forgotten, []string{"c.p1.e1.1"}) {
			t.Errorf("forgotten: %v", log.forgotten)
		}
		for _, g := range []string{"c.p1.e0.3", "c.p1.e1.7", "c.p1.e2.9"} {
			if n := strings.Count(loud.String(), "gtrid="+g); n != 1 {
				t.Errorf("%s was reported %d times", g, n)
			}
		}
		if n := strings.Count(loud.String(), "\n"); n != 3 {
			t.Errorf("%d errors were logged:\n%s", n, loud.String())
		}
	})
}

// A shard that is down delays no other; decisions that name it are kept until it is back.
func TestShardDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog("e1", "e2")
		log.decisions["c.p1.e1.1"] = commitOf("c.p1.e1.1", "s1", "s2")
		s1 := &fakeShard{name: "s1", xids: []XID{ours("c.p1.e1.1", "s1")}}
		s2 := &fakeShard{name: "s2", xids: []XID{ours("c.p1.e1.1", "s2")}, err: errors.New("down"), lag: time.Hour}
		c := newResolver(t, log, nil, s1, s2)
		defer run(t, c)()
		time.Sleep(100 * time.Millisecond)
		if len(s1.history()) != 1 {
			t.Fatal("s1 waits for s2")
		}
		time.Sleep(10 * time.Minute)
		if c.Ready() || len(log.forgotten) != 0 {
			t.Fatalf("ready %v, forgotten %v, with a shard down", c.Ready(), log.forgotten)
		}
		s2.set(func() { s2.lag = 0 })
		time.Sleep(time.Minute)
		s2.set(func() { // 10 s each and 5 s between for 10 minutes, then every 5 s
			if n := s2.lists; n < 45 || n > 60 {
				t.Errorf("%d tries in 11 minutes", n)
			}
			s2.err = nil
		})
		c.ShardUp("s2")
		time.Sleep(50 * time.Millisecond)
		if len(s2.history()) != 1 || !c.Ready() {
			t.Fatalf("a shard that is back: %v, ready %v", s2.history(), c.Ready())
		}
		time.Sleep(10 * time.Second)
		if len(log.forgotten) != 1 {
			t.Fatal("the finished transaction is kept")
		}
	})
}

// What ends between the two listings is not acted on; what is live or held is left alone.
func TestOrderOfLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog("e1", "e2")
		s := &fakeShard{name: "s1"}
		c := newResolver(t, log, nil, s)
		tx := c.Begin()
		s.xids = []XID{ours(tx.GTRID(), "s1"), ours("c.p1.e1.2", "s1"), ours("c.p1.e1.3", "s1")}
		c.hold("c.p1.e1.3", "held")
		s.onList = func(n int) {
			if n == 2 {
				s.set(func() { s.xids = s.xids[:1] })
			}
		}
		actions, err := c.Recover(t.Context(), false)
		if err != nil || len(actions) != 0 || len(s.settled)+len(s.freed) != 0 {
			t.Fatalf("%v, %v, freed %v", actions, err, s.freed)
		}
		tx.Release()
		if actions, err = c.Recover(t.Context(), true); err != nil || len(actions) != 1 || len(s.history()) != 0 {
			t.Fatalf("dry run: %v, %v, %v", actions, err, s.history())
		}
		if actions, err = c.Recover(t.Context(), false); err != nil || len(actions) != 1 || len(s.history()) != 1 || actions[0].Err != "" {
			t.Fatalf("%v, %v, %v", actions, err, s.history())
		}
	})
}

func TestHandOverIsQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog("e2")
		s1, s2 := &fakeShard{name: "s1"}, &fakeShard{name: "s2"}
		c := newResolver(t, log, nil, s1, s2)
		defer run(t, c)()
		time.Sleep(12 * time.Second)
		tx := c.Begin()
		gtrid := tx.GTRID()
		p := func(name string, s script) *scripted { return &scripted{name: name, answers: s, log: log, t: t} }
		// s2's prepare gets no answer in time, and takes effect a little later.
		out := tx.Commit(t.Context(), []Participant{p("s1", nil), p("s2", script{"prepare": {Unknown}})}, CommitOptions{})
		if out.Verdict != RolledBack || len(out.Pending) != 1 {
			t.Fatalf("%+v", out)
		}
		time.Sleep(300 * time.Millisecond)
		s2.set(func() { s2.xids = []XID{ours(gtrid, "s2")} })
		time.Sleep(600 * time.Millisecond)
		if got := s2.history(); !reflect.DeepEqual(got, []string{gtrid + " rollback"}) {
			t.Fatalf("after 0.9 s: %v", got)
		}
		if s := c.Stats(); s.RolledBack != 1 || s.HandedOver != 1 || s.SettledRollback != 1 || s.Live != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

// One branch whose owner cannot be ended, and one that does not settle, keep no other.
func TestStubbornBranches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeShard{name: "s1", held: map[XID]bool{}, stay: map[XID]Reply{}}
		for i := range 100 {
			s.xids = append(s.xids, ours(fmt.Sprint("c.p1.e1.", i), "s1"))
		}
		s.held[s.xids[17]] = true
		s.stay[s.xids[40]] = Reply{Retry, errors.New("1205")}
		c := newResolver(t, newMemoryLog("e1", "e2"), func(o *Options) { o.FreeBatch, o.MaxParallel = 64, 8 }, s)
		actions, err := c.Recover(t.Context(), false)
		failed := 0
		for _, a := range actions {
			if a.Err != "" {
				failed++
			}
		}
		if err == nil || failed != 2 || len(actions) != 100 || len(s.settled) != 98 || c.Ready() {
			t.Fatalf("%v; %d of %d failed, %d settled, ready %v", err, failed, len(actions), len(s.settled), c.Ready())
		}
		if s.most != 8 {
			t.Errorf("%d at once", s.most)
		}
	})
}

func TestTenThousandBranches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeShard{name: "s1"}
		log := newMemoryLog("e1", "e2")
		for i := range 10_000 {
			s.xids = append(s.xids, ours(fmt.Sprint("c.p1.e1.", i), "s1"))
		}
		slow := &countingShard{xids: s.xids}
		c := newResolver(t, log, nil)
		if err := c.AddShard(slow); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := c.Recover(t.Context(), false); err != nil || slow.settled != 10_000 {
			t.Fatalf("%d, %v", slow.settled, err)
		}
		// 1 ms for each branch and 150 ms for each gate, as a server would take.
		if d := time.Since(start); d > 3*time.Second {
			t.Fatalf("it took %s", d)
		}
	})
}

type countingShard struct {
	mu      sync.Mutex
	xids    []XID
	settled int
}

func (s *countingShard) Name() string                            { return "s1" }
func (s *countingShard) Prepared(context.Context) ([]XID, error) { return s.xids, nil }
func (s *countingShard) Free(context.Context, []XID) error {
	time.Sleep(150 * time.Millisecond)
	return nil
}
func (s *countingShard) Settle(context.Context, XID, txlog.Verdict) Reply {
	time.Sleep(time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled++
	return Reply{Result: Done}
}

// A transaction is forgotten only after listings that began after it was last seen.
func TestUnfinished(t *testing.T) {
	var u unfinished
	u.init()
	u.add("g", []string{"s1", "s2"}, 10)
	step := func(shard string, began, now uint64, shows bool, want bool) {
		t.Helper()
		done := u.listed(shard, began, now, map[string]bool{"g": shows})
		if (len(done) == 1) != want {
			t.Fatalf("listing of %s at %d to %d: done %v", shard, began, now, done)
		}
	}
	step("s1", 5, 12, false, false) // began before the hand-over
	step("s2", 13, 14, false, false)
	step("s1", 15, 16, true, false) // it shows up again: everybody anew
	step("s1", 17, 18, false, false)
	step("s3", 19, 20, false, false)
	step("s2", 14, 21, false, false) // an old listing that ended late
	step("s2", 22, 23, false, true)
	if u.len() != 0 {
		t.Fatal("kept")
	}
}

func TestJudge(t *testing.T) {
	commit, rollback := txlog.Decision{Verdict: txlog.Commit}, txlog.Decision{Verdict: txlog.Rollback}
	for _, tc := range []struct {
		e    evidence
		want txlog.Verdict
		loud bool
	}{
		{evidence{owner: OwnerOurs}, txlog.Rollback, false},
		{evidence{owner: OwnerOlder}, txlog.Rollback, false},
		{evidence{owner: OwnerOlder, decided: true, decision: commit}, txlog.Commit, false},
		{evidence{owner: OwnerOlder, decided: true, decision: rollback}, txlog.Rollback, false},
		{evidence{owner: OwnerOurs, live: true}, 0, false},
		{evidence{owner: OwnerOurs, live: true, decided: true, decision: commit}, 0, false},
		{evidence{owner: OwnerOurs, held: "x"}, 0, false},
		{evidence{owner: OwnerOurs, held: "x", decided: true, decision: commit}, 0, false},
		{evidence{owner: OwnerOlder, logErr: errors.New("x")}, 0, false},
		{evidence{owner: OwnerOther}, 0, false},
		{evidence{owner: OwnerOther, decided: true, decision: commit}, txlog.Commit, false}, // forced by an operator
		{evidence{owner: OwnerUnknown}, 0, true},
		{evidence{owner: OwnerUnknown, decided: true, decision: rollback}, txlog.Rollback, false},
		{evidence{owner: OwnerNobody}, 0, false},
		{evidence{owner: OwnerNobody, decided: true, decision: commit}, 0, false},
		{evidence{}, 0, false},
		{evidence{owner: OwnerOlder, decided: true}, 0, true}, // a verdict that nobody knows
	} {
		if j := judge(tc.e); j.verdict != tc.want || j.loud != tc.loud || j.why == "" {
			t.Errorf("%+v: %+v", tc.e, j)
		}
	}
}
