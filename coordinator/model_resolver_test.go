package coordinator

import (
	"fmt"

	"lockstep/txlog"
)

// resolverSteps are the steps of resolver k. Each look and each deed is a step of its own.
func (m *model) resolverSteps(s modelState, k int, out emit) {
	if k == 0 && !s.driver.alive || k == 1 && !m.three {
		return
	}
	r := &s.resolvers[k]
	who := [...]string{"resolver", "other proxy"}[k]
	put := func(step string, change func(t *modelState, r *resolverState)) {
		t := s
		change(&t, &t.resolvers[k])
		out(who+" "+step, t)
	}
	v := &s.servers[r.shard]
	switch r.at {
	case resIdle:
		if k == 0 && s.driver.inquiring {
			return
		}
		for i := range int8(modelShards) {
			if s.servers[i].listed() {
				put(fmt.Sprintf("finds s%d prepared", i+1), func(_ *modelState, r *resolverState) { *r = resolverState{at: resListed, shard: i} })
			}
		}
		if k == 1 {
			m.purgeSteps(s, put)
		}
	case resListed:
		m.examineStep(s, k, put)
	case resLook:
		put(fmt.Sprintf("lists s%d", r.next+1), func(t *modelState, r *resolverState) {
			r.saw, r.at = t.servers[r.next].listed(), resLook2
		})
	case resLook2:
		put(fmt.Sprintf("reads marker of s%d", r.next+1), func(t *modelState, r *resolverState) { m.readMarker(t, k) })
	case resRemedy:
		m.remedySteps(s, k, put)
	case resAgain:
		put("lists again", func(t *modelState, r *resolverState) {
			if r.at = resFree; !t.servers[r.shard].listed() {
				*r = resolverState{}
			}
		})
	case resFree:
		if v.session && !m.mysql { // its owner is ended first
			put("ends the owner", func(t *modelState, r *resolverState) { m.endSession(t, int(r.shard)) })
		}
		if m.mysql || !v.session && !v.detaching {
			put("sees the branch free", func(_ *modelState, r *resolverState) { r.at = resSettle })
		}
	case resSettle:
		put(fmt.Sprintf("settles s%d", r.shard+1), func(t *modelState, r *resolverState) { m.settle(t, k) })
	}
}

func (v *serverState) listed() bool { return v.branch == atPrepared && !v.hidden }

// examineStep joins what was listed with who is live and with the log, by the real rule.
func (m *model) examineStep(s modelState, k int, put func(string, func(*modelState, *resolverState))) {
	e := evidence{owner: OwnerOther}
	if k == 0 {
		e.owner, e.live = OwnerOurs, s.driver.live()
		if s.driver.reborn {
			e.owner = OwnerOlder
		}
		if s.durable {
			e.decided, e.decision = true, txlog.Decision{Verdict: txlog.Commit}
		}
		if s.driver.state == stateHeld && !s.driver.reborn {
			e.held = "held"
		}
	}
	j := judge(e)
	three := s.servers[s.resolvers[k].shard].marker != noMarker
	switch {
	case j.open && three: // both of patience's cases: waiting is not a step
		put("asks the participants", func(_ *modelState, r *resolverState) { r.at = resLook })
	case j.verdict != 0:
		put("has a verdict: "+j.why, func(_ *modelState, r *resolverState) { r.at, r.verdict = resAgain, int8(j.verdict) })
	default:
		put("leaves it alone: "+j.why, func(_ *modelState, r *resolverState) { *r = resolverState{} })
	}
}

// readMarker ends the look at one shard; after the last, what was found counts.
func (m *model) readMarker(t *modelState, k int) {
	r := &t.resolvers[k]
	v := &t.servers[r.next]
	row := Marker{State: MarkerVoted, Committed: v.marker == committedMarker}
	if v.marker == fenceMarker {
		row.State, row.Committed = MarkerAborted, true
	}
	q := r.inquiry()
	q.see(int(r.next), findingOf(row, v.marker != noMarker, r.saw))
	copy(r.found[:], q.found)
	r.saw = false
	for r.next++; r.next < modelShards; r.next++ {
		if !r.found[r.next].final() {
			r.at = resLook
			return
		}
	}
	r.next = 0
	m.conclude(t, k, q)
}

func (m *model) conclude(t *modelState, k int, q *inquiry) {
	r := &t.resolvers[k]
	switch v := q.verdict(); {
	case v == 0:
		r.at = resRemedy
	case k == 0 && t.driver.inquiring:
		r.at, r.verdict = resIdle, int8(v) // feedVerdict takes it
	default:
		r.at, r.verdict, r.found = resAgain, int8(v), [modelShards]finding{}
	}
}

// feedVerdict hands the result of the coordinator's own inquiry to its machine.
func (m *model) feedVerdict(s modelState, out emit) {
	r := s.resolvers[0]
	if !s.driver.alive || !s.driver.inquiring || r.at != resIdle && r.at != resRemedy {
		return
	}
	e := event{kind: evFound, verdict: outcomeOf(txlog.Verdict(r.verdict)), err: errModel}
	if r.at == resRemedy { // its time is over
		e.verdict = InDoubt
	}
	s.driver.inquiring = false
	s.resolvers[0] = resolverState{}
	m.feed(s, e, "coordinator hears: "+e.verdict.String(), out)
}

func (m *model) remedySteps(s modelState, k int, put func(string, func(*modelState, *resolverState))) {
	q := s.resolvers[k].inquiry()
	for _, a := range q.remedies() {
		i := int8(a.i)
		switch a.kind {
		case remedyEnd:
			put(fmt.Sprintf("ends the session of s%d", i+1), func(t *modelState, r *resolverState) {
				if t.servers[i].session {
					m.endSession(t, int(i))
				}
				r.look(i)
			})
		case remedyFence:
			put(fmt.Sprintf("fences s%d", i+1), func(t *modelState, r *resolverState) {
				if t.servers[i].marker == noMarker {
					t.servers[i].marker = fenceMarker
					q := r.inquiry()
					q.see(int(i), findFenced)
					copy(r.found[:], q.found)
					m.conclude(t, k, q)
					return
				}
				r.look(i)
			})
		case remedyAsk:
		}
	}
}

// purgeSteps: a fence that is old enough is deleted, when nothing of its transaction is prepared and the branch that
// it stands against is gone.
func (m *model) purgeSteps(s modelState, put func(string, func(*modelState, *resolverState))) {
	for i, v := range s.servers {
		here := v.branch == atActive || v.branch == atMarked || v.branch == atPrepared
		if v.marker != fenceMarker || s.servers[0].listed() || s.servers[1].listed() || here && m.mistake != purgeOfActive {
			continue
		}
		put(fmt.Sprintf("purges the fence of s%d", i+1), func(t *modelState, _ *resolverState) { t.servers[i].marker = noMarker })
	}
}

func (r *resolverState) look(i int8) { r.at, r.next, r.saw = resLook, i, false }

// settle as the server does it.
func (m *model) settle(t *modelState, k int) {
	r := &t.resolvers[k]
	v := &t.servers[r.shard]
	if v.listed() && (m.mysql || !v.session) {
		switch {
		case v.detaching: // answers OK and does nothing
			v.hidden = true
		case txlog.Verdict(r.verdict) == txlog.Commit:
			v.branch, v.marker = atCommitted, committedOr(v.marker)
		default:
			v.branch, v.marker = atRolledBack, noMarkerOr(v.marker)
		}
	}
	*r = resolverState{}
}
