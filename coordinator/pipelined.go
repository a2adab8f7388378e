package coordinator

import (
	"context"
	"fmt"
)

// Pipelined is a participant whose verbs come in two halves: what is sent returns at once, and the reply is
// received later. So one goroutine has verbs under way at all participants, without
// a hand-over between goroutines for each. receive must return soon after ctx ends.
type Pipelined interface {
	Participant
	SendCanCommit(ctx context.Context, m Marker) (receive func() Reply)
	SendPrepare(ctx context.Context) (receive func() Reply)
	SendCommit(ctx context.Context) (receive func() Reply)
}

// sent is a verb whose reply has not been received.
type sent struct {
	i, number int
	receive   func() Reply
}

// send starts a verb without a goroutine, if the participant can. The replies
// are received in the order of sending: one that is late delays the look at the others, not their work.
func (d *driver) send(ef effect, p *phase, number int) bool {
	part, ok := d.ps[ef.i].(Pipelined)
	if !ok {
		return false
	}
	s := sent{i: ef.i, number: number}
	switch ef.kind {
	case doAsk:
		s.receive = d.guard(ef, func() func() Reply { return part.SendCanCommit(p.ctx, d.mark) })
	case doPrepare:
		s.receive = d.guard(ef, func() func() Reply { return part.SendPrepare(p.ctx) })
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
	if len(d.sent) == 0 {
		return <-d.answers
	}
	s := d.sent[0]
	d.sent = d.sent[1:]
	return answer{i: s.i, number: s.number, reply: d.receive(s)}
}

func (d *driver) receive(s sent) (r Reply) {
	ef := effect{d.calls[s.i].verb, s.i}
	defer func() {
		if v := recover(); v != nil {
			r = d.panicked(ef, v)
		}
	}()
	return d.checked(ef, s.receive())
}

// panicked: a panic says nothing about what the server did.
func (d *driver) panicked(ef effect, v any) Reply {
	return Reply{Unknown, fmt.Errorf("%s at shard %s: panic: %v", effectNames[ef.kind], d.shards[ef.i], v)}
}
