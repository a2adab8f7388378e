package deadlock

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/backend"
)

// log keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// Servers that refuse are left alone for a minute, the operator is told once, and detection begins
// when they no longer refuse.
func TestDenied(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		log := &logBuffer{}
		for _, s := range st.servers {
			s.err, s.boardErr = errDenied, errDenied
		}
		d := st.detector("c.p1", func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
		old, young := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		st.cross(10, 20)
		time.Sleep(150 * time.Second)
		if n := log.count("cannot be read"); n != 2 {
			t.Errorf("told %d times that lock waits cannot be read, want once for each server", n)
		}
		if n := log.count("cannot be used"); n != 2 {
			t.Errorf("told %d times that the board cannot be used, want once for each server", n)
		}
		if n := st.servers[0].calls(); n > 6 {
			t.Errorf("a server that refuses was asked %d times in 150 s", n)
		}
		for _, s := range st.servers {
			s.set(func(f *fakeServer) { f.err = nil })
		}
		time.Sleep(deniedInterval + time.Second)
		if !young.victim() || old.victim() {
			t.Errorf("ended: the younger %v, the older %v", young.victim(), old.victim())
		}
		if n := log.count("can be read again"); n != 2 {
			t.Errorf("told %d times that it is well again", n)
		}
		for _, s := range []*fakeSession{old, young} {
			s.over()
			s.tx.Done()
		}
	})
}

// A server that answers nothing, and one that cannot be reached, do not keep deadlocks among the others.
func TestSickServers(t *testing.T) {
	play(t, 4, func(t *testing.T, st *stage) {
		st.servers[2].hang = true
		st.servers[3].err, st.servers[3].boardErr = errBusy, errBusy
		d := st.detector("c.p1")
		stuck := open(d, "g0", time.Hour, 50)
		stuck.tx.Add("s3", 7)
		stuck.tx.Add("s4", 7)
		time.Sleep(5 * time.Second)
		old, young := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		st.cross(10, 20)
		began := time.Now()
		time.Sleep(5 * time.Second)
		if !young.victim() || old.victim() {
			t.Fatalf("ended: the younger %v, the older %v", young.victim(), old.victim())
		}
		if took := young.endedAt().Sub(began); took > 1500*time.Millisecond {
			t.Errorf("ended after %v", took)
		}
		for _, s := range []*fakeSession{stuck, old, young} {
			s.over()
			s.tx.Done()
		}
	})
}

// Not more statements than allowed are being ended at once; the others have their turn.
func TestManyVictims(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		d := st.detector("c.p1", func(o *Options) { o.MaxEnding, o.History = 2, 3 })
		var all []*fakeSession
		for i := range uint32(10) {
			old, young := open(d, "a"+string(rune('0'+i)), time.Minute, 100+4*i), open(d, "b"+string(rune('0'+i)), time.Second, 102+4*i)
			st.cross(100+4*i, 102+4*i)
			all = append(all, old, young)
		}
		time.Sleep(10 * time.Second)
		for i, s := range all {
			if s.victim() != (i%2 == 1) {
				t.Errorf("transaction %d: victim %v", i, s.victim())
			}
			s.over()
			s.tx.Done()
		}
		if s := d.Stats(); s.Victims != 10 {
			t.Errorf("stats %+v", s)
		}
		if n := len(d.History()); n != 3 {
			t.Errorf("history has %d entries, want the last 3", n)
		}
	})
}

// More lock waits than are read: told once a minute at most, and nothing is done on what is not known.
func TestMoreWaitsThanAreRead(t *testing.T) {
	play(t, 2, func(t *testing.T, st *stage) {
		log := &logBuffer{}
		d := st.detector("c.p1", func(o *Options) { o.MaxWaits = 1; o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
		a, b := open(d, "g1", time.Minute, 10), open(d, "g2", time.Second, 20)
		st.servers[0].set(func(f *fakeServer) { f.waits = []backend.LockWait{waits(90, 91), waits(20, 10)} })
		st.servers[1].set(func(f *fakeServer) { f.waits = []backend.LockWait{waits(11, 21)} })
		time.Sleep(90 * time.Second)
		if a.victim() || b.victim() {
			t.Error("a victim of a cycle that was not seen")
		}
		if n := log.count("more lock waits"); n != 2 {
			t.Errorf("told %d times in 90 s", n)
		}
		for _, s := range []*fakeSession{a, b} {
			s.over()
			s.tx.Done()
		}
	})
}
