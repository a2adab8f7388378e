package coordinator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// gappyShard may have branches that it does not list.
type gappyShard struct {
	*fakeShard
	gap   error
	asked int
}

func (s *gappyShard) Complete(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.gap
}

// A decision whose participant does not list the branch is kept as long as the list may have gaps, also by a
// start that has never seen the branch.
func TestDecisionsAreKeptWhileAListHasGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog("e1", "e2")
		log.decisions["c.p1.e1.1"] = commitOf("c.p1.e1.1", "s1", "s2")
		s1 := &gappyShard{fakeShard: &fakeShard{name: "s1"}, gap: errors.New("1 transaction is hidden")}
		s2 := &fakeShard{name: "s2"}
		c := newResolver(t, log, func(o *Options) { o.Shards = []Shard{s1, s2} })
		stop := run(t, c)
		time.Sleep(time.Minute)
		if len(log.forgotten) != 0 || c.Ready() {
			t.Errorf("forgotten %v, ready %v", log.forgotten, c.Ready())
		}
		if _, err := c.Recover(t.Context(), false); err == nil || !strings.Contains(err.Error(), "decisions are kept, shard s1") {
			t.Errorf("an operator is told: %v", err)
		}
		// The server's restart brings the branch back.
		s1.set(func() { s1.gap, s1.xids = nil, []XID{ours("c.p1.e1.1", "s1")} })
		time.Sleep(time.Minute)
		if h := s1.history(); len(h) != 1 || h[0] != "c.p1.e1.1 commit" || len(log.forgotten) != 1 || !c.Ready() {
			t.Errorf("settled %v, forgotten %v, ready %v", h, log.forgotten, c.Ready())
		}
		asked := s1.asked
		time.Sleep(time.Minute)
		if s1.asked != asked {
			t.Error("asked though no decision waits for it")
		}
		stop()
	})
}
