package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"lockstep/txlog"
)

// question is a three-phase transaction whose verdict is sought.
type question struct {
	*inquiry
	gtrid   string
	markers []Marker // by participant; the zero Marker where none was seen
}

func newQuestion(gtrid string, participants []string) *question {
	return &question{inquiry: newInquiry(participants), gtrid: gtrid, markers: make([]Marker, len(participants))}
}

const (
	inquiryRounds  = 6 // looks at a shard's rows in one inquiry; the resolver's next pass starts anew
	inquiryPause   = 5 * time.Millisecond
	markersAtATime = 1000
)

var errNotConfigured = errors.New("this proxy does not know the shard")

// inquire seeks the verdict of all questions at once: each shard is listed once a round. What is
// open or not there gets its remedy, unless only a look is wanted. It returns when every question has
// its verdict, when nothing more can be done for now, or when ctx ends.
func (c *Coordinator) inquire(ctx context.Context, qs []*question, onlyLook bool) {
	for round := range inquiryRounds {
		if round > 0 && c.sleep(ctx, inquiryPause<<round) != nil {
			return
		}
		qs = slices.DeleteFunc(slices.Clone(qs), func(q *question) bool { return q.verdict() != 0 })
		if len(qs) == 0 {
			return
		}
		c.lookAt(ctx, qs)
		if onlyLook || !c.remedyAll(ctx, qs) {
			return
		}
	}
}

// sleep is ctx's error when it ends first.
func (c *Coordinator) sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-c.o.Clock.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// place is one participant of a question.
type place struct {
	q *question
	i int
}

// byShard sorts out which shard is to be asked about which participants. Those of
// shards that cannot be asked are blocked.
func (c *Coordinator) byShard(qs []*question, want func(finding) bool) (names []string, at map[string][]place) {
	at = map[string][]place{}
	for _, q := range qs {
		for i, name := range q.participants {
			if !want(q.found[i]) {
				continue
			}
			if w := c.watchOf(name); w == nil || w.markers() == nil {
				q.block(i, errNotConfigured)
				continue
			}
			if at[name] == nil {
				names = append(names, name)
			}
			at[name] = append(at[name], place{q, i})
		}
	}
	slices.Sort(names)
	return names, at
}

// markers is nil where the shard keeps none.
func (w *watch) markers() Markers {
	m, _ := w.shard.(Markers)
	return m
}

// lookAt asks all shards, in parallel, about participants that are not known for good.
func (c *Coordinator) lookAt(ctx context.Context, qs []*question) {
	names, at := c.byShard(qs, func(f finding) bool { return !f.final() })
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() {
			if err := c.lookAtShard(ctx, c.watchOf(name), at[name]); err != nil {
				for _, p := range at[name] {
					p.q.see(p.i, findUnasked)
					p.q.block(p.i, err)
				}
			}
		})
	}
	wg.Wait()
}

// lookAtShard lists the prepared branches first and reads the rows then: what is
// committed in between is found in its row.
func (c *Coordinator) lookAtShard(ctx context.Context, w *watch, places []place) error {
	if err := c.unlisted(w); err != nil {
		return err
	}
	listed, err := c.list(ctx, w)
	if err != nil {
		return err
	}
	prepared := setOf(listed)
	gtrids := make([]string, len(places))
	for k, p := range places {
		gtrids[k] = p.q.gtrid
	}
	rows, err := c.readMarkers(ctx, w, gtrids)
	if err != nil {
		return err
	}
	for _, p := range places {
		m, is := rows[p.q.gtrid]
		p.q.markers[p.i] = m
		p.q.see(p.i, findingOf(m, is, prepared[XID{FormatID, p.q.gtrid, w.shard.Name()}]))
	}
	return nil
}

// findingOf reads a row together with the prepared list that was made before it.
func findingOf(m Marker, is, prepared bool) finding {
	switch {
	case is && m.Committed && m.State == MarkerAborted:
		return findFenced
	case is && m.Committed:
		return findCommitted
	case is && m.State == MarkerAborted: // somebody's fence, not committed yet
		return findUnasked
	case prepared: // also without a row: then it was settled between the two looks
		return findPrepared
	case is:
		return findOpen
	}
	return findNothing
}

// readMarkers reads rows of one shard, by gtrid. A panic is an error.
func (c *Coordinator) readMarkers(ctx context.Context, w *watch, gtrids []string) (rows map[string]Marker, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read markers of shard %s: panic: %v", w.shard.Name(), p)
		}
	}()
	rows = make(map[string]Marker, len(gtrids))
	for part := range slices.Chunk(gtrids, markersAtATime) {
		got, err := c.readSomeMarkers(ctx, w, part)
		if err != nil {
			return nil, fmt.Errorf("read markers of shard %s: %w", w.shard.Name(), err)
		}
		for _, m := range got {
			rows[m.GTRID] = m
		}
	}
	return rows, nil
}

func (c *Coordinator) readSomeMarkers(ctx context.Context, w *watch, gtrids []string) ([]Marker, error) {
	ctx, cancel := within(ctx, c.o.Clock, c.o.ListTimeout)
	defer cancel()
	return w.markers().Markers(ctx, gtrids)
}

// remedyAll helps what has no verdict along. It says whether another look may show more.
func (c *Coordinator) remedyAll(ctx context.Context, qs []*question) (again bool) {
	todo := map[place]remedyKind{}
	for _, q := range qs {
		if q.verdict() != 0 {
			continue
		}
		for _, r := range q.remedies() {
			todo[place{q, r.i}] = r.kind
		}
	}
	names, at := c.byShard(qs, func(f finding) bool { return f == findNothing || f == findOpen })
	var wg sync.WaitGroup
	for _, name := range names {
		places := slices.DeleteFunc(at[name], func(p place) bool { _, ok := todo[p]; return !ok })
		if len(places) == 0 {
			continue
		}
		again = true
		w := c.watchOf(name)
		wg.Go(func() {
			left := c.fenceMany(ctx, w, places, todo)
			inParallel(c.o.MaxParallel, left, func(p place) { c.apply(ctx, w, p, todo[p]) })
		})
	}
	wg.Wait()
	return again
}

const fencesAtATime = 200

// fenceMany takes the fences among these places in few transactions, where the shard can. It returns
// the places that are left: those that need something else, or where a row of somebody stood in the way.
func (c *Coordinator) fenceMany(ctx context.Context, w *watch, places []place, todo map[place]remedyKind) (left []place) {
	f, ok := w.shard.(Fencer)
	var fences []place
	for _, p := range places {
		if ok && todo[p] == remedyFence {
			fences = append(fences, p)
		} else {
			left = append(left, p)
		}
	}
	if len(fences) < 2 {
		return places
	}
	for part := range slices.Chunk(fences, fencesAtATime) {
		ms := make([]Marker, len(part))
		for i, p := range part {
			ms[i] = c.fence(p)
		}
		if c.fenceAll(ctx, f, ms) {
			for _, p := range part {
				p.q.see(p.i, findFenced)
			}
			c.counters.fenced.Add(uint64(len(part)))
			c.o.Logger.Info("branches fenced off", "count", len(part), "first", part[0].q.gtrid, "shard", w.shard.Name())
		} else {
			left = append(left, part...)
		}
	}
	return left
}

// fenceAll does not say why it failed: each fence is tried by itself then.
func (c *Coordinator) fenceAll(ctx context.Context, f Fencer, ms []Marker) (done bool) {
	ctx, cancel := within(ctx, c.o.Clock, c.o.SettleTimeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			done = false
		}
	}()
	return f.FenceAll(ctx, ms).Result == Done
}

// fence is the row that takes the place of a branch's marker.
func (c *Coordinator) fence(p place) Marker {
	return Marker{GTRID: p.q.gtrid, State: MarkerAborted, Participants: p.q.participants, Coordinator: c.o.ID}
}

// apply carries out one remedy.
func (c *Coordinator) apply(ctx context.Context, w *watch, p place, kind remedyKind) {
	switch kind {
	case remedyEnd:
		if err := c.endOwner(ctx, w, p.q.markers[p.i]); err != nil {
			p.q.block(p.i, fmt.Errorf("end its session: %w", err))
		}
	case remedyFence:
		r := c.fenceOne(ctx, w, c.fence(p))
		if r.Result == Done {
			p.q.see(p.i, findFenced)
			c.counters.fenced.Add(1)
			c.o.Logger.Info("branch fenced off", "gtrid", p.q.gtrid, "shard", w.shard.Name())
			return
		}
		p.q.block(p.i, fmt.Errorf("fence: %w", orElse(r.Err, errors.New(r.Result.String()))))
	}
}

// fenceOne inserts a fence. A panic leaves it open whether it is in.
func (c *Coordinator) fenceOne(ctx context.Context, w *watch, m Marker) (r Reply) {
	ctx, cancel := within(ctx, c.o.Clock, c.o.SettleTimeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			r = Reply{Unknown, fmt.Errorf("panic: %v", v)}
		}
	}()
	return w.markers().Fence(ctx, m)
}

// endOwners ends the sessions that wrote the markers of these branches, so that
// the server lets go of them. One call for each session: its newest marker tells most.
func (c *Coordinator) endOwners(ctx context.Context, w *watch, tasks []task) {
	newest := map[uint64]Marker{}
	for _, t := range tasks {
		m := t.marker
		if m.Connection == 0 {
			continue
		}
		if old, ok := newest[m.Connection]; !ok || m.Age < old.Age {
			newest[m.Connection] = m
		}
	}
	ids := slices.Sorted(maps.Keys(newest))
	inParallel(c.o.MaxParallel, ids, func(id uint64) {
		if err := c.endOwner(ctx, w, newest[id]); err != nil {
			// Settling says so where it matters: the branch is still held.
			c.o.Logger.Debug("session of a branch could not be ended", "shard", w.shard.Name(), "connection", id, "err", err)
		}
	})
}

// endOwner ends one session. A panic is an error.
func (c *Coordinator) endOwner(ctx context.Context, w *watch, m Marker) (err error) {
	ctx, cancel := within(ctx, c.o.Clock, c.o.SettleTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return w.markers().EndOwner(ctx, m)
}

// outcomeOf a verdict, in the words of a commit.
func outcomeOf(v txlog.Verdict) Verdict {
	switch v {
	case txlog.Commit:
		return Committed
	case txlog.Rollback:
		return RolledBack
	}
	return InDoubt
}
