package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lockstep/protocol"
)

// waiter is a session in the queue. It is handed a connection, a place to dial one
// in (both nil), or an error. ready has room for one: granting never blocks.
type waiter struct {
	foundRows bool
	ready     chan grant
}

type grant struct {
	conn *Conn
	err  error
}

// Acquire hands out a connection whose session state equals want and whose
// autocommit is as asked, brought in line by difference (one extra round trip where they differ; none
// where an idle connection fits). FIFO-fair among waiters. Errors: *protocol.ServerError (a SET was refused),
// *DownError, *QueueFullError, *AcquireTimeoutError, ErrClosed, ctx's.
func (s *Shard) Acquire(ctx context.Context, want *State, autocommit bool) (*Conn, error) {
	if want == nil {
		want = anyState
	}
	for {
		c, fresh, err := s.take(ctx, want, autocommit)
		if err != nil {
			return nil, err
		}
		c.owned.Store(true)
		err = c.align(ctx, want, autocommit)
		if err == nil {
			return c, nil
		}
		var se *protocol.ServerError
		if errors.As(err, &se) && !c.broken.Load() {
			// Part of the SET may have been done: only a reset makes the session known again.
			if rerr := c.Reset(ctx); rerr != nil {
				s.o.Logger.Debug("connection given up after a refused SET", "connection", c.id, "error", rerr)
			}
			c.Release()
			return nil, err
		}
		c.Discard()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("shard %s: acquiring a connection: %w", s.o.Name, context.Cause(ctx))
		}
		if fresh {
			return nil, &DownError{Shard: s.o.Name, Address: s.o.Address, Err: err}
		}
		// An idle connection that died since it was looked at; nothing of the client's ran on it.
	}
}

// trusted is how long after its last use an idle connection is taken to be
// alive without asking the kernel: a server that dies within that time would have
// met the statement in mid-flight just as well.
const trusted = 5 * time.Millisecond

// quiet says whether an idle connection is alive, as far as can be told: nothing waits to be read, not even the end.
func (c *Conn) quiet() bool {
	if c.event != nil {
		// What is told of may have been read already, with what came before it: then the kernel knows better.
		return c.event.Quiet() || c.peek.quiet()
	}
	return time.Since(c.idleSince) < trusted || c.peek.quiet()
}

// take gets an idle, a handed-over or a new connection (fresh: just dialed).
func (s *Shard) take(ctx context.Context, want *State, autocommit bool) (c *Conn, fresh bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, fmt.Errorf("shard %s: acquiring a connection: %w", s.o.Name, err)
	}
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, false, ErrClosed
		}
		c := s.pick(want, autocommit)
		if c == nil {
			break
		}
		s.mu.Unlock()
		if c.quiet() {
			return c, false, nil
		}
		c.drop() // the server hung up while it was idle
	}
	if down := s.health.down; down != nil && (s.o.Reached == nil || !s.o.Reached()) {
		s.mu.Unlock()
		return nil, false, down
	}
	if s.open < s.o.MaxConns {
		s.open++
		s.mu.Unlock()
	} else if len(s.idle) > 0 { // of the other kind of CLIENT_FOUND_ROWS
		other := s.idle[0]
		s.unidle(0)
		delete(s.live, other.id)
		s.mu.Unlock()
		other.quit()
	} else {
		c, err := s.wait(ctx, want) // unlocks
		if c != nil || err != nil {
			return c, false, err
		}
	}
	if c, err = s.dial(ctx, want.FoundRows); err != nil {
		s.giveBack()
		return nil, false, err
	}
	s.mu.Lock()
	if s.closed {
		s.open--
		s.mu.Unlock()
		c.quit()
		return nil, false, ErrClosed
	}
	s.live[c.id] = c
	s.mu.Unlock()
	return c, true, nil
}

// pick takes the best fitting idle connection; among equals the one used last.
func (s *Shard) pick(want *State, autocommit bool) *Conn {
	best, at := 0, -1
	for i := len(s.idle) - 1; i >= 0 && best < 3; i-- {
		c := s.idle[i]
		if c.foundRows != want.FoundRows {
			continue
		}
		if g := c.fits(want, autocommit); g > best {
			best, at = g, i
		}
	}
	if at < 0 {
		return nil
	}
	c := s.idle[at]
	s.unidle(at)
	return c
}

func (s *Shard) unidle(i int) {
	copy(s.idle[i:], s.idle[i+1:])
	s.idle[len(s.idle)-1] = nil
	s.idle = s.idle[:len(s.idle)-1]
}

// wait queues up. It returns a connection, or neither: then a place to dial in.
// Called with s.mu held, which it releases.
func (s *Shard) wait(ctx context.Context, want *State) (*Conn, error) {
	if s.waiters.Len() >= s.o.QueueLength {
		s.mu.Unlock()
		s.rejected.Add(1)
		return nil, &QueueFullError{Shard: s.o.Name, Limit: s.o.QueueLength, MaxConns: s.o.MaxConns}
	}
	w := &waiter{foundRows: want.FoundRows, ready: make(chan grant, 1)}
	e := s.waiters.PushBack(w)
	s.mu.Unlock()
	timer := time.NewTimer(s.o.AcquireTimeout)
	defer timer.Stop()
	var err error
	select {
	case g := <-w.ready:
		return g.conn, g.err
	case <-ctx.Done():
		err = fmt.Errorf("shard %s: waiting for a connection: %w", s.o.Name, context.Cause(ctx))
	case <-timer.C:
		err = &AcquireTimeoutError{Shard: s.o.Name, Limit: s.o.AcquireTimeout, MaxConns: s.o.MaxConns}
	}
	s.mu.Lock()
	s.waiters.Remove(e) // nothing happens if it was taken out already
	s.mu.Unlock()
	select {
	case g := <-w.ready: // granted in the same moment: still ours
		return g.conn, g.err
	default:
	}
	if ctx.Err() == nil {
		s.timeouts.Add(1)
	}
	return nil, err
}

// next takes the oldest waiter out of the queue; nil when nobody waits.
func (s *Shard) next() *waiter {
	e := s.waiters.Front()
	if e == nil {
		return nil
	}
	return s.waiters.Remove(e).(*waiter)
}

func (s *Shard) failWaiters(err error) {
	for w := s.next(); w != nil; w = s.next() {
		w.ready <- grant{err: err}
	}
}

// put takes a clean connection back: for the oldest waiter, or to be idle.
func (s *Shard) put(c *Conn) {
	c.idleSince = time.Now()
	if c.side {
		s.side.put(c)
		return
	}
	s.mu.Lock()
	var surplus *Conn
	switch w := s.next(); {
	case s.closed:
		surplus = c
		s.open--
	case w != nil && w.foundRows == c.foundRows:
		w.ready <- grant{conn: c}
	case w != nil:
		surplus = c
		w.ready <- grant{} // its place, for a connection of the other kind
	default:
		s.idle = append(s.idle, c)
		if len(s.idle) > s.o.MaxIdle {
			surplus = s.idle[0]
			s.unidle(0)
			s.open--
		}
	}
	if surplus != nil {
		delete(s.live, surplus.id)
	}
	s.mu.Unlock()
	if surplus != nil {
		surplus.quit()
	}
}

// removed gives the place of a closed connection away.
func (s *Shard) removed(c *Conn) {
	s.mu.Lock()
	if s.live[c.id] == c {
		delete(s.live, c.id)
	}
	if c.broken.Load() {
		s.health.suspect = true
		s.nudge()
	}
	s.mu.Unlock()
	if c.side {
		s.side.gone()
		return
	}
	s.giveBack()
}

// giveBack gives a place to dial in to the oldest waiter.
func (s *Shard) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.next(); w != nil && !s.closed {
		w.ready <- grant{}
		return
	}
	s.open--
}
