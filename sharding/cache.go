package sharding

import (
	"sync"
	"sync/atomic"
)

// planCache is a bounded map from shapes to statements, cut into parts with a lock each. A part evicts by CLOCK: a hit
// sets the entry's mark under the read lock, and the hand removes the first entry without one.
type planCache struct {
	parts [cacheParts]cachePart
}

const (
	cacheParts  = 16
	maxVariants = 8 // statements of one shape that differ in pinned literals
)

type cachePart struct {
	mu      sync.RWMutex
	limit   int
	entries map[uint64]*cacheEntry // chains of equal hash
	clock   []*cacheEntry
	hand    int
}

type cacheEntry struct {
	key  shapeKey
	st   *Statement
	next *cacheEntry
	used atomic.Bool
	slot int // position in clock
}

func newPlanCache(limit int) *planCache {
	c := &planCache{}
	for i := range c.parts {
		c.parts[i].limit = max(1, limit/cacheParts)
		c.parts[i].entries = make(map[uint64]*cacheEntry)
	}
	return c
}

func (c *planCache) part(hash uint64) *cachePart { return &c.parts[hash%cacheParts] }

func (c *planCache) get(k *shapeKey) *Statement {
	p := c.part(k.hash)
	p.mu.RLock()
	defer p.mu.RUnlock()
	for e := p.entries[k.hash]; e != nil; e = e.next {
		if e.key.equal(k) && k.samePinned(&e.key, e.st.pinned) {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e.st
		}
	}
	return nil
}

func (c *planCache) put(k *shapeKey, st *Statement) {
	p := c.part(k.hash)
	p.mu.Lock()
	defer p.mu.Unlock()
	variants := 0
	for e := p.entries[k.hash]; e != nil; e = e.next {
		if !e.key.equal(k) {
			continue
		}
		if k.samePinned(&e.key, st.pinned) && e.key.samePinned(k, e.st.pinned) {
			return // another client was first
		}
		if variants++; variants == maxVariants {
			return
		}
	}
	e := &cacheEntry{key: k.clone(), st: st}
	if len(p.clock) < p.limit {
		e.slot = len(p.clock)
		p.clock = append(p.clock, e)
	} else {
		e.slot = p.evict()
		p.clock[e.slot] = e
	}
	e.next = p.entries[k.hash]
	p.entries[k.hash] = e
}

// evict frees a place of the clock and returns it.
func (p *cachePart) evict() int {
	for {
		e := p.clock[p.hand]
		slot := p.hand
		p.hand = (p.hand + 1) % len(p.clock)
		if e.used.Swap(false) {
			continue
		}
		hash := e.key.hash
		if first := p.entries[hash]; first == e {
			if e.next == nil {
				delete(p.entries, hash)
			} else {
				p.entries[hash] = e.next
			}
		} else {
			for first.next != e {
				first = first.next
			}
			first.next = e.next
		}
		return slot
	}
}

func (c *planCache) len() int {
	n := 0
	for i := range c.parts {
		c.parts[i].mu.RLock()
		n += len(c.parts[i].clock)
		c.parts[i].mu.RUnlock()
	}
	return n
}
