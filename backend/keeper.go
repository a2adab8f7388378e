package backend

import (
	"context"
	"time"
)

// keep is the shard's one background goroutine: it tries a server that is not
// known to be up, closes connections that were idle for too long, ends server
// sessions that this process gave up, and calls OnUp.
func (s *Shard) keep() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	evict := min(s.o.IdleTime/2, 10*time.Second)
	lastProbe := time.Time{}
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C:
		case <-s.wake:
		}
		s.dropIdle()
		s.mu.Lock()
		look := !s.health.up || s.health.suspect
		s.mu.Unlock()
		if look && time.Since(lastProbe) >= s.o.ProbeInterval {
			lastProbe = time.Now()
			s.probe()
		}
		s.runKills()
		s.mu.Lock()
		notify := s.health.notify && s.health.up
		s.health.notify = s.health.notify && !notify
		look = !s.health.up || s.health.suspect
		s.mu.Unlock()
		if notify && s.o.OnUp != nil && s.ctx.Err() == nil {
			s.o.OnUp(s.o.Name)
		}
		next := min(evict, s.o.ProbeInterval)
		if look {
			next = max(s.o.ProbeInterval-time.Since(lastProbe), time.Millisecond)
		}
		timer.Reset(next)
	}
}

// probe dials once; the connection stays, if there is room for it.
func (s *Shard) probe() {
	ctx, cancel := context.WithTimeout(s.ctx, s.o.DialTimeout)
	defer cancel()
	c, err := s.dial(ctx, false)
	if err != nil {
		return // dial has noted it
	}
	s.mu.Lock()
	room := !s.closed && s.open < s.o.MaxConns && len(s.idle) < s.o.MaxIdle && s.waiters.Len() == 0
	if room {
		s.open++
		c.idleSince = time.Now()
		s.live[c.id] = c
		s.idle = append(s.idle, c)
	}
	s.mu.Unlock()
	if !room {
		c.quit()
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
		case !c.peek.quiet():
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
