package proxy

import (
	"time"

	"lockstep/protocol"
)

// A statement may hold several connections with temporary tables: its own, and those of inner queries that need some
// themselves. So that none waits for another's, statements are counted, and the pools have room for all that they need.

// scratchDepth is for how many connections to one server a statement has room.
const scratchDepth = 4

// scratchGate lets so many statements in as limits.max_scratch_statements says.
type scratchGate struct {
	places  chan struct{}
	patient time.Duration
}

func newScratchGate(places int, patient time.Duration) *scratchGate {
	return &scratchGate{places: make(chan struct{}, places), patient: patient}
}

// enterScratch waits for the statement's turn. leave is to be called when it has answered.
func (s *session) enterScratch() (leave func(), err error) {
	if s.plan.Write {
		return nil, notSupported("a stored function in a query whose rows have to be brought to one server: it could read or change rows of other shards")
	}
	if s.seated {
		return func() {}, nil // an inner query of a statement that has its place
	}
	g := s.p.gate
	late := time.NewTimer(g.patient)
	defer late.Stop()
	watch := time.NewTicker(scratchWatch)
	defer watch.Stop()
	for {
		if err := s.stopped(); err != nil {
			return nil, err
		}
		select {
		case g.places <- struct{}{}:
			s.seated = true
			return func() {
				s.seated = false
				<-g.places
			}, nil
		case <-watch.C:
		case <-s.ctx.Done():
		case <-late.C:
			return nil, protocol.NewError(erTooManyScratch, "Too many statements need their rows brought to one server at the same time: more than %d (limits.max_scratch_statements)", cap(g.places))
		}
	}
}

// scratchWatch is how often a statement that waits looks whether it was asked to end.
const scratchWatch = 50 * time.Millisecond
