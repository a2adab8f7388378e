package backend

import (
	"context"
	"time"
)

// keeper is the shard's one background goroutine: it tries a server that is not
// known to be up, closes connections that were idle for too long, ends server
// sessions that this process gave up, and calls OnUp. One connection of its own, beside the pool,
// shows it the server's end even when nobody asks the server anything.
type keeper struct {
	s         *Shard
	watch     *Conn // nil while the server is not up
	lastProbe time.Time
}

func (k *keeper) run() {
	s := k.s
	defer k.unwatch()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C:
		case <-s.wake:
		}
		s.dropIdle()
		if k.watch != nil && !k.watch.quiet() {
			k.unwatch()
		}
		if k.due() && time.Since(k.lastProbe) >= s.o.ProbeInterval {
			k.lastProbe = time.Now()
			k.probe()
		}
		s.runKills()
		s.notify()
		next := min(s.o.IdleTime/2, s.o.ProbeInterval)
		if k.due() {
			next = s.o.ProbeInterval - time.Since(k.lastProbe)
		}
		timer.Reset(max(next, time.Millisecond))
	}
}

// due says whether the server must be looked at.
func (k *keeper) due() bool {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	return k.watch == nil || !k.s.health.up || k.s.health.suspect
}

// probe dials once; the connection is watched from then on.
func (k *keeper) probe() {
	ctx, cancel := context.WithTimeout(k.s.ctx, k.s.o.DialTimeout)
	defer cancel()
	c, err := k.s.dial(ctx, false)
	if err != nil {
		return // dial has noted it
	}
	k.unwatch()
	k.watch = c
}

func (k *keeper) unwatch() {
	if k.watch != nil {
		k.watch.quit()
		k.watch = nil
	}
}

// notify calls OnUp where it is due, outside of any lock.
func (s *Shard) notify() {
	s.mu.Lock()
	due := s.health.notify && s.health.up && !s.closed
	s.health.notify = s.health.notify && !due
	s.mu.Unlock()
	if due && s.o.OnUp != nil {
		s.o.OnUp(s.o.Name)
	}
}

// dropIdle closes idle connections that the server closed, which is how a server's
// end is noticed when nobody asks it anything, and those that nobody needed for IdleTime.
func (s *Shard) dropIdle() {
	var dead, old []*Conn
	now := time.Now()
	s.mu.Lock()
	kept := s.idle[:0]
	for _, c := range s.idle {
		switch {
		case !c.quiet():
			dead = append(dead, c)
		case now.Sub(c.idleSince) > s.o.IdleTime:
			old = append(old, c)
		default:
			kept = append(kept, c)
			continue
		}
		delete(s.live, c.id)
		s.open--
	}
	clear(s.idle[len(kept):])
	s.idle = kept
	if len(dead) > 0 {
		s.health.suspect = true
	}
	s.mu.Unlock()
	for _, c := range dead {
		_ = c.wire.Close() // closed from the other side already
	}
	for _, c := range old {
		c.quit()
	}
	s.side.dropIdle(now, s.o.IdleTime)
}
