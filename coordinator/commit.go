package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"lockstep/txlog"
)

// CommitOptions of one transaction.
type CommitOptions struct {
	Mode  string // ModeTwoPhase or ModeThreePhase; empty is two-phase
	Token string // of the client, by which the outcome can be looked up; at most 64 bytes
}

// Modes of a commit.
const (
	ModeTwoPhase   = "2pc"
	ModeThreePhase = "3pc"
)

// machine for the way that these options ask for.
func (o CommitOptions) machine(participants int) *machine {
	if o.Mode == ModeThreePhase {
		return newThreePhase(participants)
	}
	return newMachine(participants)
}

// marked says whether the branches leave markers with their votes.
func (o CommitOptions) marked() bool { return o.Mode == ModeThreePhase || o.Token != "" }

func (o CommitOptions) marker() MarkerState {
	if o.Mode == ModeThreePhase {
		return MarkerVoted
	}
	return MarkerToken
}

// Commit runs two-phase or three-phase commit over the participants (two or more) and returns
// when the outcome is known and its verdict has been tried everywhere. It releases the
// transaction. ctx bounds nothing after the decision: a decided transaction is finished.
//
// Before the decision the end of ctx is a no, and everything is rolled back.
// A participant whose shard is in Outcome.Pending may be prepared still: its connection
// must be closed and not used again.
func (t *Transaction) Commit(ctx context.Context, ps []Participant, o CommitOptions) (out Outcome) {
	if !t.begin() {
		return Outcome{Verdict: InDoubt, Err: fmt.Errorf("commit %s: it was ended before", t.gtrid)}
	}
	t.carry(o.Token)
	d := newDriver(t, ps, o)
	defer d.end(&out)
	d.run(ctx)
	return d.outcome()
}

// precheck finds what makes a commit impossible before anything is prepared.
func (t *Transaction) precheck(ps []Participant, o CommitOptions) error {
	switch o.Mode {
	case "", ModeTwoPhase, ModeThreePhase:
	default:
		return fmt.Errorf("commit %s: there is no mode %q", t.gtrid, o.Mode)
	}
	if len(o.Token) > txlog.TokenLimit {
		return fmt.Errorf("commit %s: the client's token has %d bytes, at most %d are possible", t.gtrid, len(o.Token), txlog.TokenLimit)
	}
	if !t.c.recorded && o.Mode != ModeThreePhase {
		return fmt.Errorf("commit %s: the decision log does not know epoch %s", t.gtrid, t.c.o.Epoch)
	}
	seen := map[string]bool{}
	for _, p := range ps {
		name := p.Shard()
		switch {
		case name == "" || len(name) > xidPartLimit:
			return fmt.Errorf("commit %s: shard name %q must have 1 to %d bytes", t.gtrid, name, xidPartLimit)
		case seen[name]:
			return fmt.Errorf("commit %s: shard %s takes part twice", t.gtrid, name)
		case t.c.watchOf(name) == nil:
			return fmt.Errorf("commit %s: shard %s is not one that can be recovered", t.gtrid, name)
		}
		if _, ok := p.(Voter); !ok && o.marked() {
			return fmt.Errorf("commit %s: shard %s keeps no markers, which three-phase mode and tokens need", t.gtrid, name)
		}
		seen[name] = true
	}
	return nil
}

// admit passes the point after which a three-phase transaction cannot be forbidden.
func (d *driver) admit() event {
	if veto := d.t.decide(); veto != "" {
		return event{kind: evVetoed, err: errors.New(veto)}
	}
	if err := context.Cause(d.ctx); err != nil {
		return event{kind: evVetoed, err: err}
	}
	return event{kind: evAdmitted}
}

// inquire asks the shards about the silent. A fence proves nothing once rows may have been purged.
func (d *driver) inquire() event {
	d.c.counters.inquiries.Add(1)
	return d.c.inquireLive(context.WithoutCancel(d.ctx), d.t.gtrid, d.shards, d.began.Add(d.c.o.MarkerRetention/2))
}

// append asks the log, and says what its answer means for the transaction.
func (d *driver) append(ctx context.Context) (ev event) {
	if veto := d.t.decide(); veto != "" {
		return event{kind: evVetoed, err: errors.New(veto)}
	}
	defer func() {
		if p := recover(); p != nil {
			ev = event{kind: evUnsure, err: fmt.Errorf("log decision of %s: panic: %v", d.t.gtrid, p)}
		}
	}()
	err := d.appendExpected(ctx, txlog.Decision{
		GTRID: d.t.gtrid, Verdict: txlog.Commit, Mode: ModeTwoPhase, Participants: d.shards,
		Time: d.c.o.Clock.Now(), Token: d.options.Token,
	})
	switch {
	case err == nil:
		return event{kind: evDurable}
	case errors.Is(err, txlog.ErrUnknown): // before the rest: it wins where an error is both
		return event{kind: evUnsure, err: fmt.Errorf("log decision of %s: %w", d.t.gtrid, err)}
	case errors.Is(err, txlog.ErrNotDurable), errors.Is(err, txlog.ErrQueueFull):
		return event{kind: evNotDurable, err: fmt.Errorf("log decision of %s: %w", d.t.gtrid, err)}
	}
	return event{kind: evUnsure, err: fmt.Errorf("log decision of %s: %w", d.t.gtrid, err)}
}

// expect lets the log wait a little for this decision, so that one sync serves many.
func (d *driver) expect() {
	if d.waiter, _ = d.c.o.Log.(expecter); d.waiter != nil {
		d.waiter.Expect()
	}
}

// unexpect is for a decision that will not come.
func (d *driver) unexpect() {
	if d.waiter != nil {
		d.waiter.Unexpect()
		d.waiter = nil
	}
}

func (d *driver) appendExpected(ctx context.Context, r txlog.Decision) error {
	if d.waiter == nil {
		return d.c.o.Log.Append(ctx, r)
	}
	w := d.waiter
	d.waiter = nil
	return w.AppendExpected(ctx, r)
}

// end makes the transaction's state known before it stops being live.
func (d *driver) end(out *Outcome) {
	p := recover()
	if p != nil {
		*out = Outcome{Verdict: InDoubt, Err: fmt.Errorf("commit %s: broken off: %v", d.t.gtrid, p), Pending: d.shards}
	}
	d.release()
	d.c.conclude(d, *out)
	d.t.release()
	for _, shard := range out.Pending {
		d.c.handOver(shard)
	}
	if p != nil && panicOnAssertion {
		panic(p)
	}
}

// conclude counts the outcome, and tells the resolver what it needs to know.
func (c *Coordinator) conclude(d *driver, out Outcome) {
	attrs := []any{slog.String("gtrid", d.t.gtrid), slog.Any("shards", out.Pending)}
	c.counters.handedOver.Add(uint64(len(out.Pending)))
	switch out.Verdict {
	case Committed:
		c.counters.committed.Add(1)
		if len(out.Pending) > 0 {
			if !d.m.three { // there is no record of it to forget
				c.unfinished.add(d.t.gtrid, d.shards, c.tick())
			}
			c.o.Logger.Warn("transaction committed, branches left to recovery", attrs...)
		}
	case RolledBack:
		c.counters.rolledBack.Add(1)
		if len(out.Pending) > 0 {
			c.o.Logger.Warn("transaction rolled back, branches left to recovery", attrs...)
		}
	case InDoubt:
		c.counters.inDoubt.Add(1)
		if d.m.three { // no log has to be read for it
			c.o.Logger.Warn("transaction in doubt until its silent participants can be asked", append(attrs, slog.Any("err", out.Err))...)
			return
		}
		c.hold(d.t.gtrid, fmt.Sprintf("it waits for the next start, which will read its fate from the log (%v)", out.Err))
		c.o.Logger.Error("transaction in doubt until the next start", append(attrs, slog.Any("err", out.Err))...)
	}
}

// panicOnAssertion is set in tests: there a broken protocol must not be survived.
var panicOnAssertion bool
