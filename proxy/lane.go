package proxy

import (
	"errors"
	"time"

	"lockstep/backend"
	"lockstep/eventloop"
	"lockstep/protocol"
	"lockstep/sharding"
)

// lane is a server connection that many sessions of one loop share for cheap reads outside transactions: their statements
// are sent back to back in one write, and the answers, which come in the same order, are handed out.
//
//	session 1 ─┐                                        ┌─▶ session 1
//	session 2 ─┼─▶ SELECT │ SELECT │ SELECT  ─▶ shard ──┼─▶ session 2
//	session 3 ─┘         one write           one read   └─▶ session 3
//
// Nothing is lost with a lane: what it carries may be run again elsewhere. So when it breaks, or one statement
// holds the others up, or an answer calls for more than passing on, its sessions go on as if they had never been on it.
type lane struct {
	set     *laneSet
	conn    *backend.Conn
	queue   []passenger // from first on, oldest in front
	first   int
	dirty   bool      // flush will be called at the end of the round
	began   time.Time // when the server could begin with the oldest, as far as can be told
	rtt     time.Duration
	used    time.Time
	moved   time.Time // when the last answer came
	seen    time.Time // began, at the last tick
	still   int       // ticks since it has changed
	wanted  string    // a statement that is to be prepared here once the lane is empty
	removed bool
}

// passenger is a session's statement on a lane.
type passenger struct {
	s  *session // nil: it has left
	st *sharding.Statement
}

func (l *lane) waiting() int { return len(l.queue) - l.first }

// add sends a statement; the loop writes it out at the end of its round.
func (l *lane) add(s *session, st *sharding.Statement, target *sharding.Target) error {
	lease := lease{shard: target.Shard, conn: l.conn}
	if err := s.bufferStatement(&lease, target, &s.quickRq); err != nil {
		return err
	}
	if l.first > 0 && len(l.queue) == cap(l.queue) {
		l.queue = l.queue[:copy(l.queue, l.queue[l.first:])]
		l.first = 0
	}
	l.queue = append(l.queue, passenger{s: s, st: st})
	if !l.dirty {
		l.dirty = true
		l.set.lanes.dirty = append(l.set.lanes.dirty, l)
	}
	return nil
}

// flush sends what was added in this round. Nothing is held back to make a larger batch: while the server is busy, batches
// grow by themselves, and while it is not, waiting would be idle.
func (l *lane) flush(now time.Time) {
	l.dirty = false
	if l.removed {
		return
	}
	if l.began.IsZero() {
		l.began = now.Add(l.rtt) // to the server and back is not the statement's time
	}
	if l.used = now; l.conn.Wire().Flush() != nil {
		l.breakUp()
	}
}

// pop takes the oldest passenger off.
func (l *lane) pop() passenger {
	p := l.queue[l.first]
	l.queue[l.first] = passenger{}
	if l.first++; l.first == len(l.queue) {
		l.queue, l.first = l.queue[:0], 0
	}
	return p
}

// Drained has nothing to do.
func (l *lane) Drained() {}

// Readable hands out the answers that have arrived.
func (l *lane) Readable() {
	wire := l.conn.Wire()
	for !l.removed {
		switch err := wire.Arrive(l.conn.Event()); {
		case errors.Is(err, eventloop.ErrWouldBlock):
			return
		case err != nil:
			l.breakUp()
			return
		}
		now := time.Now()
		for !l.removed && l.waiting() > 0 {
			w := wire.AnswersWaiting(1)
			if w.Odd {
				l.set.odd(l)
				return
			}
			if !w.Whole {
				break
			}
			p := l.pop()
			p.st.Observed.RanShared(l.set.beyondUsual(now.Sub(l.began)), w.Size)
			l.began, l.moved = now, now
			if l.waiting() == 0 {
				l.began = time.Time{}
			}
			if !l.deliver(p, w) {
				l.breakUp()
				return
			}
		}
		if l.removed {
			return
		}
		if l.waiting() == 0 && wire.Buffered() > 0 {
			l.breakUp() // the server says what nobody asked for: it is about to hang up
			return
		}
		if l.waiting() == 0 && l.wanted != "" {
			l.set.prepare(l)
			return
		}
	}
}

// deliver passes an answer on; false: the connection cannot be used any more.
func (l *lane) deliver(p passenger, w protocol.Waiting) bool {
	s, wire := p.s, l.conn.Wire()
	if s == nil { // it has left
		_, err := protocol.DrainResponse(wire)
		return err == nil
	}
	s.flight.on, s.flight.lane = false, nil
	if w.Code != 0 && backend.EndsConnection(protocol.NewError(w.Code, "")) {
		// The server ends the connection, not the statement: like those behind it, it is run elsewhere.
		s.p.metrics.repeated.Inc()
		s.beginAnew()
		return false
	}
	if w.Warnings > 0 {
		// They would have to be asked for before the next statement runs, which has been sent.
		p.st.Observed.HeldUp()
		_, err := protocol.DrainResponse(wire)
		s.beginAnew()
		return err == nil
	}
	sum, err := protocol.Relay(s.client, wire, s.patch(false))
	if err != nil {
		// Whatever went wrong, the rest of the answer may be in the window: nobody else must get it.
		var re *protocol.RelayError
		if errors.As(err, &re) && re.Source && !sum.Started {
			s.p.metrics.repeated.Inc()
			s.beginAnew() // no answer of its own: the server hangs up
		} else {
			cause := err // a variable of its own: captured, err would be on the heap each time
			s.leave(func() error { return cause })
		}
		return false
	}
	if sum.Tracked {
		s.told()
	}
	s.rowCount = -1
	if sum.Err != nil {
		s.diag.setError(sum.Err)
		s.p.metrics.errors.Inc()
	} else if sum.Started {
		s.foundRows = uint64(max(sum.Rows, 0))
	} else {
		err = s.sent(s.writeOK(s.account(sum.OK, &s.quickRq))) // no SELECT answers so
	}
	if s.answeredOnLoop(err) {
		s.serveReady()
	}
	return true
}

// forget makes a session's place empty: its answer will be dropped.
func (l *lane) forget(s *session) {
	for i := l.first; i < len(l.queue); i++ {
		if l.queue[i].s == s {
			l.queue[i].s = nil
		}
	}
	s.flight.on, s.flight.lane = false, nil
}

// breakUp closes the lane. Its sessions' statements are begun anew by goroutines.
func (l *lane) breakUp() {
	l.set.remove(l)
	l.conn.Event().Take()
	if l.waiting() > 0 {
		l.conn.Abort() // the server is told to end what may still run
	}
	l.conn.Discard()
	for l.waiting() > 0 {
		if s := l.pop().s; s != nil {
			s.flight.on, s.flight.lane = false, nil
			s.p.metrics.repeated.Inc()
			s.beginAnew()
		}
	}
}
