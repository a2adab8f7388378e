package sim

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// run one history in a bubble of its own.
func run(t *testing.T, seed uint64, traced, realLog bool) *world {
	var w *world
	synctest.Test(t, func(*testing.T) {
		w = newWorld(seed, traced)
		if realLog {
			w.files = newFiles(w)
		}
		w.live()
		w.shutDown()
	})
	return w
}

// live is the whole history.
func (w *world) live() {
	for _, p := range w.proxies {
		p.start()
	}
	w.settle()
	for w.steps < maxSteps && len(w.problems) == 0 {
		if w.clientsDone() && w.rng.IntN(8) == 0 || w.steps > 1500 {
			break
		}
		w.step()
		w.settle()
		w.spring()
	}
	if len(w.problems) == 0 {
		w.makeCalm()
		w.settle()
		end := w.now + 10*time.Minute
		for !w.clean() && w.now < end && w.steps < maxSteps && len(w.problems) == 0 {
			if !w.step() {
				break
			}
			w.settle()
		}
	}
	if len(w.problems) == 0 {
		w.lastQuestions()
		w.checkEnd()
	}
}

func (w *world) clientsDone() bool {
	return !slices.ContainsFunc(w.clients, func(c *client) bool { return !c.told })
}

// makeCalm ends all that is wrong: the network heals, servers are up, frozen proxies wake up or
// die, dead ones are started again, or are gone for good.
func (w *world) makeCalm() {
	w.tell("", "From here on nothing fails any more.")
	for _, p := range w.proxies {
		clear(p.cut)
		p.disk.full = false
		if p.life != nil && p.life.frozen {
			if w.rng.IntN(3) == 0 {
				p.crash()
			} else {
				p.wake()
			}
		}
	}
	w.calm = true
	for _, s := range w.servers {
		if !s.up {
			w.serverUp(s)
		}
	}
	up := len(w.running())
	for i, p := range w.proxies {
		switch {
		case p.life != nil && p.life.log.failed, p.life != nil && w.rng.IntN(8) == 0: // a failed log asks for it
			p.crash()
			up--
			fallthrough
		case p.life == nil:
			if up+len(w.proxies)-1-i > 0 && w.rng.IntN(6) == 0 {
				w.tell(p.name, "never comes back")
				p.gone = true
				for _, t := range w.txs {
					t.logLost = t.logLost || t.proxy == p
				}
				continue
			}
			p.start()
			up++
		}
	}
}

// clean says whether nothing is left to be done.
func (w *world) clean() bool {
	if !w.clientsDone() || len(w.requests) > 0 && slices.ContainsFunc(w.requests, func(r *request) bool { return r.orphan || r.sess != nil || r.verb == verbAppend }) {
		return false
	}
	if slices.ContainsFunc(w.tasks, func(t *task) bool { return !t.over }) {
		return false
	}
	for _, t := range w.txs {
		for _, b := range t.branches {
			if b.status <= prepared && !(b.status == prepared && w.mayStay(t) && t.proxy.knows(t)) {
				return false
			}
		}
	}
	for _, s := range w.servers {
		for _, sess := range s.sessions {
			if sess.closed.Load() || sess.killed {
				return false
			}
		}
	}
	for _, p := range w.proxies {
		if p.life != nil && len(p.finished()) > 0 {
			return false
		}
		if p.life != nil && !p.life.coord.Ready() && !w.anyMayStay() {
			return false
		}
	}
	return true
}

// mayStay says whether only a log that is lost could settle a transaction.
func (w *world) mayStay(t *transaction) bool {
	return t.logLost && t.mode == coordinator.ModeTwoPhase
}

// knows says whether a proxy has told its operator that it cannot settle a transaction of its own.
func (p *proxy) knows(t *transaction) bool { return p.life == nil || p.life.warned[t.gtrid] }

func (w *world) anyMayStay() bool { return slices.ContainsFunc(w.txs, w.mayStay) }

// finished are the decisions in a proxy's log of which nothing is left to be done.
func (p *proxy) finished() (out []string) {
	held := p.decisions()
	if len(held) == 0 {
		return nil
	}
	for _, t := range p.w.txs {
		if _, is := held[t.gtrid]; is && !slices.ContainsFunc(t.branches, func(b *branch) bool { return b.status <= prepared }) {
			out = append(out, t.gtrid)
		}
	}
	return out
}

// lastQuestions lets every proxy look up every token, and list what is in doubt.
func (w *world) lastQuestions() {
	for _, p := range w.running() {
		for _, c := range w.clients {
			if c.token != "" && c.t != nil {
				w.await(w.askToken(p.life, c))
			}
		}
		w.await(w.askInDoubt(p.life))
	}
}

// await a person's answer, when nothing fails.
func (w *world) await(t *task) {
	t.last = true
	w.settle()
	for n := 0; !t.over && n < 5000 && len(w.problems) == 0; n++ {
		if !w.step() {
			break
		}
		w.settle()
	}
	if !t.over && len(w.problems) == 0 {
		w.violation("%s gets no answer", t.name)
	}
}

// checkEnd is what must hold in the end.
func (w *world) checkEnd() {
	for _, c := range w.clients {
		if c.started && !c.told {
			w.violation("%s of %s never ends", c.t.name(), c.name)
		}
	}
	for _, t := range w.txs {
		w.checkWhole(t)
	}
	for _, s := range w.servers {
		for k, b := range s.locks {
			if b != nil && (b.tx == nil || !w.mayStay(b.tx)) {
				w.violation("row %d at %s is still locked by %q", k, s.name, b.x.GTRID)
			}
		}
		for _, m := range s.markers {
			if m.b != nil && !w.mayStay(m.b.tx) {
				w.violation("the marker of %s at %s is still not committed", short(m.GTRID), s.name)
			}
		}
	}
	for _, p := range w.proxies {
		if p.life != nil && p.life.log.expected.Load() != 0 {
			w.violation("%s has announced %d decisions to its log that never came", p.life.name, p.life.log.expected.Load())
		}
		if left := p.finished(); p.life != nil && len(left) > 0 {
			w.violation("the log of %s still holds %v, of which nothing is left to do", p.name, left)
		}
	}
	for _, b := range w.strangers {
		if b.status != prepared {
			w.violation("the stranger %q is %s", b.x.GTRID, b.status)
		}
	}
	w.checkAnswers()
}

// checkWhole looks at one transaction's branches and data.
func (w *world) checkWhole(t *transaction) {
	there, gone := 0, 0
	for _, b := range t.branches {
		if b.status <= prepared {
			if !w.mayStay(t) {
				w.violation("%s is still %s at %s", t.name(), b.status, b.s.name)
			}
			w.checkReported(t, b)
			continue
		}
		for _, k := range b.writes {
			if b.s.rows[k]&t.bit != 0 {
				there++
			} else {
				gone++
			}
		}
	}
	if there > 0 && gone > 0 {
		w.violation("%s is half there: its change is in %d rows, and not in %d", t.name(), there, gone)
	}
	if t.must == txlog.Commit && gone > 0 || t.must == txlog.Rollback && there > 0 {
		w.violation("%s: its change is in %d rows and not in %d, but: %s", t.name(), there, gone, t.why)
	}
}

// checkReported says whether an operator has been told of a branch that only he can settle.
func (w *world) checkReported(t *transaction, b *branch) {
	if b.status != prepared {
		return
	}
	for _, q := range w.tasks {
		if !q.last || q.token != "" {
			continue
		}
		if !slices.ContainsFunc(q.listed, func(x coordinator.InDoubtTransaction) bool { return x.GTRID == t.gtrid }) {
			w.violation("%s is prepared at %s, and %s does not list it", t.name(), b.s.name, q.life.name)
		}
		if q.life.p == t.proxy && !t.proxy.knows(t) {
			w.violation("%s is prepared at %s since its log was lost, and %s does not say so", t.name(), b.s.name, q.life.name)
		}
	}
}

// checkAnswers holds the look-ups at the end against the data.
func (w *world) checkAnswers() {
	for _, q := range w.tasks {
		if !q.last || q.token == "" {
			continue
		}
		left, done := false, false
		for _, t := range w.txs {
			if t.token == q.token {
				left = left || slices.ContainsFunc(t.branches, func(b *branch) bool { return b.status <= prepared })
				done = done || slices.ContainsFunc(t.branches, func(b *branch) bool { return b.status == committed })
			}
		}
		switch {
		case q.verdict == coordinator.InDoubt && !left:
			w.violation("all transactions with %s are over, and %s answers IN DOUBT for it: %v", q.token, q.life.name, q.err)
		case q.verdict == coordinator.RolledBack && done:
			w.violation("%s was committed with, and %s answers ABORTED for it", q.token, q.life.name)
		}
	}
}

// shutDown ends all processes, so that none of the code under test runs any more.
func (w *world) shutDown() {
	for _, p := range w.proxies {
		p.crash()
	}
	for _, c := range w.clients {
		if c.leave != nil {
			w.later(c.leave)
		}
	}
	for _, r := range w.requests {
		if r.state != over {
			w.finish(r, result{lost: true})
		}
	}
	w.wake()
	w.files.remove()
}

// placeStrangers prepares branches that nobody here made, or of which nothing is known any more.
func (w *world) placeStrangers() {
	for _, x := range []coordinator.XID{
		{FormatID: 1, GTRID: cluster + ".p1.e.1", BQUAL: "s1"},
		{FormatID: coordinator.FormatID, GTRID: "other.p1.e.1", BQUAL: "s1"},
		{FormatID: coordinator.FormatID, GTRID: "\x00\xff", BQUAL: "s1"},
		{FormatID: coordinator.FormatID, GTRID: cluster + ".p9.e.1", BQUAL: "s1"},
		{FormatID: coordinator.FormatID, GTRID: cluster + ".p1.lost.1", BQUAL: "s1"},
		{FormatID: coordinator.FormatID, GTRID: cluster + ".p1.lost.2", BQUAL: "elsewhere"},
		{FormatID: coordinator.FormatID, GTRID: cluster + "." + fmt.Sprint("p1.lost.", w.rng.IntN(3)) + ".x", BQUAL: "s1"},
	} {
		if w.rng.IntN(4) == 0 {
			s := w.servers[0]
			b := &branch{x: x, s: s, status: prepared, was: true}
			s.branches = append(s.branches, b)
			w.strangers = append(w.strangers, b)
		}
	}
}
