package proxy

import (
	"errors"
	"os"

	"lockstep/eventloop"
	"lockstep/protocol"
)

// A session is a goroutine's while it logs in and while it does what may block, and its event loop's otherwise: between
// commands, and while a statement runs that quick.go can serve. It changes hands by park and leave.

// errParked ends a session's goroutine, not the session.
var errParked = errors.New("the session waits on its event loop")

// park hands the session to its loop. The caller must not touch it any more.
func (s *session) park() {
	if b, ok := s.client.TakeBuffers(); ok {
		s.loop.front.keep(b)
	}
	s.event.Give(s)
}

// leave hands the session to a goroutine, which does first and goes on from there. On the loop.
func (s *session) leave(first func() error) {
	s.mu.Lock()
	s.parking = false
	s.mu.Unlock()
	s.event.Take()
	if !s.client.HasBuffers() {
		s.client.GiveBuffers(s.loop.front.lend())
	}
	s.loop.loop.Woke()
	go s.drive(first)
}

// flushLeft sends what the loop could not send without waiting.
func (s *session) flushLeft() error {
	if s.event == nil {
		return nil
	}
	return s.event.Flush()
}

// nudged runs on the loop after a KILL.
func (s *session) nudged() {
	s.mu.Lock()
	event, loop, coming := s.event, s.loop, s.parking && s.waiting
	s.mu.Unlock()
	if event == nil || loop == nil {
		return // its login has turned to TLS meanwhile
	}
	if !event.OnLoop() {
		if coming {
			loop.loop.Post(s.nudged)
		}
		return
	}
	if !s.wasKilled() {
		return
	}
	if s.flight.on {
		s.flight.leave()
		return
	}
	s.leave(s.unaskedGoodbye)
}

// silent ends a session whose client has said nothing for too long.
func (s *session) silent() error { return s.readFailed(os.ErrDeadlineExceeded) }

// Readable is called when the client has sent something, or has gone.
func (s *session) Readable() {
	if !s.flight.on && s.event.Left() == 0 {
		s.serveReady()
	}
}

// Drained is called when a client that reads slowly has taken its answer.
func (s *session) Drained() { s.Readable() }

// turn is how many commands one client has served before others get theirs: one that sends without a pause, and asks for
// nothing that a shard must answer, would have the loop for itself.
const turn = 64

// again goes on behind the others.
func (s *session) again() {
	if s.event.OnLoop() {
		s.Readable()
	}
}

// serveReady serves the commands that have arrived, as far as the loop can.
func (s *session) serveReady() {
	c := s.client
	for served := 0; ; served++ {
		if served == turn {
			s.loop.loop.Post(s.again)
			return
		}
		if !c.HasBuffers() {
			c.GiveBuffers(s.loop.front.lend())
		}
		if c.PacketWaiting() {
			if !s.serveCommand() {
				return
			}
			continue
		}
		if c.WindowFull() {
			s.leave(nil) // a large packet
			return
		}
		switch err := c.Arrive(s.event); {
		case err == nil:
		case errors.Is(err, eventloop.ErrWouldBlock):
			if b, ok := c.TakeBuffers(); ok {
				s.loop.front.keep(b)
			}
			return
		default:
			s.leave(func() error { return s.readFailed(err) })
			return
		}
	}
}

// serveCommand serves the command that has arrived, and says whether the session is ready for the next.
func (s *session) serveCommand() bool {
	s.client.ResetSequence()
	packet, err := s.client.ReadPacket()
	if err != nil {
		s.leave(func() error { return s.readFailed(err) })
		return false
	}
	if len(packet) == 0 {
		packet = noCommand[:]
	}
	cmd, arg := protocol.Command(packet[0]), packet[1:]
	s.served.command, s.served.arg = cmd, arg
	if !s.work(cmd, arg) {
		s.leave(s.goodbye)
		return false
	}
	switch s.quick(cmd, arg) {
	case quickAnswered:
		return s.answeredOnLoop(nil)
	case quickNot:
		s.leave(s.serveAgain)
	}
	return false
}

// answeredOnLoop sends an answer and says whether the session is ready for its next command. err ends the session.
func (s *session) answeredOnLoop(err error) bool {
	if err == nil {
		err = s.client.Flush()
	}
	if err != nil {
		s.leave(func() error { return err })
		return false
	}
	if !s.wait() {
		s.leave(s.unaskedGoodbye)
		return false
	}
	return s.event.Left() == 0
}

// serveAgain serves the command that the loop has read from its beginning, as goroutines do.
func (s *session) serveAgain() error {
	if err := s.execute(s.served.command, s.served.arg); err != nil {
		return err
	}
	return s.client.Flush()
}

// beginAnew has a goroutine serve a statement from its beginning that was on a shared connection. To who kills it, it is still the same.
func (s *session) beginAnew() {
	s.mu.Lock()
	s.begunAnew = true
	s.mu.Unlock()
	s.leave(s.serveAgain)
}

// interruptOnLane ends the session's statement of that number if it shares a connection: the client is told, and the answer dropped. The
// server cannot be told to end it, because it may be at somebody else's by then; if it takes long, the lane is given up.
func (s *session) interruptOnLane(number uint64) {
	s.mu.Lock()
	event, same := s.event, s.number == number
	s.mu.Unlock()
	if event == nil || !event.OnLoop() || s.flight.lane == nil || !same {
		return
	}
	s.flight.lane.forget(s)
	if s.answeredOnLoop(s.answerError(protocol.NewError(erQueryInterrupted, "Query execution was interrupted"))) {
		s.serveReady()
	}
}
