package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// driver carries out the effects of one transaction's machine. All but
// the participants' verbs runs on the goroutine of Commit.
type driver struct {
	t       *Transaction
	c       *Coordinator
	ps      []Participant
	shards  []string // their names
	options CommitOptions
	m       *machine
	mark    Marker // what the participants write with their votes, if marked
	marked  bool
	began   time.Time
	waiter  expecter // that waits for this decision; nil: none
	early   error    // found before anything was prepared
	left    []int    // participants left to the resolver

	ctx      context.Context // the caller's
	phases   []*phase        // all
	release  func()          // of the gate
	calls    []call          // by participant
	sent     []*sent         // verbs whose replies the loop of run receives itself
	answers  chan answer
	finished chan struct{} // nobody reads answers any more
}

// phase is a time limit shared by verbs that began together.
type phase struct {
	ctx context.Context
	end func()
}

// call is a participant's newest verb.
type call struct {
	number int // counts the verbs
	open   bool
	verb   effectKind
	phase  *phase
	tries  int
}

// answer comes from another goroutine: a verb's reply, or that a phase and its grace are over.
type answer struct {
	i, number int
	gaveUp    bool
	reply     Reply
	over      *phase
}

func newDriver(t *Transaction, ps []Participant, o CommitOptions) *driver {
	d := &driver{
		t: t, c: t.c, ps: ps, options: o, m: o.machine(len(ps)), release: func() {},
		calls: make([]call, len(ps)), answers: make(chan answer, len(ps)), finished: make(chan struct{}),
	}
	for _, p := range ps {
		d.shards = append(d.shards, p.Shard())
	}
	return d
}

func (d *driver) run(ctx context.Context) {
	defer func() {
		d.unexpect()
		close(d.finished)
		for _, p := range d.phases {
			p.end()
		}
	}()
	if len(d.ps) == 0 {
		d.early, d.m.outcome = fmt.Errorf("commit %s: no shard takes part", d.t.gtrid), RolledBack
		return
	}
	d.ctx, d.began = ctx, d.c.o.Clock.Now()
	d.marked = d.options.marked()
	d.mark = Marker{GTRID: d.t.gtrid, State: d.options.marker(), Participants: d.shards, Coordinator: d.c.o.ID, Token: d.options.Token}
	start := event{kind: evStart}
	if d.early = d.t.precheck(d.ps, d.options); d.early != nil {
		start = event{kind: evAbandoned, err: d.early}
	} else {
		d.c.hook(StepBeforePrepare, 0)
	}
	d.advance(start)
	for d.m.outcome == 0 {
		for _, e := range d.take(d.next()) {
			d.advance(e)
		}
	}
}

// outcome of a machine that has finished.
func (d *driver) outcome() Outcome {
	out := Outcome{Verdict: d.m.outcome, Err: orElse(d.early, d.m.why())}
	slices.Sort(d.left)
	for _, i := range d.left {
		out.Pending = append(out.Pending, d.shards[i])
	}
	return out
}

// advance feeds the machine and carries out what it says, until only answers can bring it on.
func (d *driver) advance(e event) {
	for queue := []event{e}; len(queue) > 0; queue = queue[1:] {
		before := d.m.state
		effects, err := d.m.step(queue[0])
		if err != nil {
			panic(err) // Commit holds the transaction
		}
		d.observe(before, queue[0])
		var votes, second *phase
		for _, ef := range effects {
			switch ef.kind {
			case doPrepare: // all of them at once
				if votes == nil {
					votes = d.vote()
				}
				d.call(ef, votes, 0)
			case doAdmit:
				queue = append(queue, d.admit())
			case doInquire:
				queue = append(queue, d.inquire())
			case doCommit, doRollback:
				if second == nil {
					second = d.newPhase(context.WithoutCancel(d.ctx), d.c.o.CommitTimeout)
				}
				d.call(ef, second, 0)
			case doRetry:
				d.retry(ef.i)
			case doAppend:
				queue = append(queue, d.append(d.ctx))
			case doLeave:
				d.left = append(d.left, ef.i)
			case doForget:
				d.c.hook(StepAllCommitted, 0)
				d.c.o.Log.Forget(d.t.gtrid)
			case doFinish:
			}
		}
	}
}

// observe raises the steps, and enters the gate before the first commit leaves.
func (d *driver) observe(before state, e event) {
	switch {
	case e.kind == evVoted && e.reply.Result == Done && before == statePreparing:
		prepared := d.m.count(branchPrepared)
		if d.m.state == stateCommitting {
			prepared = len(d.ps)
		}
		d.c.hook(StepPrepared, prepared)
		if prepared == len(d.ps) {
			d.c.hook(StepAllPrepared, 0)
		}
	case e.kind == evDurable:
		d.c.hook(StepDecisionDurable, 0)
	case e.kind == evAnswered && e.reply.Result == Done && before == stateCommitting:
		d.c.hook(StepCommitted, d.m.count(branchEnded))
	}
	if before == statePreparing && d.m.state == stateAborting {
		d.unexpect()
	}
	if before != stateCommitting && d.m.state == stateCommitting {
		d.release = d.c.gate.Shared()
	}
}

// vote starts the time for the votes. In three-phase mode a vote that was asked for is
// waited for: it may decide, whatever the caller wants by then.
func (d *driver) vote() *phase {
	ctx := d.ctx
	if d.m.three {
		ctx = context.WithoutCancel(ctx)
	} else {
		d.expect()
	}
	return d.newPhase(ctx, d.c.o.PrepareTimeout)
}

// newPhase starts a time limit. When it is over, the verbs have a little grace to
// return by themselves; then their replies are taken to be Unknown.
func (d *driver) newPhase(ctx context.Context, limit time.Duration) *phase {
	p := &phase{}
	var cancel context.CancelFunc
	p.ctx, cancel = within(ctx, d.c.o.Clock, limit)
	stop := context.AfterFunc(p.ctx, func() {
		select {
		case <-d.c.o.Clock.After(grace):
			d.post(answer{over: p})
		case <-d.finished:
		}
	})
	p.end = func() { stop(); cancel() }
	d.phases = append(d.phases, p)
	return p
}

func (d *driver) post(a answer) {
	select {
	case d.answers <- a:
	case <-d.finished:
	}
}

// call starts a verb, on a goroutine of its own where it cannot be pipelined.
func (d *driver) call(ef effect, p *phase, after time.Duration) {
	c := &d.calls[ef.i]
	c.number++
	c.open, c.verb, c.phase = true, ef.kind, p
	number := c.number
	if after == 0 && d.send(ef, p, number) {
		return
	}
	go func() {
		if after > 0 {
			select {
			case <-d.c.o.Clock.After(after):
			case <-p.ctx.Done():
				d.post(answer{i: ef.i, number: number, gaveUp: true})
				return
			}
		}
		d.post(answer{i: ef.i, number: number, reply: d.perform(p.ctx, ef)})
	}()
}

// retry repeats a verb, ever later.
func (d *driver) retry(i int) {
	c := &d.calls[i]
	pause := min(firstBackOff<<min(c.tries, 10), longestBackOff)
	c.tries++
	d.call(effect{c.verb, i}, c.phase, pause)
}

// perform runs one verb.
func (d *driver) perform(ctx context.Context, ef effect) (r Reply) {
	defer func() {
		if v := recover(); v != nil {
			r = d.panicked(ef, v)
		}
	}()
	switch p := d.ps[ef.i]; ef.kind {
	case doPrepare:
		if d.marked {
			r = p.(Voter).Vote(ctx, d.mark) // as precheck has seen
		} else {
			r = p.Prepare(ctx)
		}
	case doCommit:
		r = p.Commit(ctx)
	case doRollback:
		r = p.Rollback(ctx)
	}
	return d.checked(ef, r)
}

// checked makes an invalid reply an unknown one.
func (d *driver) checked(ef effect, r Reply) Reply {
	if r.Result < Done || r.Result > Unknown {
		return Reply{Unknown, fmt.Errorf("%s at shard %s: invalid reply %d: %w", effectNames[ef.kind], d.shards[ef.i], r.Result, orElse(r.Err, errors.New("no cause given")))}
	}
	return r
}

// take turns an answer into events; one that comes too late into none.
func (d *driver) take(a answer) (out []event) {
	if a.over == nil {
		if c := &d.calls[a.i]; c.open && c.number == a.number {
			return []event{d.close(a.i, a.reply, a.gaveUp)}
		}
		return nil
	}
	for i := range d.calls {
		if c := &d.calls[i]; c.open && c.phase == a.over {
			err := fmt.Errorf("%s at shard %s: no answer in time", effectNames[c.verb], d.shards[i])
			out = append(out, d.close(i, Reply{Unknown, err}, false))
		}
	}
	return out
}

func (d *driver) close(i int, r Reply, gaveUp bool) event {
	c := &d.calls[i]
	c.open = false
	switch {
	case c.verb == doPrepare:
		return event{kind: evVoted, i: i, reply: r}
	case gaveUp:
		return event{kind: evGaveUp, i: i}
	}
	if r.Result == Refused || r.Result == Unknown {
		d.c.o.Logger.Debug("verb without acknowledgement", "gtrid", d.t.gtrid, "shard", d.shards[i], "verb", effectNames[c.verb], "reply", r.Result.String(), "err", r.Err)
	}
	return event{kind: evAnswered, i: i, reply: r}
}
