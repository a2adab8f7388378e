package chaos

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"lockstep/integration/history"
)

// load is the clients of a run.
type load struct {
	w    *world
	tb   tables
	rec  *history.Recorder
	seed uint64

	stop     chan struct{}
	clients  sync.WaitGroup
	appended atomic.Int64 // values of lists, each used once

	mu     sync.Mutex
	faults []string // of the clients themselves: answers that no client can make sense of
}

// Clients by what they do.
const (
	transferClients = 9
	appendClients   = 7
	auditClients    = 2
	totalClients    = 1

	readerPause = 5 * time.Millisecond // the writers need the processors more
)

// startLoad starts all clients.
func startLoad(w *world, tb tables, rec *history.Recorder, seed uint64) *load {
	l := &load{w: w, tb: tb, rec: rec, seed: seed, stop: make(chan struct{})}
	n := 0
	for _, kind := range []struct {
		count int
		act   func(*session) history.Outcome
	}{{transferClients, (*session).transfer}, {appendClients, (*session).listAppend}, {auditClients, (*session).audit}, {totalClients, (*session).total}} {
		for range kind.count {
			s := l.session(n)
			n++
			l.clients.Go(func() { l.run(s, kind.act) })
		}
	}
	return l
}

func (l *load) run(s *session, act func(*session) history.Outcome) {
	defer s.close()
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		if !s.connected() {
			time.Sleep(5 * time.Millisecond) // the proxy is down
			continue
		}
		if act(s) != history.OK {
			time.Sleep(time.Duration(s.rnd.IntN(10)) * time.Millisecond)
		}
		if s.conn != nil && s.rnd.IntN(200) == 0 {
			s.drop() // another proxy
		}
	}
}

// end stops the clients and answers what they could not make sense of.
func (l *load) end() []string {
	close(l.stop)
	l.clients.Wait()
	return l.faults
}

func (l *load) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) < 10 {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

// goesOn waits until writers commit again, several of each kind.
func (l *load) goesOn(limit time.Duration) error {
	transfers, appends := l.rec.Count(history.Transfer, history.OK), l.rec.Count(history.Append, history.OK)
	return eventually(limit, func() error {
		t, a := l.rec.Count(history.Transfer, history.OK)-transfers, l.rec.Count(history.Append, history.OK)-appends
		if t < transferClients || a < appendClients {
			return fmt.Errorf("only %d transfers and %d list-append transactions are committed since everything is back", t, a)
		}
		return nil
	})
}
