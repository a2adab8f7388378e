package backend

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Shard is one database server: its pool and what recovery needs of it. Safe for concurrent use.
type Shard struct {
	o      Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wake   chan struct{} // the keeper has something to do

	dials, dialErrors, timeouts, rejected atomic.Uint64
	verbs                                 verbCounters
	onePhase                              atomic.Int32  // what a one-phase commit is worth
	markerTable                           atomic.Bool   // it is there
	flavor                                atomic.Uint32 // of the server, once it has answered

	mu      sync.Mutex
	closed  bool
	health  health
	open    int       // pool connections, those being dialed included
	idle    []*Conn   // most recently used last
	waiters list.List // of *waiter, oldest in front; empty while anything is idle or may be dialed
	live    map[uint32]*Conn
	lastID  uint32          // connection id of the newest connection
	owners  map[XID]session // of branches that this process prepared and saw no end of
	writers map[XID]uint32  // connections that wrote the markers of branches that are about to be freed
	kills   []session

	doubtful map[XID]struct{} // settled while others were hidden
	hidden   int              // transactions, at the last look

	side     sideSet
	gate     batch[struct{}]
	waits    batch[LockWaits]
	verifier batch[verified]
	sessions batch[sessionList]
}

// health is what is known of the server's reachability.
type health struct {
	up      bool
	down    *DownError // nil: not known to be down
	suspect bool       // something broke: look soon
	notify  bool       // OnUp is due
}

// NewShard makes a shard and starts its keeper, which tries the server in the
// background. It does not dial; a shard that is down is no error.
func NewShard(o Options) *Shard {
	s := &Shard{
		o: o.withDefaults(), wake: make(chan struct{}, 1),
		live: map[uint32]*Conn{}, owners: map[XID]session{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.side.free = make(chan *Conn, s.o.RecoveryConns)
	s.side.places = make(chan struct{}, s.o.RecoveryConns)
	go (&keeper{s: s}).run()
	return s
}

// Name is the shard's name, by which branches know it.
func (s *Shard) Name() string { return s.o.Name }

// Up says whether the server answered when last asked.
func (s *Shard) Up() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health.up
}

// Flavor is the server's family; 0 while it has never answered.
func (s *Shard) Flavor() Flavor { return Flavor(s.flavor.Load()) }

// Close closes idle connections and refuses new ones; those in use are closed
// when they are released. It waits for nobody.
func (s *Shard) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	idle := s.idle
	s.idle = nil
	s.open -= len(idle)
	for _, c := range idle {
		delete(s.live, c.id)
	}
	s.failWaiters(ErrClosed)
	s.mu.Unlock()
	s.cancel()
	for _, c := range idle {
		c.quit()
	}
	s.side.close()
	return nil
}

// Stats of the pool, for metrics.
type Stats struct {
	Open, Idle, InUse, Waiting            int
	Dials, DialErrors, Timeouts, Rejected uint64
}

// Stats tells the pool's state and what it has done so far.
func (s *Shard) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Open: s.open, Idle: len(s.idle), InUse: s.open - len(s.idle), Waiting: s.waiters.Len(),
		Dials: s.dials.Load(), DialErrors: s.dialErrors.Load(), Timeouts: s.timeouts.Load(), Rejected: s.rejected.Load(),
	}
}

// reached notes that the server let us in with this connection id. An id lower
// than one known before (before: when the dial began) is another server process: it
// was down in between, however briefly.
func (s *Shard) reached(id, before uint32) {
	s.mu.Lock()
	back := !s.health.up || id < before
	if back && !s.closed {
		s.o.Logger.Info("shard reached", "address", s.o.Address, "restarted", s.health.up)
	}
	if back {
		s.lastID = id
	}
	s.lastID = max(s.lastID, id)
	s.health = health{up: true, notify: s.health.notify || back}
	s.mu.Unlock()
	if back {
		s.nudge()
	}
}

// unreachable notes that the server did not let us in, and turns away who waits.
func (s *Shard) unreachable(e *DownError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.health.down == nil {
		e.Since = time.Now()
		s.o.Logger.Warn("shard cannot be reached", "address", s.o.Address, "error", e.Err)
	} else {
		e.Since = s.health.down.Since
	}
	s.health = health{down: e, notify: s.health.notify}
	s.failWaiters(e)
	s.nudge()
}

func (s *Shard) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
