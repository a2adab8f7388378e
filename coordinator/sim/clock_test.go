package sim

import (
	"slices"
	"time"
)

// processClock is the time that one life of a process sees: the world's, put wrong.
type processClock life

type timer struct {
	due time.Duration // of the world's time
	ch  chan time.Time
}

func (c *processClock) Now() time.Time { return epochStart.Add(c.w.now + c.p.skew) }

func (c *processClock) After(d time.Duration) <-chan time.Time {
	t := &timer{due: c.w.now + max(d, 0), ch: make(chan time.Time, 1)}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.dead { // it will not wait for anything
		t.ch <- time.Time{}
		return t.ch
	}
	c.timers = append(c.timers, t)
	return t.ch
}

// stop lets everything in a dead process go on to its end.
func (l *life) stop() {
	for _, t := range l.timers {
		l.w.later(func() { t.ch <- time.Time{} })
	}
	l.timers = nil
}

// nextTimer of all lives that can take it.
func (w *world) nextTimer() (l *life, due time.Duration) {
	for _, p := range w.proxies {
		if p.life == nil || p.life.frozen {
			continue
		}
		for _, t := range p.life.timers {
			if l == nil || t.due < due {
				l, due = p.life, t.due
			}
		}
	}
	return l, due
}

// ring lets all timers of a life that are due then go off together: nothing tells them apart.
func (l *life) ring(due time.Duration) {
	w := l.w
	w.now = max(w.now, due)
	now := (*processClock)(l).Now()
	l.timers = slices.DeleteFunc(l.timers, func(t *timer) bool {
		if t.due == due {
			w.later(func() { t.ch <- now })
		}
		return t.due == due
	})
}

// pass lets time go by, with the timers in it; whatever is on its way takes longer.
func (w *world) pass(d time.Duration) {
	end := w.now + d
	for {
		l, due := w.nextTimer()
		if l == nil || due > end {
			break
		}
		l.ring(due)
		w.wake()
		w.absorb()
	}
	w.now = max(w.now, end)
	w.files.sleep(d)
}

// passToNext lets time go by until something goes off.
func (w *world) passToNext() bool {
	l, due := w.nextTimer()
	if l == nil {
		return false
	}
	w.files.sleep(max(due-w.now, 0))
	l.ring(due)
	return true
}
