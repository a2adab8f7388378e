package sim

import (
	"testing/synctest"
	"time"
)

// choice is something that can happen next.
type choice struct {
	kind    choiceKind
	weight  int
	request *request
	session *session
	branch  *branch
	life    *life
	client  *client
}

type choiceKind uint8

const (
	chooseDeliver choiceKind = iota // a request to its server, or on with one that waited
	chooseAnswer                    // an answer to its caller
	chooseAbandon                   // its caller's time is over
	chooseDrop                      // it never arrives
	chooseExpire                    // its wait at the server ends
	chooseEnd                       // the server ends a session
	chooseLetGo                     // the engine lets go of a branch whose session is gone
	chooseWrite                     // the log's writer takes what waits
	chooseSync
	chooseRemove // what is to be forgotten
	chooseClient
	chooseTime
)

// step lets one thing happen. False: there is nothing left that could.
func (w *world) step() bool {
	w.steps++
	if !w.calm && w.rng.IntN(1000) < w.luck.faults && w.strike() {
		w.sweep()
		return true
	}
	total := w.list()
	if total == 0 {
		return w.passToNext()
	}
	n := w.rng.IntN(total)
	for i := range w.choices {
		if n -= w.choices[i].weight; n < 0 {
			w.do(w.choices[i])
			break
		}
	}
	w.sweep()
	return true
}

func (w *world) choose(c choice) int {
	w.choices = append(w.choices, c)
	return c.weight
}

// list all that can happen next, in an order that the seed alone decides.
func (w *world) list() (total int) {
	clear(w.choices)
	w.choices = w.choices[:0]
	for _, r := range w.requests {
		total += w.listRequest(r)
	}
	for _, s := range w.servers {
		for _, sess := range s.sessions {
			if weight := w.ending(sess); weight > 0 {
				total += w.choose(choice{kind: chooseEnd, weight: weight, session: sess})
			}
		}
		for _, b := range s.branches {
			if b.gap && !b.hidden {
				total += w.choose(choice{kind: chooseLetGo, weight: 5, branch: b})
			}
		}
	}
	for _, p := range w.proxies {
		if l := p.life; l != nil && !l.frozen {
			total += w.listLog(l)
		}
	}
	for _, c := range w.clients {
		if !c.started && len(w.running()) > 0 {
			total += w.choose(choice{kind: chooseClient, weight: 6, client: c})
			break
		}
	}
	if total > 0 {
		if l, _ := w.nextTimer(); l != nil && !w.calm { // in a calm world answers come before anything else
			total += w.choose(choice{kind: chooseTime, weight: w.luck.hurry})
		}
	}
	return total
}

func (w *world) listRequest(r *request) (total int) {
	if r.verb == verbSync || r.verb == verbGate {
		if r.life.frozen {
			return 0
		}
		return w.choose(choice{kind: chooseAnswer, weight: 8, request: r})
	}
	if r.verb == verbAppend {
		if r.state == sent && r.ctx.Err() != nil && !r.life.frozen {
			total += w.choose(choice{kind: chooseAbandon, weight: 10, request: r})
		}
		return total
	}
	cut := r.life.p.cut[r.to]
	if r.state == answered {
		if !r.life.frozen && (r.result.lost || cut == notCut) {
			total += w.choose(choice{kind: chooseAnswer, weight: 10, request: r})
		}
	} else if r.state == waiting {
		if r.to.mayGoOn(r) {
			total += w.choose(choice{kind: chooseDeliver, weight: 10, request: r})
		} else if w.now-r.born > r.patience() || w.calm {
			total += w.choose(choice{kind: chooseExpire, weight: 10, request: r})
		} else if w.now-r.born > time.Second {
			total += w.choose(choice{kind: chooseExpire, weight: 1, request: r})
		}
	} else if !r.stuck && (cut != silent || r.orphan && w.calm) && !(r.orphan && w.now-r.born > tooOld) {
		total += w.choose(choice{kind: chooseDeliver, weight: 10, request: r})
	}
	if r.orphan && r.state == sent {
		weight := 1
		if w.calm || w.now-r.born > tooOld {
			weight = 20
		}
		total += w.choose(choice{kind: chooseDrop, weight: weight, request: r})
	}
	if !r.orphan && r.ctx.Err() != nil && !r.life.frozen {
		total += w.choose(choice{kind: chooseAbandon, weight: 10, request: r})
	}
	return total
}

// ending is how soon the server ends a session.
func (w *world) ending(sess *session) int {
	switch cut := sess.life.p.cut[sess.s]; {
	case sess.killed:
		return 8
	case sess.s.busy(sess): // a disconnect is not seen meanwhile
		return 0
	case sess.closed.Load() && cut == silent && !sess.life.dead:
		return 0 // half-open
	case sess.closed.Load() && cut == silent:
		if w.calm { // wait_timeout
			return 5
		}
		return 0
	case sess.closed.Load():
		return 5
	}
	return 0
}

// busy says whether a request of a session waits at the server.
func (s *server) busy(sess *session) bool {
	for _, r := range s.w.requests {
		if r.sess == sess && r.state == waiting {
			return true
		}
	}
	return false
}

func (w *world) listLog(l *life) (total int) {
	switch {
	case l.file != nil:
		if l.granted != "" {
			return 0
		}
		for _, r := range w.requests {
			if r.life == l && r.verb == verbAppend && r.state == sent {
				return w.choose(choice{kind: chooseWrite, weight: 8, life: l, request: r})
			}
		}
		return 0
	case len(l.log.writing) > 0:
		total += w.choose(choice{kind: chooseSync, weight: 8, life: l})
	default:
		for _, r := range w.requests {
			if r.life == l && r.verb == verbAppend && r.state == sent {
				total += w.choose(choice{kind: chooseWrite, weight: 8, life: l})
				break
			}
		}
	}
	if len(l.log.forget) > 0 && !l.log.failed {
		total += w.choose(choice{kind: chooseRemove, weight: 1, life: l})
	}
	return total
}

func (w *world) do(c choice) {
	switch c.kind {
	case chooseDeliver:
		w.deliver(c.request)
	case chooseAnswer:
		w.finish(c.request, c.request.result)
	case chooseAbandon:
		w.tell(c.request.life.name, "gives up waiting for %s", c.request)
		w.abandon(c.request)
	case chooseDrop:
		c.request.state = over
	case chooseExpire:
		if c.request.verb == verbFree || c.request.verb == verbEndOwner {
			w.saw(faultGateTimeout, phaseIdle)
		} else {
			w.saw(faultLockTimeout, w.phaseOf(w.byGTRID[c.request.gtrid]))
		}
		w.expired(c.request)
		w.respond(c.request)
	case chooseEnd:
		why := "its client is gone"
		if c.session.killed {
			why = "killed"
		}
		c.session.ended(why)
	case chooseLetGo:
		w.tell(c.branch.s.name, "lets go of %s", short(c.branch.x.GTRID))
		c.branch.gap = false
	case chooseWrite:
		if c.life.file != nil {
			c.life.grant(c.request)
		} else {
			c.life.write()
		}
	case chooseSync:
		c.life.sync()
	case chooseRemove:
		c.life.remove()
	case chooseClient:
		c.client.start(pick(w, w.running()).life)
	case chooseTime:
		w.pass(pick(w, w.luck.waits))
	}
}

// deliver a request to its server.
func (w *world) deliver(r *request) {
	w.now += time.Duration(w.rng.IntN(1000)) * time.Microsecond
	ph := w.phaseOf(w.byGTRID[r.gtrid])
	switch {
	case r.state == waiting:
	case !r.to.up || r.life.p.cut[r.to] == refused:
		if r.sess != nil { // its connection is gone, whatever became of the session
			r.sess.closed.Store(true)
			w.finish(r, result{lost: true, unsent: w.rng.IntN(2) == 0})
			return
		}
		w.finish(r, result{lost: true, unsent: true})
		return
	case w.chance(w.luck.lost):
		w.saw(faultLostRequest, ph)
		w.lose(r)
		return
	}
	if r.orphan && r.state == sent {
		w.saw(faultLateRequest, ph)
	}
	if r.life.frozen {
		w.saw(faultLateFromFrozen, ph)
	}
	if !r.to.execute(r) {
		return
	}
	w.respond(r)
}

// lose breaks the connection that a request or its answer is on.
func (w *world) lose(r *request) {
	if r.sess != nil {
		r.sess.closed.Store(true)
	}
	w.finish(r, result{lost: true})
}

// respond sends the answer on its way.
func (w *world) respond(r *request) {
	switch {
	case r.orphan:
		r.state = over
	case w.chance(w.luck.unanswered):
		w.saw(faultLostAnswer, w.phaseOf(w.byGTRID[r.gtrid]))
		w.lose(r)
	case r.life.p.cut[r.to] == refused:
		w.lose(r)
	case r.life.frozen || r.life.p.cut[r.to] != notCut || w.rng.IntN(100) < w.luck.slow:
		r.state = answered
	default:
		w.finish(r, r.result)
	}
}

// later is for what makes the code under test go on: it must not run while the scheduler does.
func (w *world) later(do func()) { w.delayed = append(w.delayed, do) }

// wake lets the code under test do all that it can.
func (w *world) wake() {
	for _, r := range w.answers {
		close(r.done)
	}
	for _, do := range w.delayed {
		do()
	}
	clear(w.answers)
	clear(w.delayed)
	w.answers, w.delayed = w.answers[:0], w.delayed[:0]
	synctest.Wait()
}

// settle wakes the code under test, and takes in what it wants next.
func (w *world) settle() {
	w.wake()
	w.absorb()
	if w.files != nil {
		for _, p := range w.proxies {
			if p.life != nil {
				w.absorbFile(p.life)
			}
		}
	}
	w.hear()
	w.hearTasks()
}
