package proxy

import (
	"context"
	"slices"
	"sync"
	"time"

	"lockstep/backend"
)

func (s *session) wasKilled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.killed
}

// kill ends the session from outside: what runs on the shards is ended too. It
// does not wait for anybody.
func (s *session) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := s.killed
	s.killed = true
	s.cancel()
	if s.loop != nil {
		defer s.loop.loop.Post(s.nudged)
	}
	// A client that does not read must not hold the session: one that waits for a command may have left a part of an answer.
	// Whoever kills it again and again, as the proxy's end does, does not put that off.
	if !again {
		_ = s.nc.SetWriteDeadline(time.Now().Add(time.Second))
	}
	// Wakes the reader; it says goodbye itself.
	_ = s.nc.SetReadDeadline(time.Unix(1, 0))
	if s.waiting {
		return
	}
	for _, c := range s.active {
		c.Abort() // its statement is ended on the shard when the connection is dropped
	}
}

// killQuery ends the running statement only.
func (s *session) killQuery() {
	s.mu.Lock()
	number := s.number
	s.mu.Unlock()
	s.killStatementNumber(number)
}

// killStatementNumber ends the running statement if it is still the one of that number. The
// connections it runs on stay the session's until every shard has been told: see untrack.
func (s *session) killStatementNumber(number uint64) {
	s.mu.Lock()
	if s.number == number {
		s.stop = number
	}
	if s.number != number || len(s.active) == 0 {
		loop := s.loop
		if s.number == number && !s.waiting {
			s.condemned = number // it may be on its way from a shared connection to one of its own, or wait for one
		}
		s.mu.Unlock()
		if loop != nil {
			loop.loop.Post(func() { s.interruptOnLane(number) })
		}
		return
	}
	active := slices.Clone(s.active)
	s.killing++
	s.mu.Unlock()
	var wait sync.WaitGroup
	for _, c := range active {
		wait.Go(func() { s.interrupt(c) })
	}
	wait.Wait()
	s.mu.Lock()
	s.killing--
	s.mu.Unlock()
	s.spared.Broadcast()
}

// interruptTimeout bounds the side connection that carries a KILL to a shard.
const interruptTimeout = 5 * time.Second

func (s *session) interrupt(c *backend.Conn) {
	ctx, cancel := context.WithTimeout(s.p.ctx, interruptTimeout)
	defer cancel()
	if err := c.Shard().KillQuery(ctx, c.ID()); err != nil {
		s.p.log.Warn("running statement could not be ended on its shard", "conn", s.id, "shard", c.Shard().Name(), "err", err)
	}
}

// closeIfIdle ends a session that is between commands and transactions, or has not logged in; false: it is neither.
func (s *session) closeIfIdle() bool {
	s.mu.Lock()
	idle := s.waiting && !s.open || s.shown.user == ""
	s.mu.Unlock()
	if idle {
		s.kill()
	}
	return idle
}

// track keeps c on the list of connections that a KILL must reach. condemned says that KILL QUERY has hit the statement
// already, when it was on none: it must not be sent.
func (s *session) track(c *backend.Conn) (condemned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = append(s.active, c)
	if s.killed {
		c.Abort()
	}
	return s.condemned != 0 && s.condemned == s.number
}

// tryUntrack is untrack, except that it does nothing where a KILL is under way.
func (s *session) tryUntrack(c *backend.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.killing > 0 || s.killed {
		return false
	}
	if i := slices.Index(s.active, c); i >= 0 {
		s.active = slices.Delete(s.active, i, i+1)
	}
	return true
}

// untrack takes c off the list. When it returns no KILL of this session can reach c
// any more, so that c can be handed on.
func (s *session) untrack(c *backend.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.active, c)
	if i < 0 {
		return
	}
	s.active = slices.Delete(s.active, i, i+1)
	for s.killing > 0 {
		s.spared.Wait()
	}
}
