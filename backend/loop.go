package backend

import "lockstep/eventloop"

// What follows is for event loops: the same as Acquire, Prepare and SetState where none of them would have to
// wait for a server, and nothing otherwise.

// Event is the connection as an event loop can own it; nil where it cannot be (TLS, no loop).
func (c *Conn) Event() *eventloop.Conn { return c.event }

// MaxConns is the pool's limit.
func (s *Shard) MaxConns() int { return s.o.MaxConns }

// Wanted says whether somebody waits for a connection.
func (s *Shard) Wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiters.Len() > 0
}

// TryAcquire hands out an idle connection that fits as it is and that the loop can own, or nil. Nothing is sent.
func (s *Shard) TryAcquire(loop *eventloop.Loop, want *State, autocommit bool) *Conn {
	for {
		s.mu.Lock()
		c := s.pickReady(loop, want, autocommit)
		s.mu.Unlock()
		if c == nil {
			return nil
		}
		if !c.quiet() {
			c.drop() // the server hung up while it was idle
			continue
		}
		if !c.MoveTo(loop) {
			c.drop()
			continue
		}
		c.owned.Store(true)
		c.adopt(want)
		return c
	}
}

// MoveTo has a loop watch the connection, which nobody uses at the moment; false: it is broken, or cannot be a loop's.
func (c *Conn) MoveTo(loop *eventloop.Loop) bool {
	if c.event == nil {
		return false
	}
	if err := c.event.Move(loop); err != nil {
		c.broken.Store(true)
		_ = c.wire.Close() // nothing would wake who reads from it
		c.shard.o.Logger.Debug("connection could not be moved to another event loop; it is closed", "connection", c.id, "error", err)
		return false
	}
	return true
}

// pickReady takes the idle connection that was used last among those to which nothing must be sent, the
// loop's own first; s.mu is held.
func (s *Shard) pickReady(loop *eventloop.Loop, want *State, autocommit bool) *Conn {
	if s.closed || s.waiters.Len() > 0 {
		return nil
	}
	at := -1
	for i := len(s.idle) - 1; i >= 0; i-- {
		c := s.idle[i]
		if c.event == nil || c.foundRows != want.FoundRows || c.dirty || c.fits(want, autocommit) < 3 {
			continue
		}
		own := c.event.Loop() == loop
		if at < 0 || own {
			at = i
		}
		if own {
			break
		}
	}
	if at < 0 {
		return nil
	}
	c := s.idle[at]
	s.unidle(at)
	return c
}

// Fits says whether SetState would send nothing.
func (c *Conn) Fits(want *State) bool {
	return want.FoundRows == c.foundRows && !c.dirty && (c.state == want || c.inLine(want))
}

// HasPrepared says whether Prepare would send nothing.
func (c *Conn) HasPrepared(sql string) bool {
	_, ok := c.statements.entries[statementKey{c.statements.context, sql}]
	return ok
}

// Opening is how many answers come before that of the statement behind WriteOpen.
func (b *Branch) Opening() int { return b.pending }
