package deadlock

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Deadlock is one that was broken by rolling back a transaction of this proxy.
type Deadlock struct {
	Time   time.Time
	Victim string        // gtrid
	Cycle  string        // each waits for the next, the last for the first
	Took   time.Duration // from the last wait that closed it, as far as it is known, to its end
}

// history keeps the newest.
type history struct {
	mu    sync.Mutex
	limit int
	list  []Deadlock
}

func (h *history) add(x Deadlock) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.list) >= h.limit {
		h.list = slices.Delete(h.list, 0, len(h.list)-h.limit+1)
	}
	h.list = append(h.list, x)
}

// History lists the last deadlocks whose victims were this proxy's, the newest first.
func (d *Detector) History() []Deadlock {
	if d == nil {
		return nil
	}
	d.history.mu.Lock()
	defer d.history.mu.Unlock()
	list := slices.Clone(d.history.list)
	slices.Reverse(list)
	return list
}

type counters struct {
	readings, stale, cycles, victims, asked, late atomic.Uint64
}

// Stats of what the detector has done.
type Stats struct {
	Watched  int    // transactions open on several shards now
	Readings uint64 // of lock waits
	Stale    uint64 // of them, those that a server answered from its cache
	Cycles   uint64 // deadlocks found
	Victims  uint64 // transactions of this proxy rolled back
	Asked    uint64 // victims that belong to other proxies
	Late     uint64 // victims that had their lock before they could be ended: left alone
}

// Stats may be called by any goroutine.
func (d *Detector) Stats() Stats {
	if d == nil {
		return Stats{}
	}
	d.mu.Lock()
	n := len(d.open)
	d.mu.Unlock()
	s := &d.stats
	return Stats{
		Watched: n, Readings: s.readings.Load(), Stale: s.stale.Load(), Cycles: s.cycles.Load(),
		Victims: s.victims.Load(), Asked: s.asked.Load(), Late: s.late.Load(),
	}
}
