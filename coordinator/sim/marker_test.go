package sim

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// row of lockstep.branch. Unique are (gtrid, shard) and (token, shard).
type row struct {
	coordinator.Marker
	b       *branch // whose it is while that is open or prepared; nil: committed
	created time.Duration
}

var errHeld = errors.New("sessions still hold prepared transactions")

// rowState is what an INSERT finds.
type rowState uint8

const (
	rowNone  rowState = iota
	rowOpen           // of a transaction that has not ended: the INSERT waits
	rowThere          // committed: 1062
)

// conflict of an INSERT by b, or by nobody's branch, with what is there.
func (s *server) conflict(b *branch, gtrid, token string) rowState {
	found := rowNone
	for _, m := range s.markers {
		if m.GTRID != gtrid && (token == "" || m.Token != token) {
			continue
		}
		if m.b == nil || m.b == b {
			return rowThere
		}
		found = rowOpen
	}
	return found
}

// seen is a row as a dirty read shows it.
func (s *server) seen(m *row) coordinator.Marker {
	out := m.Marker
	out.Committed = m.b == nil
	out.Participants = slices.Clone(m.Participants)
	out.Age = s.w.now - m.created
	return out
}

// vote is all statements of one request: INSERT of the marker where there is one, XA END, and XA PREPARE or XA COMMIT
// ONE PHASE. They run one after the other, up to the first that fails; anything may happen between the first and the rest.
func (s *server) vote(r *request) bool {
	b := r.sess.b
	answer := func(result coordinator.Result, err error) bool {
		r.result.reply = coordinator.Reply{Result: result, Err: err}
		return true
	}
	if b == nil || b.status != active {
		return answer(coordinator.Refused, errNota)
	}
	if r.verb != verbPrepare && !r.marked {
		switch s.conflict(b, r.gtrid, r.marker.Token) {
		case rowOpen:
			return false
		case rowThere:
			return answer(coordinator.Refused, errDup)
		}
		m := r.marker
		m.Connection = r.sess.id
		s.markers = append(s.markers, &row{m, b, s.w.now})
		r.marked = true
		return false
	}
	if r.verb == verbOnePhase {
		b.was = true
		b.verdict(txlog.Commit)
		return answer(coordinator.Done, nil)
	}
	r.result.reply = b.prepare()
	return true
}

// endMarker of a branch that ends: its row is committed or gone.
func (s *server) endMarker(b *branch) {
	s.markers = slices.DeleteFunc(s.markers, func(m *row) bool { return m.b == b && b.status == rolledBack })
	for _, m := range s.markers {
		if m.b == b {
			m.b = nil
		}
	}
}

// A fence of a token has no transaction: it takes a name that none has.
func (r *request) fenceKey() string {
	if r.verb == verbFenceToken {
		return "token:" + r.token
	}
	return r.marker.GTRID
}

func (r *request) fenceToken() string {
	if r.verb == verbFenceToken {
		return r.token
	}
	return ""
}

// fence is the INSERT from outside of any branch.
func (s *server) fence(r *request) bool {
	if r.verb == verbFence {
		s.w.touches(r.marker.GTRID, "fence", s)
	}
	switch s.conflict(nil, r.fenceKey(), r.fenceToken()) {
	case rowOpen: // it does not wait
		r.result.reply = coordinator.Reply{Result: coordinator.Retry, Err: errLockWait}
	case rowThere:
		r.result.reply = coordinator.Reply{Result: coordinator.Refused, Err: errDup}
	default:
		m := r.marker
		m.GTRID, m.Token, m.State, m.Connection = r.fenceKey(), r.fenceToken(), coordinator.MarkerAborted, 0
		s.markers = append(s.markers, &row{m, nil, s.w.now})
		if t := s.w.byGTRID[m.GTRID]; t != nil {
			t.fenced = append(t.fenced, s)
		}
		r.result.reply = coordinator.Reply{Result: coordinator.Done}
	}
	return true
}

// fenceAll is one INSERT of many rows: all or none.
func (s *server) fenceAll(r *request) bool {
	for _, m := range r.rows {
		s.w.touches(m.GTRID, "fence", s)
	}
	for _, m := range r.rows {
		switch s.conflict(nil, m.GTRID, "") {
		case rowOpen:
			r.result.reply = coordinator.Reply{Result: coordinator.Retry, Err: errLockWait}
			return true
		case rowThere:
			r.result.reply = coordinator.Reply{Result: coordinator.Refused, Err: errDup}
			return true
		}
	}
	for _, m := range r.rows {
		one := *r
		one.verb, one.gtrid, one.marker = verbFence, m.GTRID, m
		s.fence(&one)
	}
	r.result.reply = coordinator.Reply{Result: coordinator.Done}
	return true
}

// owner is the session that wrote a marker, if it is there and its row is not committed.
func (s *server) owner(m coordinator.Marker) *session {
	for _, r := range s.markers {
		if r.GTRID != m.GTRID || r.b == nil || r.Connection != m.Connection {
			continue
		}
		for _, sess := range s.sessions {
			if sess.b == r.b {
				return sess
			}
		}
	}
	return nil
}

// endOwner is KILL, and a wait until the session is gone.
func (s *server) endOwner(r *request) bool {
	s.w.touches(r.marker.GTRID, "end the owner of", s)
	sess := s.owner(r.marker)
	if sess != nil {
		sess.killed = true
	}
	return sess == nil
}

func (s *server) oldMarkers(keep, keepToken time.Duration, limit int) (out []coordinator.Marker) {
	for _, m := range s.markers {
		k := keep
		if m.Token != "" {
			k = keepToken
		}
		if m.b == nil && s.w.now-m.created > k {
			out = append(out, s.seen(m))
		}
	}
	slices.SortStableFunc(out, func(a, b coordinator.Marker) int { return -cmp.Compare(a.Age, b.Age) })
	return out[:min(len(out), limit)]
}

func (s *server) purge(gtrids []string) {
	for _, g := range gtrids {
		for _, m := range s.markers {
			if m.GTRID == g {
				s.w.purged(g, s)
			}
		}
	}
	s.markers = slices.DeleteFunc(s.markers, func(m *row) bool { return m.b == nil && slices.Contains(gtrids, m.GTRID) })
}
