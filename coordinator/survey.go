package coordinator

import (
	"context"
	"errors"
	"sync"

	"lockstep/txlog"
)

// survey is one look at all shards.
type survey struct {
	shards []string
	lists  map[string][]XID // by shard; a shard that could not be listed has none
	errs   map[string]error
	listed map[string]map[XID]bool // lists, to look things up
}

func (c *Coordinator) survey(ctx context.Context) survey {
	ws := c.watches()
	s := survey{lists: map[string][]XID{}, errs: map[string]error{}, listed: map[string]map[XID]bool{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, w := range ws {
		name := w.shard.Name()
		s.shards = append(s.shards, name)
		wg.Go(func() {
			xids, err := c.list(ctx, w)
			if err == nil {
				c.remember(w, xids)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				s.errs[name] = err
				return
			}
			s.lists[name] = xids
			s.listed[name] = setOf(xids)
		})
	}
	wg.Wait()
	return s
}

// err joins the errors of the shards that could not be listed.
func (s survey) err() error {
	var all []error
	for _, name := range s.shards {
		all = append(all, s.errs[name])
	}
	return errors.Join(all...)
}

// branches of one of our transactions: the shards that list it, in order.
func (s survey) branches(gtrid string) (out []string) {
	for _, name := range s.shards {
		if s.listed[name][XID{FormatID, gtrid, name}] {
			out = append(out, name)
		}
	}
	return out
}

// unreachable shards, in order.
func (s survey) unreachable() (out []string) {
	for _, name := range s.shards {
		if s.errs[name] != nil {
			out = append(out, name)
		}
	}
	return out
}

// absent are the participants of a decision that are listed and have nothing prepared of it.
func (s survey) absent(d txlog.Decision) (out []string) {
	for _, p := range d.Participants {
		if list, ok := s.listed[p]; ok && !list[XID{FormatID, d.GTRID, p}] {
			out = append(out, p)
		}
	}
	return out
}
