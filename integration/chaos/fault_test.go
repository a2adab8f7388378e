package chaos

import (
	"fmt"
	"maps"
	"time"
)

// kind of a fault.
type kind string

const (
	killProxy      kind = "kill proxy"
	stepProxy      kind = "proxy dies at a step"
	freezeProxy    kind = "freeze proxy"
	fullLog        kind = "full disk under the log"
	loseProxy      kind = "lose proxy and log" // 3pc with another proxy only
	killShard      kind = "kill shard"
	killUnseen     kind = "kill shard behind a half-open link" // its proxy does not hear of it
	freezeShard    kind = "freeze shard"
	cutLink        kind = "cut link"
	refuseLink     kind = "refuse connections"
	halfOpen       kind = "half-open link"
	breakInSession kind = "break a connection in mid-answer"
)

// spec is one fault as the schedule has it.
type spec struct {
	kind         kind
	proxy, shard int
	hold         time.Duration // from its begin to its end

	aim     bool   // of kills and freezes: wait for a moment at which something is prepared there
	again   int    // of killProxy: kills during the recovery after the first one
	step    string // of stepProxy, STEP:K:ROUND
	silent  int    // of halfOpen: 0 requests, 1 answers, 2 both
	deliver bool   // of halfOpen: what was held back arrives late
	on      string // of breakInSession: what is said when it breaks
	answer  int    // of breakInSession: bytes of the answer that pass; -1: not even the request
}

func (s spec) String() string {
	text := string(s.kind)
	switch s.kind {
	case killShard, freezeShard:
		text += fmt.Sprintf(" s%d", s.shard+1)
	case killUnseen, cutLink, refuseLink, halfOpen, breakInSession:
		text += fmt.Sprintf(" p%d-s%d", s.proxy+1, s.shard+1)
	default:
		text += fmt.Sprintf(" p%d", s.proxy+1)
	}
	if s.aim {
		text += ", aimed"
	}
	switch s.kind {
	case killProxy:
		text += fmt.Sprintf(" and %d times in recovery", s.again)
	case stepProxy:
		text += " " + s.step
	case halfOpen:
		text += fmt.Sprintf(" %s, late: %v", []string{"requests", "answers", "both ways"}[s.silent], s.deliver)
	case breakInSession:
		text += fmt.Sprintf(" %q after %d bytes", s.on, s.answer)
	}
	return fmt.Sprintf("%s for %v", text, s.hold)
}

// target is what a fault takes hold of: two at a time need different ones.
func (s spec) target() string {
	switch s.kind {
	case killShard, freezeShard:
		return fmt.Sprintf("s%d", s.shard)
	case killUnseen: // two at a time: not with anything else of its shard
		return fmt.Sprintf("s%d", s.shard)
	case cutLink, refuseLink, halfOpen, breakInSession:
		return fmt.Sprintf("p%d-s%d", s.proxy, s.shard)
	}
	return fmt.Sprintf("p%d", s.proxy)
}

// fault is a spec at work.
type fault struct {
	spec
	w     *world
	began time.Time
	met   bool // it struck: a step was reached, a connection broke
	left  left // in doubt by it, at its end
	after left // those of them that were found right after its begin, also when others have settled them since
}

// begin strikes.
func (f *fault) begin() {
	if f.aim {
		f.takeAim()
	}
	f.began, f.met = time.Now(), true
	p, link := f.w.Proxies()[f.proxy], f.w.links[f.proxy][f.shard]
	switch f.kind {
	case killProxy, loseProxy:
		p.Kill()
		f.after = f.dead()
		if f.kind == loseProxy {
			p.DeleteLog()
		}
	case stepProxy:
		p.Kill()
		err := p.TryStart("LOCKSTEP_FAILPOINT=" + f.step)
		if err != nil && p.Running() {
			f.w.t.Errorf("start a proxy that is to die: %v", err)
		}
		select {
		case <-p.Ended():
		case <-time.After(5 * time.Second):
			f.met = false
		}
		p.Kill()
		f.after = f.dead()
	case freezeProxy:
		p.Freeze()
	case fullLog:
		f.met = f.fillLog(p)
	case killShard:
		f.w.closeRoot(f.shard)
		f.w.KillShard(f.shard)
	case killUnseen:
		f.silent = 2
		f.silence(link)
		f.w.closeRoot(f.shard)
		f.w.KillShard(f.shard)
		f.w.RestartShard(f.shard)
		f.w.openRoot(f.shard)
	case freezeShard:
		f.w.freezeShard(f.shard)
	case cutLink:
		link.Cut()
	case refuseLink:
		link.Refuse()
	case halfOpen:
		f.silence(link)
	case breakInSession:
		f.breakOne(link)
	}
}

// takeAim waits a while until the fault's target has a prepared branch.
func (f *fault) takeAim() {
	shards, coordinators := f.w.all(), []string{f.id()}
	if f.kind == killShard || f.kind == freezeShard {
		shards, coordinators = []int{f.shard}, f.w.ids()
	}
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
		if len(f.w.leftNow(shards, coordinators...)) > 0 {
			return
		}
	}
}

// dead are the transactions of a proxy that has just been killed. What it had sent is still being done.
func (f *fault) dead() left {
	time.Sleep(5 * time.Millisecond)
	return f.w.leftNow(f.w.all(), f.id())
}

func (f *fault) id() string { return f.w.Proxies()[f.proxy].ID }

// ids of all coordinators.
func (w *world) ids() []string {
	var list []string
	for _, p := range w.Proxies() {
		list = append(list, p.ID)
	}
	return list
}

// end takes the fault back, and answers the moment from which its transactions can be settled.
func (f *fault) end() time.Time {
	p, link := f.w.Proxies()[f.proxy], f.w.links[f.proxy][f.shard]
	ids := f.w.ids()
	healed := time.Now()
	switch f.kind {
	case killProxy, stepProxy, loseProxy:
		f.left = f.w.leftNow(f.w.all(), f.id())
		for range f.again {
			p.Start()
			time.Sleep(f.hold / 4)
			p.Kill()
		}
		healed = time.Now()
		p.Start()
	case fullLog:
		p.Kill()
		f.after = f.dead()
		f.left = maps.Clone(f.after)
		healed = time.Now()
		p.Start()
	case freezeProxy:
		f.left = f.w.leftNow(f.w.all(), f.id())
		healed = time.Now()
		p.Thaw()
	case killShard:
		f.w.RestartShard(f.shard)
		f.w.openRoot(f.shard)
		healed = time.Now()
		f.left = f.w.leftNow([]int{f.shard}, ids...)
	case freezeShard:
		f.w.thawShard(f.shard)
		healed = time.Now()
		f.left = f.w.stillLeft([]int{f.shard}, ids...)
	case killUnseen, cutLink, refuseLink, halfOpen, breakInSession:
		f.left = f.w.stillLeft([]int{f.shard}, f.id())
		healed = time.Now()
		link.Disarm()
		link.Heal(f.deliver)
	}
	return healed
}
