package proxy

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lockstep/eventloop"
	"lockstep/protocol"
)

// front is the event loops that serve clients between their commands, and while statements run that need no goroutine.
type front struct {
	p     *Proxy
	loops []*frontLoop
	next  atomic.Uint32

	mu      sync.Mutex
	buffers []protocol.Buffers // of sessions that wait; at most maxBuffers
}

// maxBuffers bounds what is kept for the next burst of commands: 8 MiB.
const maxBuffers = 256

// frontLoop is one of the loops, with what only its goroutine touches.
type frontLoop struct {
	front *front
	loop  *eventloop.Loop
	lanes lanes
}

// idleTick is how often clients that have said nothing for too long are looked for.
const idleTick = time.Second

// newFront makes the loops; none where the configuration or the system has none. They serve from run on.
func newFront(p *Proxy, n int) (*front, error) {
	f := &front{p: p}
	if n == 0 {
		return f, nil
	}
	if n < 0 {
		n = max(1, runtime.GOMAXPROCS(0)/2)
	}
	for range n {
		l, err := eventloop.New()
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		fl := &frontLoop{front: f, loop: l}
		fl.lanes.init(fl)
		l.Every(idleTick, fl.endIdle)
		f.loops = append(f.loops, fl)
		p.running.Go(func() {
			if err := l.Run(); err != nil {
				p.log.Error("an event loop stopped; its clients are not served any more", "err", err)
			}
		})
	}
	return f, nil
}

// close ends the loops.
func (f *front) close() error {
	for _, l := range f.loops {
		l.loop.Post(l.lanes.close)
		l.loop.Close()
	}
	return nil
}

// pick is the loop for the next connection, in turn; nil where there is none.
func (f *front) pick() *frontLoop {
	if len(f.loops) == 0 {
		return nil
	}
	return f.loops[f.next.Add(1)%uint32(len(f.loops))]
}

// backendLoop is where a new server connection is watched.
func (f *front) backendLoop() *eventloop.Loop { return f.pick().loop }

// adopt makes a client's connection one that a loop can own. Where that fails it is served as it is.
func (f *front) adopt(nc net.Conn) (net.Conn, *frontLoop) {
	l := f.pick()
	if l == nil {
		return nc, nil
	}
	c, err := l.loop.Adopt(nc)
	if err != nil {
		f.p.log.Warn("client connection could not be handed to an event loop", "err", err)
		return nc, nil
	}
	return c, l
}

// lend gives a session buffers; keep takes them back.
func (f *front) lend() protocol.Buffers {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.buffers); n > 0 {
		b := f.buffers[n-1]
		f.buffers = f.buffers[:n-1]
		return b
	}
	return protocol.NewBuffers()
}

func (f *front) keep(b protocol.Buffers) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.buffers) < maxBuffers {
		f.buffers = append(f.buffers, b)
	}
}

// servedBy is the session's connection if l is its loop, and nil otherwise: also where its login has turned to TLS meanwhile.
func (s *session) servedBy(l *frontLoop) *eventloop.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loop != l {
		return nil
	}
	return s.event
}

// endIdle ends the sessions of this loop whose clients have been silent for too long, and gives COMMITs that a shard
// does not answer to goroutines, which have a time limit.
func (l *frontLoop) endIdle() {
	now := time.Now()
	for _, s := range l.front.p.sessions.all() {
		event := s.servedBy(l)
		switch {
		case event == nil || !event.OnLoop():
		case s.flight.slow(now):
			s.flight.leave()
		case !s.flight.on && now.Sub(s.since) > s.vars.idleTimeout():
			_ = event.SetWriteDeadline(now.Add(time.Second)) // one that does not read its answer either; closed: writing says so
			s.leave(s.silent)
		}
	}
}
