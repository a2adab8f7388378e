package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"lockstep/config"
)

// accept takes clients until the listener closes.
func (p *Proxy) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of file descriptors and the like: clients wait a little, sessions go on.
			p.log.Error("client connection could not be accepted", "err", err)
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-p.ctx.Done():
				return
			}
		}
		if p.draining.Load() {
			p.running.Go(func() { p.refuseInShutdown(nc) })
			continue
		}
		served, loop := p.front.adopt(nc)
		s := newSession(p, served, loop)
		if why := p.sessions.add(s, &p.cfg.Limits); why != "" {
			s.cancel()
			p.running.Go(func() { p.refuse(served, why) })
			continue
		}
		p.running.Add(1)
		go s.serve()
	}
}

// registry holds the sessions by id.
type registry struct {
	mu      sync.Mutex
	byID    map[uint32]*session
	perUser map[string]int
	pending int // sessions that have not logged in
	nextID  uint32
	ended   uint64        // statements of sessions that have ended
	idle    chan struct{} // signalled when a session ends a statement or itself
}

func (r *registry) init() {
	r.byID, r.perUser = map[uint32]*session{}, map[string]int{}
	r.idle = make(chan struct{}, 1)
}

// add gives the session its id, or says why there is no place for it.
func (r *registry) add(s *session, l *config.Limits) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if why := r.turnedAway(l); why != "" {
		return why
	}
	for {
		r.nextID++
		if _, taken := r.byID[r.nextID]; !taken && r.nextID != 0 {
			break
		}
	}
	s.id = r.nextID
	r.byID[s.id] = s
	s.pending = true
	r.pending++
	return ""
}

// login counts the session towards its user's limit.
func (r *registry) login(s *session, user string, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.counted != "" {
		r.perUser[s.counted]--
		s.counted = ""
	}
	if limit > 0 && r.perUser[user] >= limit {
		return false
	}
	r.perUser[user]++
	s.counted = user
	return true
}

func (r *registry) remove(s *session) {
	s.mu.Lock()
	statements := s.number
	s.mu.Unlock()
	r.mu.Lock()
	r.ended += statements
	delete(r.byID, s.id)
	if s.counted != "" {
		if r.perUser[s.counted]--; r.perUser[s.counted] == 0 {
			delete(r.perUser, s.counted)
		}
	}
	r.mu.Unlock()
	r.signal()
}

// statements is how many statements the sessions that have ended have run.
func (r *registry) statements() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// connections is how many clients have come.
func (r *registry) connections() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return uint64(r.nextID)
}

func (r *registry) signal() {
	select {
	case r.idle <- struct{}{}:
	default:
	}
}

func (r *registry) find(id uint32) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

func (r *registry) all() []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*session, 0, len(r.byID))
	for _, s := range r.byID {
		list = append(list, s)
	}
	return list
}

func (r *registry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byID)
}

// drain closes each session once it is between transactions, all when ctx ends.
func (r *registry) drain(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		busy := 0
		for _, s := range r.all() {
			if !s.closeIfIdle() {
				busy++
			}
		}
		if busy == 0 && r.count() == 0 {
			return
		}
		select {
		case <-ctx.Done():
			r.closeAll()
			return
		case <-r.idle:
		case <-tick.C:
		}
	}
}

// waitEmpty waits until every session has ended; no new one may begin meanwhile.
func (r *registry) waitEmpty() {
	for r.count() > 0 {
		r.closeAll()
		select {
		case <-r.idle:
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (r *registry) closeAll() {
	for _, s := range r.all() {
		s.kill()
	}
}
