package coordinator

import (
	"context"
	"errors"
	"sync"
)

// Recover makes one pass of the resolver now and returns what it did, or would do. It
// looks at all shards in parallel. The error joins those of the shards that
// could not be listed or settled; the actions of the others are returned with it.
func (c *Coordinator) Recover(ctx context.Context, dryRun bool) ([]Action, error) {
	ws := c.watches()
	actions, errs := make([][]Action, len(ws)), make([]error, len(ws))
	var wg sync.WaitGroup
	for i, w := range ws {
		wg.Go(func() { actions[i], errs[i] = c.pass(ctx, w, dryRun) })
	}
	wg.Wait()
	var all []Action
	for _, a := range actions {
		all = append(all, a...)
	}
	return all, errors.Join(errs...)
}
