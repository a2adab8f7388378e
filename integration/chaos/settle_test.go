package chaos

import (
	"fmt"
	"slices"
	"time"

	"lockstep/coordinator"
)

// settleLimit is how long after everything is back a branch may stay prepared, and clients
// may take to commit again.
const settleLimit = 15 * time.Second

// left are the transactions that a fault has left prepared.
type left map[coordinator.GTRID]bool

// leftNow are those with a prepared branch on some shards whose coordinator is one of these.
func (w *world) leftNow(shards []int, coordinators ...string) left {
	list, err := w.branches(shards...)
	if err != nil {
		w.t.Errorf("look at what a fault left: %v", err)
	}
	found := left{}
	for _, b := range list {
		if slices.Contains(coordinators, b.id.Coordinator) {
			found[b.id] = true
		}
	}
	return found
}

// stillLeft is leftNow of two looks, a moment apart: transactions that go on are not in doubt.
func (w *world) stillLeft(shards []int, coordinators ...string) left {
	first := w.leftNow(shards, coordinators...)
	time.Sleep(100 * time.Millisecond)
	second := w.leftNow(shards, coordinators...)
	for id := range first {
		if !second[id] {
			delete(first, id)
		}
	}
	return first
}

// settled follows transactions until none of them has a prepared branch.
func (w *world) settled(what left) error {
	return eventually(settleLimit, func() error {
		list, err := w.branches(w.all()...)
		if err != nil {
			return err
		}
		var still []branch
		for _, b := range list {
			if what[b.id] {
				still = append(still, b)
			}
		}
		if len(still) > 0 {
			return fmt.Errorf("%d branches are still prepared: %.10v", len(still), still)
		}
		return nil
	})
}

// nothingLeft waits until no branch of ours is prepared anywhere.
func (w *world) nothingLeft() error {
	return eventually(settleLimit, func() error {
		list, err := w.branches(w.all()...)
		if err == nil && len(list) > 0 {
			err = fmt.Errorf("%d branches are still prepared: %.10v", len(list), list)
		}
		return err
	})
}
