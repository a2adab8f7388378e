package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// task is something that a person asks of a proxy. Its answer is heard by the scheduler.
type task struct {
	name    string
	life    *life
	over    bool // heard, or never to be
	done    bool
	about   string // what it is about
	token   string
	verdict coordinator.Verdict
	gtrid   string
	err     error
	listed  []coordinator.InDoubtTransaction
	last    bool // at the end of the history
}

func (w *world) task(l *life, what string, do func(ctx context.Context, t *task)) *task {
	t := &task{name: fmt.Sprint(what, " ", len(w.tasks)+1), life: l}
	w.tasks = append(w.tasks, t)
	w.tell(t.name, "asks %s", l.name)
	w.later(func() {
		go func() {
			do(as(l.ctx, t.name), t)
			t.done = true
		}()
	})
	return t
}

// operate gives a verdict, without force, on a transaction that is not over.
func (w *world) operate() bool {
	running := w.running()
	var open []*transaction
	for _, t := range w.txs {
		if ph := w.phaseOf(t); ph != phaseOver && ph != phaseWorking {
			open = append(open, t)
		}
	}
	if len(running) == 0 || len(open) == 0 {
		return false
	}
	l, t, v := pick(w, running).life, pick(w, open), txlog.Verdict(1+w.rng.IntN(2))
	if w.victim != nil {
		t = w.victim
	}
	if w.busyWith(l, t.gtrid) {
		return false
	}
	w.saw(faultOperator, w.phaseOf(t))
	task := w.task(l, "operator", func(ctx context.Context, task *task) {
		_, task.err = l.coord.Settle(ctx, t.gtrid, v, false)
		var refused *coordinator.RefusedError
		if errors.As(task.err, &refused) {
			l.note("refuses to " + v.String() + " " + short(t.gtrid))
		}
	})
	task.about = t.gtrid
	w.tell(task.name, "wants %s to %s", short(t.gtrid), v)
	return true
}

// lookUp asks any proxy for the outcome of a token.
func (w *world) lookUp() bool {
	running := w.running()
	if len(running) == 0 {
		return false
	}
	var with []*client
	for _, c := range w.clients {
		if c.token != "" {
			with = append(with, c)
		}
	}
	if len(with) == 0 {
		return false
	}
	c := pick(w, with)
	if w.victim != nil && w.victim.token != "" {
		c = w.victim.client
	}
	w.saw(faultLookUp, w.phaseOf(c.t))
	w.askToken(pick(w, running).life, c)
	return true
}

func (w *world) askToken(l *life, c *client) *task {
	t := w.task(l, "look-up", func(ctx context.Context, t *task) {
		t.verdict, t.gtrid, t.err = l.coord.TokenOutcome(ctx, c.token)
	})
	t.token = c.token
	w.tell(t.name, "of %s", c.token)
	return t
}

// listInDoubt is what an operator looks at.
func (w *world) listInDoubt() bool {
	running := w.running()
	if len(running) == 0 {
		return false
	}
	p := pick(w, running)
	w.sawAll(faultListInDoubt, p)
	w.askInDoubt(p.life)
	return true
}

func (w *world) askInDoubt(l *life) *task {
	return w.task(l, "list", func(ctx context.Context, t *task) { t.listed, t.err = l.coord.InDoubt(ctx) })
}

// recover asks a proxy for a pass over all shards, dry or not.
func (w *world) recover() bool {
	running := w.running()
	if len(running) == 0 {
		return false
	}
	l, dry := pick(w, running).life, w.rng.IntN(2) == 0
	if w.busyWith(l, "recovery") {
		return false
	}
	w.sawAll(faultRecover, l.p)
	w.task(l, "recovery", func(ctx context.Context, t *task) { _, t.err = l.coord.Recover(ctx, dry) }).about = "recovery"
	return true
}

// takeGate holds all of a proxy's phase 2 back for a moment, as a snapshot of all shards does.
func (w *world) takeGate() bool {
	running := w.running()
	if len(running) == 0 {
		return false
	}
	l := pick(w, running).life
	if w.busyWith(l, gateItself) {
		return false
	}
	w.sawAll(faultSnapshot, l.p)
	w.task(l, "snapshot", func(ctx context.Context, t *task) {
		release, err := l.coord.Gate().Exclusive(ctx)
		if t.err = err; err != nil {
			return
		}
		l.call(ctx, &request{verb: verbGate})
		release()
	}).about = gateItself
	return true
}

const gateItself = "gate"

// busyWith says whether a person waits for an answer about the same thing already. Where two wait for the
// same lock, chance says who gets it, and not the seed.
func (w *world) busyWith(l *life, about string) bool {
	return slices.ContainsFunc(w.tasks, func(t *task) bool { return t.life == l && !t.over && t.about == about })
}

// checkGate: who holds the gate sees no transaction of that proxy half committed, but for those that were
// left to the resolver.
func (w *world) checkGate(l *life) {
	for _, t := range w.txs {
		if t.life != l || t.over || t.client.ended || t.mode == onePhase {
			continue
		}
		done, open := 0, 0
		for _, b := range t.branches {
			switch b.status {
			case committed:
				done++
			case prepared:
				open++
			}
		}
		if done > 0 && open > 0 && !slices.Contains(w.resolved, t) {
			w.violation("the gate of %s is held while %s is committed in %d of %d branches", l.name, t.name(), done, done+open)
		}
	}
}

// hearTasks takes the answers to people's questions.
func (w *world) hearTasks() {
	for _, t := range w.tasks {
		if !t.done || t.over {
			continue
		}
		t.over = true
		if t.token == "" {
			continue
		}
		w.tell(t.name, "of %s: %s %s", t.token, t.verdict, short(t.gtrid))
		w.answered(t)
	}
}

// answered takes the answer to a look-up. It is about every transaction with the token, those
// that come later included.
func (w *world) answered(q *task) {
	w.seen.lookedUp[q.verdict]++
	switch q.verdict {
	case coordinator.RolledBack:
		for _, c := range w.clients {
			switch {
			case c.token != q.token:
			case c.t == nil:
				c.spent = true
			default:
				w.promise(c.t, txlog.Rollback, "a look-up of its token answered ABORTED")
			}
		}
	case coordinator.Committed:
		t := w.byGTRID[q.gtrid]
		if t == nil || t.token != q.token {
			w.violation("the look-up of %s is answered COMMITTED, and names %q", q.token, q.gtrid)
			return
		}
		w.promise(t, txlog.Commit, "a look-up of its token answered COMMITTED")
	}
}
