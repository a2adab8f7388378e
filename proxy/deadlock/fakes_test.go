package deadlock

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/backend"
	"lockstep/protocol"
)

// fakeServer shows the waits that it is given, and keeps a board.
type fakeServer struct {
	mu       sync.Mutex
	waits    []backend.LockWait
	cached   bool               // as MariaDB: what was read less than 100 ms ago is not read anew
	lastRead time.Time          //
	shown    []backend.LockWait // what is in the cache
	future   int                // rows that were seen later than now
	skew     time.Duration      // of its clock
	turn     bool               // every reading shows other waits than the one before
	err      error              // of LockWaits
	boardErr error              // of the board
	hang     bool               // answers nothing
	board    map[string]backend.AnnouncedWait
	asked    int // calls of any kind
	written  int
}

func newFakeServer() *fakeServer { return &fakeServer{board: map[string]backend.AnnouncedWait{}} }

// call is what every answer begins with.
func (f *fakeServer) call(ctx context.Context) error {
	f.mu.Lock()
	hang := f.hang
	f.asked++
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(time.Millisecond)
	return nil
}

func (f *fakeServer) LockWaits(ctx context.Context, limit int) (backend.LockWaits, error) {
	if err := f.call(ctx); err != nil {
		return backend.LockWaits{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return backend.LockWaits{}, f.err
	}
	fresh := !f.cached || time.Since(f.lastRead) > 100*time.Millisecond
	f.lastRead = time.Now()
	if fresh {
		f.shown = slices.Clone(f.waits)
	}
	w := slices.Clone(f.shown)
	if f.turn {
		for i := range w {
			w[i].Wait = f.lastRead.String()
		}
	}
	return backend.LockWaits{Waits: w[:min(len(w), limit)], Fresh: fresh, Cut: len(w) > limit}, nil
}

func (f *fakeServer) AnnouncedWaits(ctx context.Context, maxAge int64, limit int) ([]backend.AnnouncedWait, int64, error) {
	if err := f.call(ctx); err != nil {
		return nil, 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.boardErr != nil {
		return nil, 0, f.boardErr
	}
	clock := time.Now().Add(f.skew).UnixMicro()
	var rows []backend.AnnouncedWait
	for _, name := range slices.Sorted(maps.Keys(f.board)) {
		if w := f.board[name]; w.Seen >= clock-maxAge && len(rows) < limit {
			rows = append(rows, w)
		}
	}
	return rows, clock, nil
}

func (f *fakeServer) AnnounceWaits(ctx context.Context, rows []backend.AnnouncedWait, gone []string) error {
	if err := f.call(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.written++
	for _, name := range gone {
		delete(f.board, name)
	}
	for _, r := range rows {
		if r.Seen > time.Now().Add(f.skew).UnixMicro() {
			f.future++
		}
		r.Victim = f.board[r.GTRID].Victim
		f.board[r.GTRID] = r
	}
	return f.boardErr
}

func (f *fakeServer) MarkVictim(ctx context.Context, gtrid string, wait uint64) error {
	if err := f.call(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.board[gtrid]; ok && r.Wait == wait {
		r.Victim = wait
		f.board[gtrid] = r
	}
	return nil
}

func (f *fakeServer) PurgeAnnouncedWaits(ctx context.Context, before int64, _ int) error {
	if err := f.call(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.board, func(_ string, r backend.AnnouncedWait) bool { return r.Seen < before })
	return nil
}

func (f *fakeServer) set(change func(*fakeServer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeServer) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *fakeServer) rows() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.board)
}

// waits says that one connection waits for another; transactions are numbered like connections.
func waits(waiter, blocker uint32) backend.LockWait {
	return backend.LockWait{
		Waiter:  backend.LockParty{Transaction: uint64(waiter), Connection: waiter},
		Blocker: backend.LockParty{Transaction: uint64(blocker), Connection: blocker},
		Wait:    "lock",
	}
}

// fakeSession is a transaction's session.
type fakeSession struct {
	mu        sync.Mutex
	tx        *Transaction
	statement uint64
	running   bool
	ended     time.Time // when its statement was ended
	ends      int       // attempts at it
	quick     bool      // gets its lock before it can be ended
	deaf      bool      // goes on waiting, as if the KILL had been lost
}

func (s *fakeSession) Running() (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statement, s.running
}

func (s *fakeSession) EndStatement(n uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statement != n || !s.running {
		return false
	}
	s.ends++
	if s.deaf {
		s.ended = time.Now()
		return true
	}
	s.running = false
	if s.quick {
		return false
	}
	s.ended = time.Now()
	s.tx.Victim()
	return true
}

// begin starts a statement.
func (s *fakeSession) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statement++
	s.running = true
}

// over ends the statement in the ordinary way.
func (s *fakeSession) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
}

func (s *fakeSession) endedAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *fakeSession) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ends
}

func (s *fakeSession) victim() bool { return !s.endedAt().IsZero() }

// stage is some servers s1, s2 … and the detectors over them.
type stage struct {
	t       *testing.T
	servers []*fakeServer
	stop    []context.CancelFunc
}

func newStage(t *testing.T, n int) *stage {
	st := &stage{t: t}
	for range n {
		st.servers = append(st.servers, newFakeServer())
	}
	return st
}

// detector starts one more.
func (st *stage) detector(name string, change ...func(*Options)) *Detector {
	o := Options{Coordinator: name}
	for i, s := range st.servers {
		shard := "s" + string(rune('1'+i))
		o.Servers = append(o.Servers, Server{Name: shard, Shards: []string{shard}, Source: s})
	}
	for _, f := range change {
		f(&o)
	}
	d := New(o)
	ctx, cancel := context.WithCancel(st.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	st.stop = append(st.stop, func() { cancel(); <-done })
	return d
}

func (st *stage) end() {
	for _, stop := range st.stop {
		stop()
	}
}

// open is a transaction on s1 and s2 with the connections c and c+1, whose statement is under way.
func open(d *Detector, gtrid string, age time.Duration, c uint32) *fakeSession {
	s := &fakeSession{}
	s.tx = d.Watch(gtrid, time.Now().Add(-age), s)
	s.tx.Add("s1", c)
	s.tx.Add("s2", c+1)
	s.begin()
	return s
}

// cross has two sessions that open made wait for each other.
func (st *stage) cross(a, b uint32) {
	st.servers[0].set(func(f *fakeServer) { f.waits = append(f.waits, waits(b, a)) })
	st.servers[1].set(func(f *fakeServer) { f.waits = append(f.waits, waits(a+1, b+1)) })
}

// play runs a test in its own time.
func play(t *testing.T, servers int, f func(t *testing.T, st *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t, servers)
		f(t, st)
		st.end()
	})
}

var (
	errDenied = protocol.NewError(1227, "Access denied; you need the PROCESS privilege")
	errBusy   = errors.New("connection refused")
)
