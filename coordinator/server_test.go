package coordinator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"lockstep/txlog"
)

// world is a cluster of simulated database servers. Time is the bubble's.
type world struct {
	mu       sync.Mutex
	rng      *rand.Rand
	servers  []*server
	faults   bool
	problems []string
	disk     map[string]txlog.Decision // what the log's file holds
	epochs   []string
}

// server is one shard.
type server struct {
	w        *world
	name     string
	down     bool
	branches map[XID]*branch
	touched  map[XID]int // verbs on branches by XID
}

type branchStatus string

const (
	active     branchStatus = "active"
	prepared   branchStatus = "prepared"
	committed  branchStatus = "committed"
	rolledBack branchStatus = "rolled back"
)

type branch struct {
	status  branchStatus
	owner   *incarnation // whose connection holds it; nil: nobody's
	killed  bool         // the connection was ended
	running int          // verbs that the server works on
}

// incarnation is one life of the coordinator's process.
type incarnation struct {
	w    *world
	dead bool
	stop context.CancelFunc
	// its log
	failed  bool
	unknown map[string]bool
}

var errDown = errors.New("shard is down")
var errDead = errors.New("process is dead")

func newWorld(seed uint64, servers int) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7)), disk: map[string]txlog.Decision{}}
	for i := range servers {
		w.servers = append(w.servers, &server{w: w, name: fmt.Sprint("s", i+1), branches: map[XID]*branch{}, touched: map[XID]int{}})
	}
	return w
}

// The following are called with the lock held.

func (w *world) chance(percent int) bool { return w.faults && w.rng.IntN(100) < percent }

func (w *world) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// crash ends a process: its connections go, and with them what is not prepared.
func (i *incarnation) crash() {
	if i.dead {
		return
	}
	i.dead = true
	i.stop()
	for _, s := range i.w.servers {
		for _, b := range s.branches {
			if b.owner == i && b.running == 0 {
				b.release()
			}
		}
	}
}

func (b *branch) release() {
	b.owner = nil
	if b.status == active {
		b.status = rolledBack
	}
}

// pause lets time pass without the lock.
func (w *world) pause(limit time.Duration) {
	d := time.Duration(w.rng.Int64N(int64(limit)))
	w.mu.Unlock()
	time.Sleep(d)
	w.mu.Lock()
}

// execute runs a verb on a branch as its owner's connection does. The reply may get
// lost, before or after the server has done the work.
func (s *server) execute(i *incarnation, x XID, work func(b *branch) Reply) Reply {
	w := s.w
	w.mu.Lock()
	defer w.mu.Unlock()
	b := s.branches[x]
	if i.dead || s.down || b.killed {
		return Reply{Unknown, errDown}
	}
	done := make(chan Reply, 1)
	b.running++
	early, late := w.chance(8), w.chance(8)
	go func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.pause(40 * time.Millisecond)
		if early && w.rng.IntN(2) == 0 {
			w.pause(3 * time.Second)
		}
		b.running--
		r := Reply{Unknown, errDown}
		if !b.killed && b.owner == i {
			r = work(b)
		}
		if i.dead && b.owner == i && b.running == 0 {
			b.release()
		}
		done <- r
	}()
	w.mu.Unlock()
	var r Reply
	if early {
		time.Sleep(time.Millisecond)
		r = Reply{Unknown, errDown}
	} else {
		r = <-done
	}
	w.mu.Lock()
	if late || i.dead {
		return Reply{Unknown, errDown}
	}
	return r
}

// member is a participant.
type member struct {
	s *server
	i *incarnation
	x XID
}

func (m member) Shard() string { return m.s.name }

func (m member) Prepare(context.Context) Reply {
	return m.s.execute(m.i, m.x, func(b *branch) Reply {
		if b.status != active {
			m.s.w.problem("prepare of a branch that is %s", b.status)
		}
		if m.s.w.chance(10) {
			b.status = rolledBack
			return Reply{Refused, errDup}
		}
		b.status = prepared
		return Reply{Result: Done}
	})
}

func (m member) Commit(context.Context) Reply {
	return m.s.execute(m.i, m.x, func(b *branch) Reply {
		if m.s.w.chance(10) {
			return Reply{Retry, errors.New("1205")}
		}
		return m.s.end(m.x, b, txlog.Commit)
	})
}

func (m member) Rollback(context.Context) Reply {
	return m.s.execute(m.i, m.x, func(b *branch) Reply { return m.s.end(m.x, b, txlog.Rollback) })
}

// end applies a verdict.
func (s *server) end(x XID, b *branch, v txlog.Verdict) Reply {
	s.touched[x]++
	if v == txlog.Commit {
		if s.w.disk[x.GTRID].Verdict != txlog.Commit {
			s.w.problem("%s told to commit %s, which is not in the log", s.name, x.GTRID)
		}
		if b.status == rolledBack || b.status == active {
			s.w.problem("%s told to commit %s, which is %s", s.name, x.GTRID, b.status)
		}
		b.status = committed
		return Reply{Result: Done}
	}
	if b.status == committed {
		s.w.problem("%s told to roll back %s, which is committed", s.name, x.GTRID)
		return Reply{Refused, errors.New("1397")}
	}
	b.status = rolledBack
	return Reply{Result: Done}
}

// view is a server as one incarnation's resolver sees it.
type view struct {
	s *server
	i *incarnation
}

func (v view) Name() string { return v.s.name }

func (v view) begin() error {
	v.s.w.pause(20 * time.Millisecond)
	if v.i.dead {
		return errDead
	}
	if v.s.down || v.s.w.chance(5) {
		return errDown
	}
	return nil
}

func (v view) Prepared(context.Context) (out []XID, err error) {
	v.s.w.mu.Lock()
	defer v.s.w.mu.Unlock()
	if err := v.begin(); err != nil {
		return nil, err
	}
	for x, b := range v.s.branches {
		if b.status == prepared {
			out = append(out, x)
		}
	}
	return out, nil
}

func (v view) Free(_ context.Context, xids []XID) error {
	v.s.w.mu.Lock()
	defer v.s.w.mu.Unlock()
	if err := v.begin(); err != nil {
		return err
	}
	for _, x := range xids {
		if b := v.s.branches[x]; b != nil {
			b.killed = true
			b.release()
			v.s.touched[x]++
		}
	}
	return nil
}

func (v view) Settle(_ context.Context, x XID, verdict txlog.Verdict) Reply {
	v.s.w.mu.Lock()
	defer v.s.w.mu.Unlock()
	if err := v.begin(); err != nil {
		return Reply{Unknown, err}
	}
	b := v.s.branches[x]
	if b == nil || b.status != prepared || b.owner != nil {
		return Reply{Refused, errors.New("1397")}
	}
	r := v.s.end(x, b, verdict)
	if v.s.w.chance(10) {
		return Reply{Unknown, errDown}
	}
	return r
}

// The incarnation is its log: the file outlives it, the failed state does not.

func (i *incarnation) Append(_ context.Context, d txlog.Decision) error {
	w := i.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pause(10 * time.Millisecond)
	switch {
	case i.dead || i.failed:
		return fmt.Errorf("%w: stopped", txlog.ErrNotDurable)
	case w.chance(2):
		return txlog.ErrQueueFull
	case w.chance(2):
		i.failed = true
		return fmt.Errorf("%w: disk full", txlog.ErrNotDurable)
	case w.chance(3):
		i.failed = true
		i.unknown[d.GTRID] = true
		if w.rng.IntN(2) == 0 {
			w.disk[d.GTRID] = d
		}
		return fmt.Errorf("%w: sync failed", txlog.ErrUnknown)
	case w.chance(3): // dies between the sync and the answer
		w.disk[d.GTRID] = d
		i.crash()
		return fmt.Errorf("%w: dead", txlog.ErrUnknown)
	}
	w.disk[d.GTRID] = d
	return nil
}

func (i *incarnation) Forget(gtrid string) {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	if i.dead || i.failed || i.w.chance(20) { // a removal may be lost
		return
	}
	for _, s := range i.w.servers {
		if b := s.branches[XID{FormatID, gtrid, s.name}]; b != nil && b.status != committed && i.w.disk[gtrid].Verdict == txlog.Commit {
			i.w.problem("decision of %s forgotten while %s is %s", gtrid, s.name, b.status)
		}
	}
	delete(i.w.disk, gtrid)
}

func (i *incarnation) Lookup(gtrid string) (txlog.Decision, bool, error) {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	if i.dead {
		return txlog.Decision{}, false, errDead
	}
	if i.unknown[gtrid] {
		return txlog.Decision{}, false, txlog.ErrUnknown
	}
	d, ok := i.w.disk[gtrid]
	return d, ok, nil
}

func (i *incarnation) Epochs() ([]string, error) {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return append([]string(nil), i.w.epochs...), nil
}

func (i *incarnation) Decisions(yield func(txlog.Decision) bool) error {
	i.w.mu.Lock()
	all := make([]txlog.Decision, 0, len(i.w.disk))
	for _, d := range i.w.disk {
		all = append(all, d)
	}
	i.w.mu.Unlock()
	for _, d := range all {
		if !yield(d) {
			return nil
		}
	}
	return nil
}
