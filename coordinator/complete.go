package coordinator

import (
	"context"
	"fmt"
)

// Certifier is a Shard that can tell whether its list of prepared branches is complete.
type Certifier interface {
	// Complete is nil if, at this moment, every prepared branch of the server is in its list.
	Complete(ctx context.Context) error
}

// complete asks before anything is concluded from a branch that is not listed. Where no decision waits for a
// shard's word, nothing is asked: concluding is all that its list's gaps could spoil.
func (c *Coordinator) complete(ctx context.Context, w *watch) error {
	if c.unfinished.len() == 0 {
		return nil
	}
	if err := c.certify(ctx, w); err != nil {
		return fmt.Errorf("decisions are kept, shard %s may have prepared branches that it does not list: %w", w.shard.Name(), err)
	}
	return nil
}

// certify is an error where a shard may have prepared branches that it does not list.
func (c *Coordinator) certify(ctx context.Context, w *watch) (err error) {
	s, ok := w.shard.(Certifier)
	if !ok {
		return nil
	}
	ctx, cancel := within(ctx, c.o.Clock, c.o.ListTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("check the list of shard %s: panic: %v", w.shard.Name(), p)
		}
	}()
	return s.Complete(ctx)
}
