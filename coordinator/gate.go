package coordinator

import (
	"context"
	"fmt"
	"sync"
)

// Gate is the one place where phase 2 starts. Every phase 2 holds it shared from before its
// first commit to after its last answer. Who holds it exclusive sees no
// transaction of this process half committed, but for branches that are in doubt.
type Gate struct {
	mu        sync.Mutex
	shared    int
	exclusive bool
	wanted    int           // waiting for exclusive; new phase 2s stand behind them
	changed   chan struct{} // closed and replaced when something was released
}

func newGate() *Gate { return &Gate{changed: make(chan struct{})} }

// Shared waits out an exclusive holder. A decided transaction must be
// finished, so there is no way to give up.
func (g *Gate) Shared() (release func()) {
	for {
		g.mu.Lock()
		if !g.exclusive && g.wanted == 0 {
			g.shared++
			g.mu.Unlock()
			return sync.OnceFunc(func() { g.release(func() { g.shared-- }) })
		}
		wait := g.changed
		g.mu.Unlock()
		<-wait
	}
}

// Exclusive waits until no phase 2 runs, and holds new ones back until release. Hold it briefly.
func (g *Gate) Exclusive(ctx context.Context) (release func(), err error) {
	g.mu.Lock()
	g.wanted++
	for g.exclusive || g.shared > 0 {
		wait := g.changed
		g.mu.Unlock()
		select {
		case <-wait:
			g.mu.Lock()
		case <-ctx.Done():
			g.release(func() { g.wanted-- })
			return nil, fmt.Errorf("wait for running commits: %w", context.Cause(ctx))
		}
	}
	g.wanted--
	g.exclusive = true
	g.mu.Unlock()
	return sync.OnceFunc(func() { g.release(func() { g.exclusive = false }) }), nil
}

func (g *Gate) release(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
	close(g.changed)
	g.changed = make(chan struct{})
}
