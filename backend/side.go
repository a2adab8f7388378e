package backend

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sideSet is the connections beside the pool: recovery and KILL must work while
// every pool connection is in use. At most RecoveryConns, kept and used again.
type sideSet struct {
	places chan struct{} // one token for each connection that is open or being dialed
	free   chan *Conn    // idle; as large as places, so that putting never blocks
}

// sideConn hands out a side connection with autocommit on and the state of a new
// session. Release or Discard it. The wait for one is bounded by ctx.
func (s *Shard) sideConn(ctx context.Context) (*Conn, error) {
	for {
		if s.ctx.Err() != nil {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("shard %s: waiting for a recovery connection: %w", s.o.Name, err)
		}
		var c *Conn
		select { // one that is open goes before a new one
		case c = <-s.side.free:
		default:
			select {
			case c = <-s.side.free:
			case s.side.places <- struct{}{}:
				return s.sideDial(ctx)
			case <-ctx.Done():
				continue
			case <-s.ctx.Done():
				continue
			}
		}
		if c.quiet() {
			return s.sideReady(ctx, c)
		}
		c.broken.Store(true)
		c.drop()
	}
}

// sideDial opens a side connection in a place that was taken.
func (s *Shard) sideDial(ctx context.Context) (*Conn, error) {
	c, err := s.dial(ctx, false)
	if err != nil {
		s.side.gone()
		return nil, err
	}
	c.side = true
	s.mu.Lock()
	s.live[c.id] = c
	s.mu.Unlock()
	return s.sideReady(ctx, c)
}

func (s *Shard) sideReady(ctx context.Context, c *Conn) (*Conn, error) {
	c.owned.Store(true)
	if err := c.align(ctx, anyState, true); err != nil {
		c.Discard()
		return nil, err
	}
	return c, nil
}

// onSide runs f on a side connection, bounded by RecoveryTimeout where ctx has no
// earlier end.
func (s *Shard) onSide(ctx context.Context, f func(context.Context, *Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.RecoveryTimeout)
	defer cancel()
	c, err := s.sideConn(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	err = f(ctx, c)
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w (%w)", err, context.Cause(ctx))
	}
	return err
}

func (x *sideSet) put(c *Conn) {
	if c.shard.ctx.Err() != nil {
		c.quit()
		c.shard.removed(c)
		return
	}
	x.free <- c
	if c.shard.ctx.Err() != nil {
		x.close() // the shard was closed in between: nobody else would come for it
	}
}

// gone gives a connection's place away.
func (x *sideSet) gone() { <-x.places }

func (x *sideSet) close() {
	for {
		select {
		case c := <-x.free:
			c.quit()
			c.shard.removed(c)
		default:
			return
		}
	}
}

// dropIdle closes side connections that died or that nobody needed for long.
func (x *sideSet) dropIdle(now time.Time, idleTime time.Duration) {
	for range len(x.free) {
		select {
		case c := <-x.free:
			switch {
			case !c.quiet():
				c.broken.Store(true)
				c.drop()
			case now.Sub(c.idleSince) > idleTime:
				c.quit()
				c.shard.removed(c)
			default:
				x.put(c)
			}
		default:
			return
		}
	}
}
