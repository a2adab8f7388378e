package chaos

import (
	"context"
	"sync"
	"time"
)

// nemesis strikes until the time is over.
type nemesis struct {
	w        *world
	l        *load
	g        *figures
	schedule *schedule
	broken   int // promises of the cluster that did not hold
}

func (n *nemesis) run(ctx context.Context, until time.Time) {
	for ctx.Err() == nil && time.Now().Before(until) && n.broken == 0 && !n.w.t.Failed() {
		s := n.schedule.next()
		time.Sleep(s.pause)
		n.strike(s)
	}
}

// strike begins its faults, holds them, ends them, and sees that all they left is settled.
func (n *nemesis) strike(s strike) {
	faults := make([]*fault, len(s.faults))
	for i, spec := range s.faults {
		if i > 0 {
			time.Sleep(s.apart)
		}
		faults[i] = &fault{spec: spec, w: n.w}
		n.l.rec.Note("begin: %s", spec)
		faults[i].begin()
	}
	if len(faults) == 1 && faults[0].kind == loseProxy {
		n.takenOver(faults[0])
	}
	if s.swap && len(faults) == 2 { // one may have been left out for want of a second proxy
		faults[0], faults[1] = faults[1], faults[0]
	}
	var healed time.Time
	for _, f := range faults {
		if rest := f.hold - time.Since(f.began); rest > 0 {
			time.Sleep(rest)
		}
		n.l.rec.Note("end: %s", f.spec)
		healed = f.end()
	}
	var following sync.WaitGroup
	var mu sync.Mutex
	for _, f := range faults {
		n.g.struck(f)
		n.l.rec.Note("%s: met %v, in doubt %d (after its begin %d)", f.spec, f.met, len(f.left), len(f.after))
		if len(f.left) == 0 {
			continue
		}
		following.Go(func() {
			err := n.w.settled(f.left)
			took := time.Since(healed)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				n.wrong("%s: %v", f.spec, err)
				return
			}
			n.g.settle = append(n.g.settle, took)
			n.l.rec.Note("%s: settled %v after everything was back", f.spec, took)
		})
	}
	following.Wait()
	if err := n.l.goesOn(settleLimit); err != nil {
		n.wrong("after %v: %v", s.faults, err)
	}
}

// takeoverLimit is how long after its loss a proxy's transactions may stay prepared where the others reach every
// shard: precommit_timeout, and what a busy machine needs.
const takeoverLimit = 5 * time.Second

// takenOver waits until the other proxies have settled what a lost one left, which has nothing else in its way.
func (n *nemesis) takenOver(f *fault) {
	if len(f.after) == 0 {
		return
	}
	err := n.w.settled(f.after)
	took := time.Since(f.began)
	if err != nil || took > takeoverLimit {
		n.wrong("%s: the others needed %v to settle what it left, want at most %v (error %v)", f.spec, took, takeoverLimit, err)
		return
	}
	n.g.takeover = append(n.g.takeover, took)
}

func (n *nemesis) wrong(format string, args ...any) {
	n.broken++
	n.l.rec.Note(format, args...)
	n.w.t.Errorf(format, args...)
}
