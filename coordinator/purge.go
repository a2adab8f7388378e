package coordinator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lockstep/txlog"
)

const (
	purgeInterval = 10 * time.Second
	purgeBatch    = 1000 // rows
	purgeBatches  = 50   // in one pass
	purgeMost     = 16 * purgeBatch
)

// purge deletes rows of this shard that are older than their retention and whose
// transaction has nothing prepared at any participant. Rows of other coordinators are left
// to them for twice that time. What cannot be proven finished is kept.
func (c *Coordinator) purge(ctx context.Context, w *watch) {
	p, ok := w.shard.(Purger)
	if !ok || !c.purgeDue(w) {
		return
	}
	limit := purgeBatch
	for range purgeBatches {
		listed, n, err := c.purgeSome(ctx, w, p, limit)
		switch {
		case err != nil:
			c.o.Logger.Warn("markers could not be purged, will be tried again", "shard", w.shard.Name(), "err", err)
			return
		case listed < limit:
			return
		case n < limit/2 && limit < purgeMost:
			limit *= 2 // what must stay is the oldest, and would be all that is ever seen
		case n == 0:
			return
		}
	}
}

func (c *Coordinator) purgeDue(w *watch) bool {
	now := c.o.Clock.Now()
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	if !w.purged.IsZero() && now.Sub(w.purged) < purgeInterval && !now.Before(w.purged) {
		return false
	}
	w.purged = now
	return true
}

// purgeSome looks at the oldest rows, and says how many there were and how many it deleted.
func (c *Coordinator) purgeSome(ctx context.Context, w *watch, p Purger, limit int) (listed, n int, err error) {
	ctx, cancel := within(ctx, c.o.Clock, c.o.SettleTimeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	old, err := p.OldMarkers(ctx, c.o.MarkerRetention, c.o.TokenRetention, limit)
	if err != nil {
		return 0, 0, fmt.Errorf("list old markers: %w", err)
	}
	listed = len(old)
	old = slices.DeleteFunc(old, func(m Marker) bool {
		t, held := c.driven(m.GTRID) // such as one that was under way when this process was stopped for long: its commit may ask yet
		return t != nil || held != "" || m.Coordinator != c.o.ID && m.Age < 2*c.keep(m)
	})
	if len(old) == 0 {
		return listed, 0, nil
	}
	if old, err = withoutActive(ctx, p, old); err != nil {
		return listed, 0, fmt.Errorf("look for the branches of fences: %w", err)
	}
	prepared, unknown := c.preparedAt(ctx, old)
	var gtrids []string
	for _, m := range old {
		busy := prepared[m.GTRID]
		for _, name := range m.Participants {
			busy = busy || unknown[name]
		}
		if !busy {
			gtrids = append(gtrids, m.GTRID)
		}
	}
	if len(gtrids) == 0 {
		return listed, 0, nil
	}
	if err := p.Purge(ctx, gtrids); err != nil {
		return listed, 0, fmt.Errorf("delete %d old markers: %w", len(gtrids), err)
	}
	c.counters.purged.Add(uint64(len(gtrids)))
	return listed, len(gtrids), nil
}

// withoutActive leaves out the fences of branches that are still there. Their coordinator may have been stopped for longer than
// any retention, with the yes of the others in its memory: when it goes on and asks this one, the fence must refuse it.
func withoutActive(ctx context.Context, p Purger, old []Marker) ([]Marker, error) {
	var fenced []string
	for _, m := range old {
		if m.fence() {
			fenced = append(fenced, m.GTRID)
		}
	}
	if len(fenced) == 0 {
		return old, nil
	}
	absent, err := p.Absent(ctx, fenced)
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for _, g := range absent {
		gone[g] = true
	}
	return slices.DeleteFunc(old, func(m Marker) bool { return m.fence() && !gone[m.GTRID] }), nil
}

// fence says whether it stands against a branch, and not against a token alone.
func (m *Marker) fence() bool { return m.State == MarkerAborted && m.Token == "" }

func (c *Coordinator) keep(m Marker) time.Duration {
	if m.Token != "" {
		return c.o.TokenRetention
	}
	return c.o.MarkerRetention
}

// preparedAt lists the participants of these rows now: the gtrids that are prepared
// anywhere, and the shards of which that is not known.
func (c *Coordinator) preparedAt(ctx context.Context, rows []Marker) (prepared, unknown map[string]bool) {
	prepared, unknown = map[string]bool{}, map[string]bool{}
	var names []string
	for _, m := range rows {
		for _, name := range m.Participants {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		other := c.watchOf(name)
		if other == nil || c.unlisted(other) != nil {
			unknown[name] = true
			continue
		}
		listed, err := c.list(ctx, other)
		if err == nil {
			err = c.certify(ctx, other) // a branch that comes back later would miss the others' rows
		}
		if err != nil {
			unknown[name] = true
			continue
		}
		for _, x := range listed {
			if x.FormatID == FormatID {
				prepared[x.GTRID] = true
			}
		}
	}
	return prepared, unknown
}

// renew lets the markers of branches that were committed late be kept for as long as others: their clients
// have had no answer until now. An old row would be purged at once, and a look-up would find no trace then.
func (c *Coordinator) renew(ctx context.Context, w *watch, tasks []task) {
	r, ok := w.shard.(Renewer)
	if !ok {
		return
	}
	var gtrids []string
	for _, t := range tasks {
		if t.err == nil && t.verdict == txlog.Commit {
			gtrids = append(gtrids, t.xid.GTRID)
		}
	}
	if len(gtrids) == 0 {
		return
	}
	ctx, cancel := within(ctx, c.o.Clock, c.o.SettleTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			c.o.Logger.Warn("markers of branches committed late could not be renewed", "shard", w.shard.Name(), "err", fmt.Errorf("panic: %v", p))
		}
	}()
	if err := r.Renew(ctx, gtrids, c.o.MarkerRetention/2); err != nil {
		c.o.Logger.Warn("markers of branches committed late could not be renewed: outcomes of their tokens may be lost early", "shard", w.shard.Name(), "err", err)
	}
}
