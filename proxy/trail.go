package proxy

import (
	"slices"
	"sync"
	"time"

	"lockstep/proxy/admin"
)

// Bounds of what is kept of transactions for operators.
const (
	trailHead  = 8    // a transaction's first statements
	trailTail  = 8    // and its last ones
	trailsLeft = 1024 // transactions whose session has left branches to the resolver
)

// trail is what an operator is shown of a live transaction: who runs it, the digests of its
// statements, and the server connections that hold its branches. It costs its statements a
// pointer each, and is read only when somebody asks.
type trail struct {
	mu sync.Mutex
	footprints
}

// footprints are what a trail holds.
type footprints struct {
	gtrid    string
	began    time.Time
	session  uint32
	user     string
	host     string
	first    [trailHead]string
	last     [trailTail]string // a ring, once first is full
	count    int
	branches []trailBranch
}

type trailBranch struct {
	shard      string
	connection uint32
}

// add notes a statement.
func (t *trail) add(digest string) {
	t.mu.Lock()
	if t.count < trailHead {
		t.first[t.count] = digest
	} else {
		t.last[(t.count-trailHead)%trailTail] = digest
	}
	t.count++
	t.mu.Unlock()
}

// undo takes the statement that was noted last back: it is going to be noted again.
func (t *trail) undo() {
	t.mu.Lock()
	t.count--
	t.mu.Unlock()
}

// opened notes a branch. The first one names the transaction, and begins to show it.
func (t *trail) opened(s *session, gtrid, shard string, connection uint32) {
	t.mu.Lock()
	first := t.gtrid == ""
	if first {
		t.gtrid, t.began, t.session, t.user, t.host = gtrid, time.Now(), s.id, s.user.Name, s.peer
		if t.count == 0 { // one statement, in a transaction of its own
			t.first[0], t.count = s.digest, 1
		}
	}
	t.branches = append(t.branches, trailBranch{shard, connection})
	t.mu.Unlock()
	if first {
		s.trail.Store(t)
	}
}

// shown is a copy for the admin port.
func (t *footprints) shown(live bool) admin.Trail {
	out := admin.Trail{
		Live: live, Session: t.session, User: t.user, Host: t.host, Began: t.began,
		Statements: t.count, Digests: []string{}, Connections: []admin.TrailConnection{},
	}
	out.Digests = append(out.Digests, t.first[:min(t.count, trailHead)]...)
	for i := max(trailHead, t.count-trailTail); i < t.count; i++ {
		out.Digests = append(out.Digests, t.last[(i-trailHead)%trailTail])
	}
	for _, b := range t.branches {
		out.Connections = append(out.Connections, admin.TrailConnection{Shard: b.shard, Connection: b.connection})
	}
	return out
}

// copy is the trail as it is now, without what its transaction holds.
func (t *trail) copy() *footprints {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.footprints
	c.branches = slices.Clone(c.branches)
	return &c
}

// trails keeps those of transactions that ended without their last word: in doubt, or with
// branches left to the resolver. The oldest makes room.
type trails struct {
	mu    sync.Mutex
	byID  map[string]*footprints
	order []string
}

func (k *trails) keep(of *trail) {
	t := of.copy()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = map[string]*footprints{}
	}
	if len(k.order) >= trailsLeft {
		delete(k.byID, k.order[0])
		k.order = append(k.order[:0], k.order[1:]...)
	}
	k.byID[t.gtrid] = t
	k.order = append(k.order, t.gtrid)
}

func (k *trails) find(gtrid string) *footprints {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.byID[gtrid]
}

// Trail answers what this proxy knows of a transaction's client: of one that is open or being
// committed, and for a while of one whose session has left branches to the resolver.
func (v adminView) Trail(gtrid string) (admin.Trail, bool) {
	for _, s := range v.p.sessions.all() {
		if t := s.trail.Load(); t != nil && t.gtrid == gtrid {
			return t.copy().shown(true), true
		}
	}
	if t := v.p.left.find(gtrid); t != nil {
		return t.shown(false), true
	}
	return admin.Trail{}, false
}

// Client answers which client a server connection works for right now.
func (v adminView) Client(shard string, connection uint32) (session uint32, user, host string, ok bool) {
	for _, s := range v.p.sessions.all() {
		s.mu.Lock()
		for _, c := range s.active {
			if c.ID() == connection && c.Shard().Name() == shard {
				session, user, host, ok = s.id, s.shown.user, s.shown.host, true
			}
		}
		s.mu.Unlock()
		if ok {
			return session, user, host, true
		}
	}
	return 0, "", "", false
}
