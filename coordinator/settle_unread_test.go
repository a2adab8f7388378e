package coordinator

import (
	"context"
	"errors"
	"strings"
	"testing"

	"lockstep/txlog"
)

// unreadable keeps markers, and does not answer when it is asked for them.
type unreadable struct{ *fakeShard }

func (unreadable) Markers(context.Context, []string) ([]Marker, error) {
	return nil, errors.New("connection lost")
}
func (unreadable) Fence(context.Context, Marker) Reply {
	return Reply{Unknown, errors.New("connection lost")}
}
func (unreadable) EndOwner(context.Context, Marker) error { return errors.New("connection lost") }

// A branch whose marker cannot be read may be three-phase, and committed elsewhere: no decision
// in the log says nothing then.
func TestSettleWithUnreadMarker(t *testing.T) {
	const gtrid = "c.p1.e1.2"
	s := unreadable{&fakeShard{name: "s1", xids: []XID{ours(gtrid, "s1")}}}
	c, err := New(Options{Cluster: "c", ID: "p1", Epoch: "e2", Log: newMemoryLog("e1", "e2"), Shards: []Shard{s}, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if _, err := c.Settle(t.Context(), gtrid, txlog.Rollback, false); !errors.As(err, &refused) || !strings.Contains(err.Error(), "may be three-phase") {
		t.Errorf("rollback: %v", err)
	}
	all, err := c.InDoubt(t.Context())
	if err != nil || len(all) != 1 || all[0].Plan != "leave alone" || !strings.Contains(all[0].Why, "may be three-phase") {
		t.Errorf("%+v, %v", all, err)
	}
	if got := s.history(); len(got) != 0 {
		t.Errorf("settled: %v", got)
	}
	if _, err := c.Settle(t.Context(), gtrid, txlog.Rollback, true); err != nil || len(s.history()) != 1 {
		t.Errorf("by force: %v, %v", err, s.history())
	}
}
