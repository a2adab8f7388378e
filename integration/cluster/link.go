package cluster

import "net"

// Direction of what passes a Fault.
type Direction int

const (
	Requests Direction = iota // from Lockstep to the shard
	Answers                   // from the shard to Lockstep
)

// silence holds one direction back.
type silence struct {
	done chan struct{} // closed by Heal
	drop bool          // valid once done is closed
}

// Cut ends all connections at once; both ends see it. New ones are possible.
func (f *Fault) Cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close()
	}
}

// Refuse cuts all connections and ends new ones at once, until Heal.
func (f *Fault) Refuse() {
	f.mu.Lock()
	f.refuses = true
	f.mu.Unlock()
	f.Cut()
}

// Silence makes a direction half-open until Heal: connections stay, also new ones are taken, nothing of what is
// sent arrives, and neither does the news that an end has gone.
func (f *Fault) Silence(d Direction) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent[d] == nil {
		f.silent[d] = &silence{done: make(chan struct{})}
	}
}

// Heal ends Refuse and Silence. What was held back arrives late where deliver is set; otherwise the
// connections that had something to say end.
func (f *Fault) Heal(deliver bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuses = false
	for d, s := range f.silent {
		if s != nil {
			s.drop = !deliver
			close(s.done)
			f.silent[d] = nil
		}
	}
}

// passes waits while a direction is silent and says whether what came may go on.
func (f *Fault) passes(d Direction) bool {
	f.mu.Lock()
	s := f.silent[d]
	f.mu.Unlock()
	if s == nil {
		return true
	}
	<-s.done
	return !s.drop
}

// keep takes a new connection's ends, or ends them.
func (f *Fault) keep(ends ...net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range ends {
		if f.refuses {
			_ = c.Close()
		} else {
			f.conns[c] = true
		}
	}
	return !f.refuses
}
