package coordinator

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Pipelined is a participant whose verbs come in two halves: what is sent returns at once, and the reply is
// received later. So one goroutine has verbs under way at all participants, without
// a hand-over between goroutines for each. receive must return soon after ctx ends.
type Pipelined interface {
	Participant
	SendPrepare(ctx context.Context) (receive func() Reply)
	SendVote(ctx context.Context, m Marker) (receive func() Reply)
	SendCommit(ctx context.Context) (receive func() Reply)
}

// sent is a verb whose reply has not been received.
type sent struct {
	effect
	number  int
	receive func() Reply
	taken   atomic.Bool // by who receives it
}

// lateReply is how long one reply may keep the driver from the others.
const lateReply = 20 * time.Millisecond

// send starts a verb without a goroutine, if the participant can. The replies
// are received in the order of sending. Behind one that is late the others are received by goroutines: at
// the end of the time limit, which they share, a reply that is there and was not looked at would be lost.
func (d *driver) send(ef effect, p *phase, number int) bool {
	part, ok := d.ps[ef.i].(Pipelined)
	if !ok {
		return false
	}
	s := &sent{effect: ef, number: number}
	switch ef.kind {
	case doPrepare:
		s.receive = d.guard(ef, func() func() Reply {
			if d.marked {
				return part.SendVote(p.ctx, d.mark)
			}
			return part.SendPrepare(p.ctx)
		})
	case doCommit:
		s.receive = d.guard(ef, func() func() Reply { return part.SendCommit(p.ctx) })
	default:
		return false
	}
	d.sent = append(d.sent, s)
	return true
}

// guard turns a panic of the first half into a reply.
func (d *driver) guard(ef effect, send func() func() Reply) (receive func() Reply) {
	defer func() {
		if v := recover(); v != nil {
			r := d.panicked(ef, v)
			receive = func() Reply { return r }
		}
	}()
	return send()
}

// next waits for an answer: of what was sent, else of a goroutine.
func (d *driver) next() answer {
	for len(d.sent) > 0 {
		s := d.sent[0]
		d.sent = d.sent[1:]
		if s.taken.CompareAndSwap(false, true) {
			stop := d.behind(d.sent)
			defer stop()
			return d.receive(s)
		}
	}
	return <-d.answers
}

// behind has these received by goroutines, unless stop is called soon.
func (d *driver) behind(rest []*sent) (stop func()) {
	if len(rest) == 0 {
		return func() {}
	}
	late := func() {
		for _, s := range rest {
			if s.taken.CompareAndSwap(false, true) {
				go func() { d.post(d.receive(s)) }()
			}
		}
	}
	if _, ok := d.c.o.Clock.(realClock); ok {
		t := time.AfterFunc(lateReply, late)
		return func() { t.Stop() }
	}
	stopped, over := make(chan struct{}), d.c.o.Clock.After(lateReply)
	go func() {
		select {
		case <-over:
			late()
		case <-stopped:
		}
	}()
	return func() { close(stopped) }
}

func (d *driver) receive(s *sent) (a answer) {
	a.i, a.number = s.i, s.number
	defer func() {
		if v := recover(); v != nil {
			a.reply = d.panicked(s.effect, v)
		}
	}()
	a.reply = d.checked(s.effect, s.receive())
	return a
}

// panicked: a panic says nothing about what the server did.
func (d *driver) panicked(ef effect, v any) Reply {
	return Reply{Unknown, fmt.Errorf("%s at shard %s: panic: %v", effectNames[ef.kind], d.shards[ef.i], v)}
}
