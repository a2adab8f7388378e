package coordinator

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// watch is what the resolver keeps of one shard. Its memory is bounded by what the shard listed last.
type watch struct {
	shard Shard
	turn  chan struct{} // holds a token: one pass at a time
	up    chan struct{} // ShardUp
	work  chan struct{} // a branch was handed over

	// Guarded by Coordinator.shardsMu.
	recovered bool
	seen      map[XID]time.Time // when listed first
	loud      map[string]bool   // gtrids reported
	quick     int               // short waits left
	soon      time.Duration     // the next pass is wanted after that; 0: no matter when
	purged    time.Time         // when old markers were last looked for
	unlisted  error             // of the newest listing
}

// quickPasses follow a hand-over: a branch without an answer may become
// prepared a little after the first look.
const quickPasses = 6

// AddShard makes a shard known, also while Run runs.
func (c *Coordinator) AddShard(s Shard) error {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	name := s.Name()
	if name == "" || len(name) > xidPartLimit {
		return fmt.Errorf("add shard %q: its name must have 1 to %d bytes", name, xidPartLimit)
	}
	for _, w := range c.shards {
		if w.shard.Name() == name {
			return fmt.Errorf("add shard %q: there is one of this name", name)
		}
	}
	w := &watch{
		shard: s, turn: make(chan struct{}, 1), up: make(chan struct{}, 1), work: make(chan struct{}, 1),
		seen: map[XID]time.Time{}, loud: map[string]bool{},
	}
	w.turn <- struct{}{}
	c.shards = append(c.shards, w)
	if c.running.Load() {
		select {
		case c.started <- w:
		default:
			return fmt.Errorf("add shard %q: too many are being added", name)
		}
	}
	return nil
}

func (c *Coordinator) watches() []*watch {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	return slices.Clone(c.shards)
}

func (c *Coordinator) watchOf(name string) *watch {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	for _, w := range c.shards {
		if w.shard.Name() == name {
			return w
		}
	}
	return nil
}

func (c *Coordinator) noteListed(w *watch, err error) {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	w.unlisted = err
}

// unlisted is why a shard could not be listed last. Passes over other shards do not ask it then:
// one that hangs would hold them up each time. Its own pass does, and finds out when it is back.
func (c *Coordinator) unlisted(w *watch) error {
	if !c.running.Load() {
		return nil
	}
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	return w.unlisted
}

// ShardUp tells the resolver that a shard can be reached (again).
func (c *Coordinator) ShardUp(name string) {
	if w := c.watchOf(name); w != nil {
		nudge(w.up)
	}
}

// handOver tells the resolver of a branch that is its own from now on.
func (c *Coordinator) handOver(shard string) {
	if w := c.watchOf(shard); w != nil {
		c.shardsMu.Lock()
		w.quick = quickPasses
		c.shardsMu.Unlock()
		nudge(w.work)
	}
}

func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // one is waiting already
	}
}

// Ready says whether recovery after start is complete on all shards: each has been
// listed and all that it had for us was settled.
func (c *Coordinator) Ready() bool {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	for _, w := range c.shards {
		if !w.recovered {
			return false
		}
	}
	return true
}

// acquire waits for the shard's turn.
func (w *watch) acquire(ctx context.Context) (release func(), err error) {
	select {
	case <-w.turn:
		return func() { w.turn <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another pass over shard %s: %w", w.shard.Name(), context.Cause(ctx))
	}
}
