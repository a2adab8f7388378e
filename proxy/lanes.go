package proxy

import (
	"errors"
	"time"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// lanes are the shared server connections of a loop.
type lanes struct {
	loop    *frontLoop
	sets    map[laneKey]*laneSet
	dirty   []*lane
	ticking []*lane           // of tick
	count   map[int]int       // by shard, those that are being opened included
	pause   map[int]time.Time // by shard, where the last one could not be opened: when to try again
}

// laneKey is what sessions on one lane have in common.
type laneKey struct {
	shard int
	state *backend.State
}

// laneSet is the lanes of one key.
type laneSet struct {
	lanes   *lanes
	key     laneKey
	list    []*lane
	usual   time.Duration // a mean of what statements take, at most half a millisecond
	opening int
}

// Times of lanes.
const (
	laneTick  = 10 * time.Millisecond
	laneHold  = 5               // ticks without an answer: then a statement must not have others behind it
	laneStop  = 50              // the same where no other lane gets on either: the server is slow, not the statement
	laneRest  = 2 * time.Second // without a statement for so long, the connection goes back to the pool
	lanePause = time.Second     // before another one is opened, where that failed
)

func (ls *lanes) init(l *frontLoop) {
	ls.loop, ls.sets, ls.count = l, map[laneKey]*laneSet{}, map[int]int{}
	ls.pause = map[int]time.Time{}
	l.loop.AfterBatch(ls.flush)
	l.loop.EveryWhile(laneTick, ls.busy, ls.tick)
	l.loop.Every(idleTick, ls.rest)
}

// flush writes out what was added to lanes in this round.
func (ls *lanes) flush() {
	if len(ls.dirty) == 0 {
		return
	}
	now := time.Now()
	for i := 0; i < len(ls.dirty); i++ { // breaking up may serve others, who add
		ls.dirty[i].flush(now)
		ls.dirty[i] = nil
	}
	ls.dirty = ls.dirty[:0]
}

// add puts a session's statement on a lane; false: there is none for it now.
func (ls *lanes) add(s *session, st *sharding.Statement, target *sharding.Target, prepare string) bool {
	key := laneKey{target.Shard, s.vars.state(target.Shard)}
	set := ls.sets[key]
	if set == nil {
		if !ls.mayOpen(key.shard) {
			return false
		}
		set = &laneSet{lanes: ls, key: key}
		ls.sets[key] = set
	}
	l := set.best(prepare)
	if l == nil {
		return false
	}
	if err := l.add(s, st, target); err != nil {
		l.breakUp()
		return false
	}
	s.flight.on, s.flight.lane = true, l
	return true
}

// beyondUsual is what a statement took beyond what all of them take now, up to a bound: where the server's processors are
// short, everything waits for them.
func (set *laneSet) beyondUsual(took time.Duration) time.Duration {
	const most = 500 * time.Microsecond
	usual := set.usual
	set.usual += (min(took, most) - usual) / 64
	return took - 3*usual
}

// best is the lane with the fewest waiting that can take one more; nil: none can now. It has more opened while there are few.
func (set *laneSet) best(prepare string) *lane {
	var best, unprepared *lane
	preparing := false
	for _, l := range set.list {
		switch {
		case l.wanted != "":
			preparing = true
		case prepare != "" && !l.conn.HasPrepared(prepare):
			if unprepared == nil || l.waiting() < unprepared.waiting() {
				unprepared = l
			}
		case best == nil || l.waiting() < best.waiting():
			best = l
		}
	}
	if (best == nil || best.waiting() > 0) && unprepared != nil && !preparing {
		unprepared.wanted = prepare
		if unprepared.waiting() == 0 {
			set.prepare(unprepared)
		}
	}
	if len(set.list)+set.opening < set.lanes.loop.front.p.cfg.Pipeline.Connections && (best == nil || best.waiting() > 0) {
		set.open()
	}
	if best != nil && best.waiting() >= set.lanes.loop.front.p.cfg.Pipeline.Depth {
		return nil
	}
	return best
}

// mayOpen says whether a shard has a place for one more lane. Lanes leave at least half of its pool to others.
func (ls *lanes) mayOpen(shard int) bool {
	most := ls.loop.front.p.shards[shard].MaxConns() / 2 / len(ls.loop.front.loops)
	if ls.count[shard] >= most {
		return false
	}
	until, failed := ls.pause[shard]
	return !failed || time.Now().After(until)
}

// open takes one more connection from the pool.
func (set *laneSet) open() {
	ls, p := set.lanes, set.lanes.loop.front.p
	shard := p.shards[set.key.shard]
	if !ls.mayOpen(set.key.shard) {
		return
	}
	set.opening++
	ls.count[set.key.shard]++
	ls.loop.loop.Woke()
	p.running.Go(func() {
		conn, err := shard.Acquire(p.ctx, set.key.state, true)
		fit := err == nil && conn.MoveTo(ls.loop.loop)
		if !ls.loop.loop.Post(func() {
			set.opening--
			if !fit { // down, full, or not for loops: sessions meet the same, and say so
				ls.count[set.key.shard]--
				ls.pause[set.key.shard] = time.Now().Add(lanePause)
				set.forgetEmpty()
				if conn != nil {
					conn.Release()
				}
				return
			}
			delete(ls.pause, set.key.shard)
			set.join(&lane{set: set, conn: conn, rtt: conn.Event().RTT()})
		}) && conn != nil {
			conn.Discard()
		}
	})
}

// join makes a lane ready for sessions.
func (set *laneSet) join(l *lane) {
	l.removed, l.wanted, l.used = false, "", time.Now()
	set.list = append(set.list, l)
	l.conn.Event().Give(l)
}

// leave takes a lane out of the set, which keeps its place.
func (set *laneSet) leave(l *lane) {
	for i, o := range set.list {
		if o == l {
			set.list = append(set.list[:i], set.list[i+1:]...)
			break
		}
	}
	l.removed = true
}

// remove takes a lane out for good.
func (set *laneSet) remove(l *lane) {
	if l.removed {
		return
	}
	set.leave(l)
	set.lanes.count[set.key.shard]--
	set.forgetEmpty()
}

// forgetEmpty takes a set without lanes off the list: there is one for each state that clients ever set, and they are without end.
func (set *laneSet) forgetEmpty() {
	if len(set.list)+set.opening == 0 && set.lanes.sets[set.key] == set {
		delete(set.lanes.sets, set.key)
	}
}

// prepare has a goroutine prepare a statement on a lane that is empty.
func (set *laneSet) prepare(l *lane) {
	ls, sql := set.lanes, l.wanted
	set.leave(l)
	set.opening++
	l.conn.Event().Take()
	ls.loop.loop.Woke()
	p := ls.loop.front.p
	p.running.Go(func() {
		_, err := l.conn.Prepare(p.ctx, sql)
		if !ls.loop.loop.Post(func() {
			set.opening--
			if l.conn.Broken() || err != nil && !errors.As(err, new(*protocol.ServerError)) {
				ls.count[set.key.shard]--
				set.forgetEmpty()
				l.conn.Discard()
				return
			}
			set.join(l)
		}) {
			l.conn.Discard()
		}
	})
}

// odd is for a lane whose oldest answer cannot be passed on as the others are: it is too large, or not of a SELECT.
func (set *laneSet) odd(l *lane) {
	l.queue[l.first].st.Observed.HeldUp()
	set.part(l)
}

// part ends a lane with its oldest statement under way. Alone it goes on by itself; where others wait, all begin anew.
func (set *laneSet) part(l *lane) {
	if l.waiting() > 1 || l.queue[l.first].s == nil {
		l.breakUp()
		return
	}
	set.remove(l)
	p := l.pop()
	s := p.s
	s.flight.lane = nil
	s.flight.takeOver(lease{shard: set.key.shard, conn: l.conn}, p.st)
}

// busy says whether any lane has a statement under way.
func (ls *lanes) busy() bool {
	for _, set := range ls.sets {
		for _, l := range set.list {
			if l.waiting() > 0 {
				return true
			}
		}
	}
	return false
}

// tick looks for statements that hold others up. Ticks count, and not the clock: between two of them the loop has asked for
// what has arrived, so that it does not take its own delay for a server's.
func (ls *lanes) tick() {
	for _, set := range ls.sets {
		ls.ticking = append(ls.ticking[:0], set.list...) // parting changes the list
		for _, l := range ls.ticking {
			if l.waiting() == 0 || !l.began.Equal(l.seen) {
				l.seen, l.still = l.began, 0
				continue
			}
			if l.still++; l.still > laneStop || l.still > laneHold && set.othersMove(l) {
				l.queue[l.first].st.Observed.HeldUp()
				set.part(l)
			}
		}
	}
}

// othersMove says whether the server has answered on another lane while this one waited.
func (set *laneSet) othersMove(than *lane) bool {
	for _, l := range set.list {
		if l != than && l.moved.After(than.began.Add(laneHold*laneTick/2)) {
			return true
		}
	}
	return false
}

// rest gives back connections that nobody has used for a while, or that others wait for.
func (ls *lanes) rest() {
	now := time.Now()
	for _, set := range ls.sets {
		for _, l := range append([]*lane(nil), set.list...) {
			if l.waiting() == 0 && (now.Sub(l.used) > laneRest || l.conn.Shard().Wanted()) {
				set.remove(l)
				l.conn.Event().Take()
				l.conn.Release()
			}
		}
	}
}

// close gives up all lanes at the proxy's end.
func (ls *lanes) close() {
	for _, set := range ls.sets {
		for _, l := range append([]*lane(nil), set.list...) {
			l.breakUp()
		}
	}
}
