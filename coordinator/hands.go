package coordinator

import (
	"context"
	"fmt"
	"sync"
)

// hands keeps the resolver and an operator from settling the same transaction at the same
// time with different evidence. Passes over different shards share a transaction; an
// operator has it alone.
type hands struct {
	mu      sync.Mutex
	held    map[string]int // > 0: passes, -1: an operator
	changed chan struct{}  // closed and replaced when something was let go
}

func (h *hands) init() { h.held, h.changed = map[string]int{}, make(chan struct{}) }

// share does not wait: a pass leaves alone what an operator has in hand.
func (h *hands) share(gtrid string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[gtrid] < 0 {
		return false
	}
	h.held[gtrid]++
	return true
}

func (h *hands) unshare(gtrid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[gtrid]--
	h.letGo(gtrid)
}

// seize waits for those who have it.
func (h *hands) seize(ctx context.Context, gtrid string) error {
	for {
		h.mu.Lock()
		if h.held[gtrid] == 0 {
			h.held[gtrid] = -1
			h.mu.Unlock()
			return nil
		}
		wait := h.changed
		h.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return fmt.Errorf("wait for the resolver to let go of %s: %w", gtrid, context.Cause(ctx))
		}
	}
}

func (h *hands) unseize(gtrid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[gtrid] = 0
	h.letGo(gtrid)
}

func (h *hands) letGo(gtrid string) {
	if h.held[gtrid] == 0 {
		delete(h.held, gtrid)
		close(h.changed)
		h.changed = make(chan struct{})
	}
}
