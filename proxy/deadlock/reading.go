package deadlock

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"lockstep/backend"
)

// server is what is known of a database server.
type server struct {
	Server
	before, last reading
	held         Held      // what both showed
	blind        time.Time // not asked for its lock waits before
	blindSaid    bool
	cutSaid      time.Time
	board        board
	told         map[string]told // own rows of lockstep.waiter here, by gtrid
}

// reading is what a server showed, at some moment between two.
type reading struct {
	waits    []backend.LockWait
	from, to time.Time // zero: never
}

// took takes a new reading. The waits that it has in common with the one before were there from
// the end of that one to the beginning of this.
func (s *server) took(r reading) {
	s.before, s.last, s.held = s.last, r, Held{}
	if !s.before.to.IsZero() {
		s.held = Held{Waits: common(s.before.waits, s.last.waits), From: s.before.to, To: s.last.from}
	}
}

// sighted says whether the server lets its lock waits be read.
func (s *server) sighted(now time.Time) bool { return !now.Before(s.blind) }

// read reads the lock waits of all servers in scope at once.
func (d *Detector) read(ctx context.Context, scope []*server) {
	var wait sync.WaitGroup
	stale := make([]bool, len(scope))
	for i, s := range scope {
		if s.sighted(time.Now()) {
			wait.Go(func() { stale[i] = !d.readServer(ctx, s) })
		}
	}
	wait.Wait()
	d.stats.readings.Add(1)
	d.lastRead, d.readNext, d.stale = time.Now(), cacheIdle, false
	for i := range stale {
		if stale[i] {
			// Somebody else reads too: not in step with him.
			d.stats.stale.Add(1)
			d.stale = true
			d.readNext = cacheIdle + rand.N(cacheIdle/4)
		}
	}
}

// readServer reads one server; false: it answered with old rows.
func (d *Detector) readServer(ctx context.Context, s *server) (fresh bool) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	from := time.Now()
	w, err := s.Source.LockWaits(ctx, d.o.MaxWaits)
	to := time.Now()
	switch {
	case backend.LockWaitsDenied(err):
		s.blind = to.Add(deniedInterval)
		s.before, s.last, s.held = reading{}, reading{}, Held{}
		if !s.blindSaid {
			s.blindSaid = true
			d.o.Logger.Warn("lock waits of a shard cannot be read: deadlocks through it are left to its lock wait time-out (grant PROCESS, and on MySQL SELECT on performance_schema)", "shard", s.Name, "err", err)
		}
		return true
	case err != nil:
		s.blind = to.Add(failureInterval)
		if ctx.Err() == nil {
			d.o.Logger.Debug("lock waits of a shard could not be read", "shard", s.Name, "err", err)
		}
		return true
	}
	if s.blindSaid {
		s.blindSaid = false
		d.o.Logger.Info("lock waits of a shard can be read again", "shard", s.Name)
	}
	if w.Cut && to.Sub(s.cutSaid) > deniedInterval {
		s.cutSaid = to
		d.o.Logger.Warn("shard has more lock waits than are read: a deadlock may be left to its lock wait time-out (deadlock_max_waits)", "shard", s.Name, "limit", d.o.MaxWaits)
	}
	if !w.Fresh {
		return false
	}
	s.took(reading{w.Waits, from, to})
	return true
}
