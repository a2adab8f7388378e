package coordinator

import "fmt"

// emit takes a successor, with the words for the step that led there.
type emit func(step string, s modelState)

// driverSteps are the steps of the coordinator's process and of its connections.
func (m *model) driverSteps(s modelState, out emit) {
	d := &s.driver
	if d.alive && !d.reborn {
		if d.state == stateNew {
			m.feed(s, event{kind: evStart}, "client says COMMIT", out)
		}
		if d.appending {
			t := s
			t.driver.appending, t.durable = false, true
			m.feed(t, event{kind: evDurable}, "log is durable", out)
			t = s
			t.driver.appending = false
			m.feed(t, event{kind: evNotDurable, err: errModel}, "log refuses", out)
			m.feed(t, event{kind: evUnsure, err: errModel}, "log fails, nothing is on disk", out)
			t.durable = true
			m.feed(t, event{kind: evUnsure, err: errModel}, "log fails, decision is on disk", out)
			if s.crashes > 0 { // the write reached the disk, nobody heard
				t.driver.alive = false
				t.crashes--
				out("coordinator dies, decision is on disk", t)
			}
		}
		for i := range d.legs {
			m.answerSteps(s, i, out)
		}
	}
	if d.alive && s.crashes > 0 {
		t := s
		t.crashes--
		t.driver.alive = false
		t.resolvers[0] = resolverState{}
		out("coordinator dies", t)
	}
	if !d.alive && !m.gone {
		t := s
		t.driver.alive, t.driver.reborn = true, true
		out("coordinator starts again", t)
	}
}

// answerSteps: an answer arrives, or the connection breaks before it does.
func (m *model) answerSteps(s modelState, i int, out emit) {
	d := &s.driver
	leg := d.legs[i]
	if d.waiting[i] == noVerb {
		return
	}
	if leg.answer != 0 && !leg.broken {
		t := s
		t.driver.legs[i].answer = 0
		m.feed(t, m.answerEvent(d.waiting[i], i, leg.answer), fmt.Sprintf("answer of s%d: %s", i+1, leg.answer), out)
	}
	if leg.broken {
		m.feed(s, m.answerEvent(d.waiting[i], i, Unknown), fmt.Sprintf("no answer of s%d", i+1), out)
	} else if s.breaks > 0 {
		t := s
		t.breaks--
		t.driver.legs[i].broken = true
		t.driver.legs[i].answer = 0
		out(fmt.Sprintf("connection to s%d breaks", i+1), t)
	}
}

func (m *model) answerEvent(v verb, i int, r Result) event {
	e := event{i: i, reply: Reply{Result: r, Err: errModel}}
	switch v {
	case verbVote, verbPrepare:
		e.kind = evVoted
	default:
		e.kind = evAnswered
	}
	return e
}

// feed steps the real machine and turns its effects into messages.
func (m *model) feed(s modelState, e event, step string, out emit) {
	x := m.machine(&s.driver)
	if e.kind == evVoted || e.kind == evAnswered {
		s.driver.waiting[e.i] = noVerb
	}
	for queue := []event{e}; len(queue) > 0; queue = queue[1:] {
		effects, err := x.step(queue[0])
		if err != nil {
			panic(fmt.Sprintf("%s: %v", step, err))
		}
		for _, f := range effects {
			switch f.kind {
			case doPrepare:
				if m.three {
					m.send(&s, f.i, verbVote)
				} else {
					m.send(&s, f.i, verbPrepare)
				}
			case doCommit, doRetry:
				m.send(&s, f.i, verbCommit)
			case doRollback:
				m.send(&s, f.i, verbRollback)
			case doAdmit:
				queue = append(queue, event{kind: evAdmitted})
			case doAppend:
				s.driver.appending = true
			case doInquire:
				s.driver.inquiring = true
				s.resolvers[0] = resolverState{at: resLook}
			case doLeave: // its connection is closed: the server notices some time
				s.driver.legs[f.i].broken = true
				s.driver.legs[f.i].answer = 0
				s.driver.waiting[f.i] = noVerb
			case doForget: // records of finished transactions matter to nobody
			case doFinish:
			}
		}
	}
	s.driver.state, s.driver.outcome = x.state, x.outcome
	copy(s.driver.branches[:], x.branches)
	if x.outcome != 0 {
		s.told = x.outcome
	}
	out(step, s)
}

func (m *model) send(s *modelState, i int, v verb) {
	s.driver.waiting[i] = v
	if !s.driver.legs[i].broken {
		s.driver.legs[i].request = v
	}
}

// serverSteps are the steps of one shard.
func (m *model) serverSteps(s modelState, i int, out emit) {
	name := fmt.Sprintf("s%d", i+1)
	v := s.servers[i]
	leg := s.driver.legs[i]
	if leg.request != noVerb && v.session {
		for _, r := range m.executed(s, i) {
			out(fmt.Sprintf("%s executes verb %d", name, leg.request), r)
		}
	}
	if v.session && (leg.broken || !s.driver.alive || s.driver.reborn) {
		t := s
		m.endSession(&t, i)
		out(name+" notices that the session is gone", t)
	}
	if v.detaching {
		t := s
		t.servers[i].detaching = false
		out(name+"'s engine lets go of the branch", t)
	}
	if s.reboots > 0 {
		t := s
		t.reboots--
		if v.session {
			m.endSession(&t, i)
		}
		t.servers[i].detaching, t.servers[i].hidden = false, false
		t.driver.legs[i].broken = true
		t.driver.legs[i].answer = 0
		out(name+" crashes and starts again", t)
	}
}

// executed: what a request may lead to.
func (m *model) executed(s modelState, i int) (out []modelState) {
	request := s.driver.legs[i].request
	s.driver.legs[i].request = noVerb
	v := s.servers[i]
	add := func(to branchAt, marker markerAt, r Result) {
		t := s
		t.servers[i].branch, t.servers[i].marker = to, marker
		t.servers[i].was = v.was || to == atPrepared
		if !t.driver.legs[i].broken && t.driver.alive {
			t.driver.legs[i].answer = r
		}
		out = append(out, t)
	}
	switch request {
	case verbVote: // the server runs one statement after the other, and stops at the first that fails
		switch {
		case v.branch == atActive && v.marker == noMarker:
			t := s
			t.servers[i].branch, t.servers[i].marker = atMarked, openMarker
			t.driver.legs[i].request = verbPrepare
			out = append(out, t)
		case v.branch == atActive && m.mistake == prepareWithoutMarker:
			t := s
			t.driver.legs[i].request = verbPrepare
			out = append(out, t)
		default:
			add(v.branch, v.marker, Refused) // the fence was there, or the branch is gone
		}
	case verbPrepare:
		if v.branch == atActive || v.branch == atMarked {
			add(atPrepared, v.marker, Done)
			add(atRolledBack, noMarkerOr(v.marker), Refused)
		} else {
			add(v.branch, v.marker, Refused)
		}
	case verbCommit:
		if v.branch == atPrepared {
			add(atCommitted, committedOr(v.marker), Done)
		} else {
			add(v.branch, v.marker, Unknown)
		}
	case verbRollback:
		switch v.branch {
		case atPrepared, atActive, atMarked:
			add(atRolledBack, noMarkerOr(v.marker), Done)
		case atRolledBack:
			add(v.branch, v.marker, Done)
		default:
			add(v.branch, v.marker, Unknown)
		}
	}
	return out
}

func noMarkerOr(m markerAt) markerAt {
	if m == openMarker {
		return noMarker
	}
	return m
}

func committedOr(m markerAt) markerAt {
	if m == openMarker {
		return committedMarker
	}
	return m
}

// endSession: what is not prepared is rolled back.
func (m *model) endSession(s *modelState, i int) {
	v := &s.servers[i]
	v.session = false
	s.driver.legs[i].request = noVerb
	s.driver.legs[i].broken = true
	s.driver.legs[i].answer = 0
	switch v.branch {
	case atActive, atMarked:
		v.branch, v.marker = atRolledBack, noMarkerOr(v.marker)
	case atPrepared:
		v.detaching = !m.mysql
	}
}
