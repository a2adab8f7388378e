package deadlock

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockstep/backend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The younger of two is ended, soon and once, and the older one is left alone.
func TestYoungestIsEnded(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		for _, s := range st.servers {
			s.cached = true
		}
		d := st.detector("c.p1")
		young := open(d, "g2", time.Second, 20)
		old := open(d, "g1", time.Minute, 10)
		st.cross(10, 20)
		began := time.Now()
		time.Sleep(2 * time.Second)
		if !young.victim() || old.victim() {
			t.Fatalf("ended: the younger %v, the older %v", young.victim(), old.victim())
		}
		if took := young.endedAt().Sub(began); took > 300*time.Millisecond {
			t.Errorf("ended after %v", took)
		}
		s := d.Stats()
		if s.Victims != 1 || s.Cycles != 1 || s.Late != 0 || s.Stale != 0 {
			t.Errorf("stats %+v", s)
		}
		if h := d.History(); len(h) != 1 || h[0].Victim != "g2" || !strings.Contains(h[0].Cycle, "g1") || h[0].Took > 300*time.Millisecond {
			t.Errorf("history %+v", h)
		}
		old.over()
		old.tx.Done()
		young.tx.Done()
	})
}

// Whoever does not wait costs nothing; and when the waits are over nothing is left on the boards.
func TestNothingWaitsNothingAsked(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		d := st.detector("c.p1")
		s := open(d, "g1", 0, 10)
		for range 200 { // statements of 50 ms
			time.Sleep(50 * time.Millisecond)
			s.over()
			s.begin()
		}
		s.over()
		if n := st.servers[0].calls() + st.servers[1].calls(); n != 0 {
			t.Errorf("servers were asked %d times", n)
		}
		s.begin()
		time.Sleep(time.Second)
		if n := st.servers[0].rows(); n != 1 {
			t.Errorf("%d rows while one waits", n)
		}
		s.over()
		s.tx.Done()
		time.Sleep(time.Second)
		if n := st.servers[0].rows() + st.servers[1].rows(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		before := st.servers[0].calls()
		time.Sleep(time.Hour)
		if n := st.servers[0].calls() - before; n != 0 {
			t.Errorf("%d calls in an idle hour", n)
		}
	})
}

// The transactions belong to two proxies, the servers' clocks are hours off, and their lock waits are cached.
func TestTwoDetectors(t *testing.T) {
	for _, victimOf := range []string{"c.p1", "c.p2"} {
		for _, first := range []string{"old", "young"} {
			t.Run(victimOf+" "+first+" first", func(t *testing.T) {
				play(t, 2, func(t *testing.T, st *stage) {
					st.servers[0].cached, st.servers[1].cached = true, true
					st.servers[0].skew, st.servers[1].skew = 7*time.Hour, -3*time.Hour
					by := map[string]*Detector{"c.p1": st.detector("c.p1"), "c.p2": st.detector("c.p2")}
					other := map[string]string{"c.p1": "c.p2", "c.p2": "c.p1"}[victimOf]
					var old, young *fakeSession
					if first == "old" {
						old = open(by[other], "g1", time.Minute, 10)
						time.Sleep(2 * time.Second)
						young = open(by[victimOf], "g2", time.Second, 20)
					} else {
						young = open(by[victimOf], "g2", time.Second, 20)
						time.Sleep(2 * time.Second)
						old = open(by[other], "g1", time.Minute, 10)
					}
					st.cross(10, 20)
					began := time.Now()
					for range 200 {
						if time.Sleep(10 * time.Millisecond); young.victim() {
							break
						}
					}
					stale := by["c.p1"].Stats().Stale + by["c.p2"].Stats().Stale
					time.Sleep(time.Second)
					if !young.victim() || old.victim() {
						t.Fatalf("ended: the younger %v, the older %v", young.victim(), old.victim())
					}
					if took := young.endedAt().Sub(began); took > 400*time.Millisecond {
						t.Errorf("ended after %v", took)
					}
					if n := st.servers[0].future + st.servers[1].future; n > 0 {
						t.Errorf("%d rows were told to be seen in the future", n)
					}
					if stale > 0 {
						t.Errorf("%d stale readings: two proxies read", stale)
					}
					for _, s := range []*fakeSession{old, young} {
						s.over()
						s.tx.Done()
					}
				})
			})
		}
	}
}

// A row of another proxy outlives its transaction, and its connections are used by others: what these
// do is not blamed on the dead transaction, and nobody is a victim.
func TestOldRows(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		now := time.Now().UnixMicro()
		for _, s := range st.servers {
			s.board["g9"] = backend.AnnouncedWait{GTRID: "g9", Coordinator: "c.p9", Began: now, Wait: 1, Branches: "s1:20,s2:21", Detects: canRead, Since: now - 1e6, Seen: now}
		}
		time.Sleep(10 * time.Millisecond)
		d := st.detector("c.p1")
		a := open(d, "g1", time.Minute, 10)
		st.cross(10, 20) // connections 20 and 21 are by now of two transactions that have nothing to do with each other
		time.Sleep(10 * time.Second)
		if a.victim() || d.Stats().Cycles+d.Stats().Asked > 0 {
			t.Errorf("stats %+v", d.Stats())
		}
		a.over()
		a.tx.Done()
	})
}

// The proxy that reads is dead: another one takes over when its rows are old, and removes them at last.
func TestReaderDies(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		now := time.Now().UnixMicro()
		for _, s := range st.servers {
			s.board["g9"] = backend.AnnouncedWait{GTRID: "g9", Coordinator: "c.p9", Began: now, Wait: 1, Branches: "s1:90,s2:91", Detects: reads, Since: now, Seen: now}
		}
		d := st.detector("c.p1")
		old, young := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		third := open(d, "g3", time.Hour, 30) // waits for longer
		st.cross(10, 20)
		began := time.Now()
		time.Sleep(5 * time.Second)
		if !young.victim() || old.victim() {
			t.Fatalf("ended: the younger %v, the older %v", young.victim(), old.victim())
		}
		if took := young.endedAt().Sub(began); took < 2*time.Second || took > rowExpiry+time.Second {
			t.Errorf("ended after %v", took)
		}
		time.Sleep(purgeAge + purgeInterval + time.Second)
		st.servers[0].mu.Lock()
		_, left := st.servers[0].board["g9"]
		st.servers[0].mu.Unlock()
		if left {
			t.Error("the dead proxy's row is still there")
		}
		for _, s := range []*fakeSession{old, young, third} {
			s.over()
			s.tx.Done()
		}
	})
}

// A victim that gets its lock in the last moment is no victim.
func TestLate(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		d := st.detector("c.p1")
		old, young := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		young.quick = true
		st.cross(10, 20)
		time.Sleep(time.Second)
		if s := d.Stats(); s.Late != 1 || s.Victims != 0 || len(d.History()) != 0 {
			t.Errorf("stats %+v, history %v", s, d.History())
		}
		old.over()
		old.tx.Done()
		young.tx.Done()
		if s := d.Stats(); s.Late != 1 {
			t.Errorf("counted again at the end: %+v", s)
		}
	})
}

// A statement that was not ended by the first attempt is ended again, and nobody else in its place before.
func TestEndIsRepeated(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		d := st.detector("c.p1")
		old, young := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		young.deaf = true
		st.cross(10, 20)
		time.Sleep(300 * time.Millisecond)
		first := young.endedAt()
		if young.attempts() != 1 {
			t.Errorf("%d attempts at once", young.attempts())
		}
		time.Sleep(victimPatience + 300*time.Millisecond)
		if first.IsZero() || !young.endedAt().After(first) || old.victim() {
			t.Errorf("ended at %v and %v; the older %v", first, young.endedAt(), old.victim())
		}
		for _, s := range []*fakeSession{old, young} {
			s.over()
			s.tx.Done()
		}
	})
}

// Waits that end and begin anew between two readings are no cycle, however often both are seen.
func TestWaitsThatChange(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		d := st.detector("c.p1")
		a, b := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		st.servers[1].turn = true
		st.cross(10, 20)
		time.Sleep(10 * time.Second)
		if s := d.Stats(); s.Cycles > 0 || s.Readings < 50 { // it stays suspect, so that it is read often
			t.Errorf("stats %+v", s)
		}
		for _, s := range []*fakeSession{a, b} {
			s.over()
			s.tx.Done()
		}
	})
}

// A nil detector is one that is off.
func TestOff(t *testing.T) {
	var d *Detector
	tx := d.Watch("g", time.Now(), &fakeSession{})
	tx.Add("s1", 1)
	tx.Remove("s1")
	tx.Victim()
	tx.Done()
	if d.History() != nil || d.Stats() != (Stats{}) {
		t.Error("a detector that is off has done something")
	}
}

// What watching costs a transaction of two branches, from its second branch to its end.
func BenchmarkWatch(b *testing.B) {
	d := New(Options{Coordinator: "c.p1", Servers: []Server{{Name: "s1", Shards: []string{"s1"}}, {Name: "s2", Shards: []string{"s2"}}}})
	b.ReportAllocs()
	began := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		s := &fakeSession{}
		for pb.Next() {
			tx := d.Watch("gtrid", began, s)
			tx.Add("s1", 1)
			tx.Add("s2", 2)
			tx.Done()
		}
	})
}

// Two shards that are databases of one server share its connections' numbers and its lock waits, which are read
// once for both.
func TestShardsOfOneServer(t *testing.T) {
	play(t, 1, func(t *testing.T, st *stage) {
		st.servers[0].cached = true
		d := st.detector("c.p1", func(o *Options) { o.Servers[0].Shards = []string{"s1", "s2"} })
		old, young := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		st.servers[0].set(func(f *fakeServer) { f.waits = []backend.LockWait{waits(20, 10), waits(11, 21)} })
		began := time.Now()
		time.Sleep(time.Second)
		if !young.victim() || old.victim() {
			t.Fatalf("ended: the younger %v, the older %v", young.victim(), old.victim())
		}
		if took := young.endedAt().Sub(began); took > 300*time.Millisecond || d.Stats().Stale > 0 {
			t.Errorf("ended after %v, %d stale readings", took, d.Stats().Stale)
		}
		for _, s := range []*fakeSession{old, young} {
			s.over()
			s.tx.Done()
		}
	})
}

// A branch that comes to a transaction while its statement is under way begins to count then: what its connection
// did before was somebody else's.
func TestConnectionsThatComeLater(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		d := st.detector("c.p1")
		a, b := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		// 40 and 41 are of others so far, which wait; the ring would go through both.
		st.servers[0].set(func(f *fakeServer) { f.waits = []backend.LockWait{waits(40, 10)} })
		st.servers[1].set(func(f *fakeServer) { f.waits = []backend.LockWait{waits(11, 41)} })
		time.Sleep(time.Second)
		if s := d.Stats(); s.Cycles > 0 {
			t.Fatalf("stats %+v", s)
		}
		// Their waits are over, and b gets the connections.
		st.servers[0].set(func(f *fakeServer) { f.waits = nil })
		st.servers[1].set(func(f *fakeServer) { f.waits = nil })
		b.tx.Remove("s1")
		b.tx.Remove("s2")
		b.tx.Add("s1", 40)
		b.tx.Add("s2", 41)
		time.Sleep(time.Second)
		if s := d.Stats(); s.Cycles > 0 || a.victim() || b.victim() {
			t.Errorf("stats %+v", s)
		}
		for _, s := range []*fakeSession{a, b} {
			s.over()
			s.tx.Done()
		}
	})
}

// Somebody else keeps the cache of a server old, and in it a wait that is long over: it counts for nothing.
func TestOldCache(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		st.servers[0].cached = true
		st.servers[0].shown = []backend.LockWait{waits(20, 10)}
		st.servers[1].waits = []backend.LockWait{waits(11, 21)}
		d := st.detector("c.p1")
		a, b := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		for range 500 {
			st.servers[0].set(func(f *fakeServer) { f.lastRead = time.Now() })
			time.Sleep(10 * time.Millisecond)
		}
		if s := d.Stats(); s.Cycles > 0 || s.Stale == 0 || a.victim() || b.victim() {
			t.Errorf("stats %+v", s)
		}
		for _, s := range []*fakeSession{a, b} {
			s.over()
			s.tx.Done()
		}
	})
}

// A mark that was meant for another statement, and one on another proxy's row, are not obeyed; the right one is.
func TestMarks(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		d := st.detector("c.p1")
		s := open(d, "g1", time.Minute, 10)
		time.Sleep(300 * time.Millisecond)
		mark := func(n uint64) {
			st.servers[1].set(func(f *fakeServer) {
				r := f.board["g1"]
				r.Victim = n
				f.board["g1"] = r
			})
			time.Sleep(300 * time.Millisecond)
		}
		s.over()
		s.begin()
		time.Sleep(300 * time.Millisecond)
		mark(1) // the statement before
		mark(3)
		if s.victim() {
			t.Fatal("ended for another statement's mark")
		}
		mark(2)
		if !s.victim() || s.attempts() != 1 {
			t.Errorf("not ended: %d attempts", s.attempts())
		}
		s.tx.Done()
	})
}
