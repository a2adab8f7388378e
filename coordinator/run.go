package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Run is the resolver: recovery at start, then whenever ShardUp, a hand-over or the timer
// calls. Each shard has its own goroutine, so that one that is down delays no other.
// It ends with ctx, and then returns nil.
func (c *Coordinator) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("run resolver: it runs already")
	}
	defer c.running.Store(false)
	known := func(shard string) bool { return c.watchOf(shard) != nil }
	for gtrid, shard := range c.unfinished.unknownParticipants(known) {
		c.o.Logger.Error("decision names a shard that is not configured, it is kept",
			slog.String("gtrid", gtrid), slog.String("shard", shard))
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	attended := map[*watch]bool{} // one that is added just now comes both ways
	start := func(w *watch) {
		if !attended[w] {
			attended[w] = true
			wg.Go(func() { c.attend(ctx, w) })
		}
	}
	for _, w := range c.watches() {
		start(w)
	}
	for {
		select {
		case w := <-c.started:
			start(w)
		case <-ctx.Done():
			return nil
		}
	}
}

// attend looks after one shard.
func (c *Coordinator) attend(ctx context.Context, w *watch) {
	for failures := 0; ; {
		_, err := c.pass(ctx, w, false)
		if ctx.Err() != nil {
			return
		}
		pause, work := c.o.ResolveInterval, w.work
		if err != nil {
			pause = min(firstPause<<min(failures, 12), c.o.ResolveInterval)
			if errors.As(err, new(*undecidedError)) {
				pause = min(pause, 2*c.watchInterval()) // for other transactions: this shard can be asked
			} else {
				work = nil // or a shard that is down would be tried at the rate of hand-overs
			}
			if failures++; failures == 1 {
				c.o.Logger.Warn("recovery pass incomplete, will be repeated", slog.String("shard", w.shard.Name()), slog.Any("err", err))
			}
		} else {
			if failures > 0 {
				c.o.Logger.Info("recovery pass complete again", slog.String("shard", w.shard.Name()), slog.Int("failures", failures))
			}
			failures = 0
			pause = min(pause, c.quickPause(w))
		}
		if soon := c.soon(w); soon > 0 && failures == 0 {
			pause = min(pause, soon)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.up:
			failures = 0
		case <-work:
		case <-c.o.Clock.After(pause):
		}
	}
}

// soon takes the wish for an early next pass, where there is one.
func (c *Coordinator) soon(w *watch) time.Duration {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	d := w.soon
	w.soon = 0
	if d == 0 && w.markers() != nil { // another coordinator's transactions must be found in time
		return c.watchInterval()
	}
	return d
}

const firstPause = 100 * time.Millisecond

// quickPause is short for a few passes after a hand-over.
func (c *Coordinator) quickPause(w *watch) time.Duration {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	if w.quick == 0 {
		return c.o.ResolveInterval
	}
	w.quick--
	return firstPause / 2 << (quickPasses - 1 - w.quick)
}
