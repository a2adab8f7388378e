package proxy

import (
	"errors"

	"lockstep/eventloop"
	"lockstep/protocol"
	"lockstep/sharding"
)

// flight is a statement of a session that runs on a server connection of its own while nobody waits for it: the loop is
// told when the answer arrives. Once all of it is there, what would block for a goroutine cannot, and the same code
// passes it on. An answer that is too large for that, or that calls for more than passing on, is a goroutine's.
type flight struct {
	s       *session
	on      bool
	l       lease
	st      *sharding.Statement
	rq      request
	answers int   // that arrive: the branch's opening, and the statement's
	lane    *lane // that the statement is on, instead of a connection of its own
	ending  ending
}

// begin sends the statement.
func (f *flight) begin(l lease, st *sharding.Statement, target *sharding.Target) quickness {
	s := f.s
	f.l, f.st, f.rq, f.answers, f.on = l, st, s.quickRq, 1, true
	if b := l.branch; b != nil {
		if s.plan.Write {
			b.wrote = true
		}
		if b.fresh {
			f.answers += b.xa.Opening()
			b.xa.AwaitTogether()
		}
	}
	l.conn.Event().Give(f)
	if err := s.writeStatement(&f.l, target, &f.rq); err != nil {
		f.stop()
		s.leave(func() error { return s.answerAndFlush(s.lost(&f.l, err, s.plan.Write)) })
	}
	return quickFlying
}

// takeOver goes on with a statement that was on a lane, whose connection is the session's alone now.
func (f *flight) takeOver(l lease, st *sharding.Statement) {
	s := f.s
	f.l, f.st, f.rq, f.answers, f.on = l, st, s.quickRq, 1, true
	s.track(l.conn)
	l.conn.Event().Give(f)
	f.Readable() // a part of the answer may be there
}

// stop takes the connection off the loop.
func (f *flight) stop() {
	f.on = false
	f.l.conn.Event().Take()
}

// Drained has nothing to do: the answer tells when the statement has gone.
func (f *flight) Drained() {}

// Readable is called when the shard has said something, or has gone. Landing may begin the session's next command, which
// uses the flight for another connection or a lane: nothing here may touch it any more then.
func (f *flight) Readable() {
	if !f.on || f.lane != nil {
		return
	}
	wire := f.l.conn.Wire()
	for {
		switch err := wire.Arrive(f.l.conn.Event()); {
		case errors.Is(err, eventloop.ErrWouldBlock):
			return
		case err != nil:
			f.leave() // reading meets the same again
			return
		}
		w := wire.AnswersWaiting(f.answers)
		switch {
		case f.ending.t != nil && w.Whole && w.Code == 0:
			f.landed()
			return
		case f.ending.t != nil && (w.Odd || w.Whole):
			f.leave() // rolling back takes its time
			return
		case w.Odd, w.Whole && !f.plain(w):
			f.leave()
			return
		case w.Whole:
			f.land()
			return
		}
	}
}

// plain says whether an answer needs no more than to be passed on. If so, no KILL QUERY can hit the connection any more.
func (f *flight) plain(w protocol.Waiting) bool {
	if w.Warnings > 0 || f.s.plan.Generated != nil || f.st.CalcFoundRows || w.Code != 0 && f.l.branch != nil {
		return false
	}
	return f.s.tryUntrack(f.l.conn)
}

// land passes a whole answer on.
func (f *flight) land() {
	s := f.s
	f.stop()
	s.onLoop = true
	err := s.answer(s.finishSingle(&f.l, f.st, &f.rq))
	s.onLoop = false
	if s.answeredOnLoop(err) {
		s.serveReady()
	}
}

// leave has a goroutine wait for the rest of the answer.
func (f *flight) leave() {
	s := f.s
	if f.lane != nil {
		f.lane.forget(s)
		s.leave(s.goodbye)
		return
	}
	f.stop()
	if e := f.ending; e.t != nil {
		f.ending = ending{}
		s.leave(func() error { return s.answerAndFlush(e.await(s)) })
		return
	}
	s.leave(func() error { return s.answerAndFlush(s.finishSingle(&f.l, f.st, &f.rq)) })
}

// answerAndFlush sends err, if there is one that the client has not been told.
func (s *session) answerAndFlush(err error) error {
	if err := s.answer(err); err != nil {
		return err
	}
	return s.client.Flush()
}
