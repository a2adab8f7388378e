package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"lockstep/backend"
	"lockstep/coordinator"
)

// A coordinator's id is held on every shard by the one proxy that has it. Two with one id, say of
// two copies of one log, would take each other's transactions for their own abandoned ones. So a start
// is refused while another proxy has the id on any shard that can be reached; shards that cannot be reached
// do not keep it from serving. There recovery waits until the id is had, and if it then turns out to be another's,
// this proxy commits over several shards no more and ends.
type identity struct {
	name   string // as the shards know it
	names  []*backend.Name
	failed chan error // one error at most: the proxy has to end

	mu       sync.Mutex
	conflict error
}

const (
	claimTime     = 3 * time.Second // for a shard to answer at start
	claimPatience = 5 * time.Second // for a predecessor's sessions to vanish
	claimPause    = 50 * time.Millisecond
)

func newIdentity(cluster, coordinator string) *identity {
	return &identity{name: "lockstep." + cluster + "." + coordinator, failed: make(chan error, 1)}
}

// claim takes the name on all shards, once. *IdentityError: another proxy has it on a shard.
func (d *identity) claim(ctx context.Context, shards []*backend.Shard) error {
	first, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	d.names = make([]*backend.Name, len(shards))
	serving := make(chan struct{})
	var wait sync.WaitGroup
	for i, s := range shards {
		wait.Go(func() {
			d.names[i] = s.HoldName(first, d.name, func(st backend.NameStatus) {
				select {
				case <-serving:
					d.changed(st)
				default: // claim looks by itself
				}
			})
		})
	}
	wait.Wait()
	announce := sync.OnceFunc(func() { close(serving) })
	defer announce()
	for deadline := time.Now().Add(claimPatience); ; {
		taken := d.taken()
		if taken == nil {
			announce()
			return d.taken() // of what changed since the look nobody was told
		}
		if time.Now().After(deadline) {
			return taken
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), taken)
		case <-time.After(claimPause):
		}
	}
}

// taken is nil where nobody else is known to have the name.
func (d *identity) taken() error {
	var held []error
	for _, n := range d.names {
		if st := n.Status(); st.State == backend.NameTaken {
			held = append(held, st.Err)
		}
	}
	if held == nil {
		return nil
	}
	return &IdentityError{Name: d.name, Held: held}
}

// IdentityError says that another proxy runs with this one's cluster and coordinator id.
type IdentityError struct {
	Name string
	Held []error // by shard: who has it
}

func (e *IdentityError) Error() string {
	words := make([]string, len(e.Held))
	for i, err := range e.Held {
		words[i] = err.Error()
	}
	return fmt.Sprintf("another proxy runs as coordinator %s: give each its own coordinator id in its configuration (%s)", strings.TrimPrefix(e.Name, "lockstep."), strings.Join(words, "; "))
}

// changed hears of shards after the start.
func (d *identity) changed(st backend.NameStatus) {
	if st.State != backend.NameTaken {
		return
	}
	err := &IdentityError{Name: d.name, Held: []error{st.Err}}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conflict == nil {
		d.conflict = err
		d.failed <- err
	}
}

// alone refuses what only the owner of the id may do, once another has shown up with it.
func (d *identity) alone() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conflict
}

// heldOn returns once the shard at this position knows that the id is ours, or fails; at once
// where it cannot be reached.
func (d *identity) heldOn(ctx context.Context, s *backend.Shard, at int) error {
	for deadline := time.Now().Add(claimTime); ; {
		st := d.names[at].Status()
		switch {
		case st.State == backend.NameHeld:
			return nil
		case st.State == backend.NameTaken, !s.Up(), time.Now().After(deadline):
			return fmt.Errorf("shard %s: recovery waits for coordinator id %s: %w", st.Shard, d.name, orNotYet(st.Err))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("shard %s: recovery waits for coordinator id %s: %w", st.Shard, d.name, context.Cause(ctx))
		case <-time.After(claimPause):
		}
	}
}

func orNotYet(err error) error {
	if err == nil {
		return errors.New("not held yet")
	}
	return err
}

// release gives the name up on all shards, so that a successor finds it free.
func (d *identity) release() {
	var wait sync.WaitGroup
	for _, n := range d.names {
		if n != nil {
			wait.Go(n.Release)
		}
	}
	wait.Wait()
}

// ownedShard is a shard that recovery works on only while the coordinator's id is held there.
type ownedShard struct {
	resolverShard
	d  *identity
	at int
}

// Prepared lists the prepared branches, with which every pass of recovery begins.
func (o ownedShard) Prepared(ctx context.Context) ([]coordinator.XID, error) {
	if err := o.d.heldOn(ctx, o.Shard, o.at); err != nil {
		return nil, err
	}
	return o.resolverShard.Prepared(ctx)
}

func ownedShards(shards []*backend.Shard, d *identity) []coordinator.Shard {
	list := make([]coordinator.Shard, len(shards))
	for i, s := range shards {
		list[i] = ownedShard{resolverShard{s}, d, i}
	}
	return list
}
