package admin

import (
	"context"
	"slices"
	"sync"
	"time"

	"lockstep/coordinator"
)

// Trail is what the proxy keeps of a transaction's client: as long as it is open or being
// committed, and for a while after its session left branches to the resolver.
type Trail struct {
	Live        bool              `json:"live"` // open, or being committed
	Session     uint32            `json:"session"`
	User        string            `json:"user"`
	Host        string            `json:"host"`
	Began       time.Time         `json:"began"`
	Statements  int               `json:"statements"`
	Digests     []string          `json:"digests"` // the first and the last ones, literals replaced by '?'
	Connections []TrailConnection `json:"connections"`
}

// TrailConnection is the server connection on which a branch was opened.
type TrailConnection struct {
	Shard      string `json:"shard"`
	Connection uint32 `json:"connection"`
}

// Marker is a row of lockstep.branch at one shard.
type Marker struct {
	Shard        string   `json:"shard"`
	State        string   `json:"state"`     // "voted", "token", "aborted"
	Committed    bool     `json:"committed"` // false: the branch that wrote it is open or prepared
	Participants []string `json:"participants"`
	Coordinator  string   `json:"coordinator"`
	Connection   uint64   `json:"connection"`
	Token        string   `json:"token,omitempty"`
	AgeSeconds   float64  `json:"age_seconds"`
}

// Holder is a server transaction that is, or may be, a branch.
type Holder struct {
	Shard        string  `json:"shard"`
	Transaction  string  `json:"transaction"` // the server's own id
	Connection   uint64  `json:"connection"`  // 0: of no session (detached)
	Certain      bool    `json:"certain"`     // false: the server does not say which of several it is
	State        string  `json:"state"`
	Seconds      float64 `json:"seconds"` // since it began, as far as the server knows
	RowsLocked   uint64  `json:"rows_locked"`
	RowsModified uint64  `json:"rows_modified"`
	TablesLocked uint64  `json:"tables_locked"`
}

// Waiter is a server session that waits for a lock of a Holder.
type Waiter struct {
	Shard      string  `json:"shard"`
	Connection uint64  `json:"connection"`
	User       string  `json:"user"`
	Host       string  `json:"host"`
	Statement  string  `json:"statement"`
	Seconds    float64 `json:"seconds"`
	Table      string  `json:"table"`
	Index      string  `json:"index"`
	For        string  `json:"waits_for"` // Holder.Transaction

	// The client that the session works for, where this proxy knows: its id, user and address here.
	Session     uint32 `json:"session,omitempty"`
	SessionUser string `json:"session_user,omitempty"`
	SessionHost string `json:"session_host,omitempty"`
}

// Locks are the holders and waiters of one transaction at one shard.
type Locks struct {
	Holders []Holder
	Waiters []Waiter
}

// Locker is a Lister that shows the locks of a branch. connection is the server connection on
// which it was opened, 0 where that is not known.
type Locker interface {
	Locks(ctx context.Context, xid coordinator.XID, connection uint32) (Locks, error)
}

// Clients is a Proxy that knows its clients' transactions.
type Clients interface {
	Trail(gtrid string) (Trail, bool)
	Client(shard string, connection uint32) (session uint32, user, host string, ok bool)
}

// Evidence is all that can be found out of one transaction beside the list and the log. What
// could not be found out is a warning, never a guess.
type Evidence struct {
	Trail   *Trail   `json:"trail"` // null: not known here
	Markers []Marker `json:"markers"`
	Holders []Holder `json:"holders"`
	Waiters []Waiter `json:"waiters"`
}

// evidence asks every shard. raw is the gtrid's bytes.
func (o *Operator) evidence(ctx context.Context, raw string, t Transaction) (e Evidence, warnings []string) {
	e = Evidence{Markers: []Marker{}, Holders: []Holder{}, Waiters: []Waiter{}}
	if o.Clients != nil {
		if tr, ok := o.Clients.Trail(raw); ok {
			e.Trail = &tr
		}
	}
	parts, said := make([]Evidence, len(o.Shards)), make([][]string, len(o.Shards))
	var wait sync.WaitGroup
	for i, s := range o.Shards {
		wait.Go(func() { parts[i], said[i] = o.evidenceAt(ctx, s, raw, t, e.Trail) })
	}
	wait.Wait()
	for i, p := range parts {
		e.Markers, e.Holders, e.Waiters = append(e.Markers, p.Markers...), append(e.Holders, p.Holders...), append(e.Waiters, p.Waiters...)
		warnings = append(warnings, said[i]...)
	}
	return e, warnings
}

// evidenceAt asks one shard.
func (o *Operator) evidenceAt(ctx context.Context, s Lister, raw string, t Transaction, trail *Trail) (e Evidence, warnings []string) {
	listed, err := s.Prepared(ctx)
	if err != nil {
		return e, nil // the list of transactions has said so
	}
	if m, ok := s.(coordinator.Markers); ok && t.Owner != coordinator.OwnerNobody {
		rows, err := m.Markers(ctx, []string{raw})
		if err != nil {
			warnings = append(warnings, "markers of shard "+s.Name()+": "+err.Error())
		}
		for _, r := range rows {
			e.Markers = append(e.Markers, markerOf(s.Name(), r))
		}
	}
	l, ok := s.(Locker)
	if !ok {
		return e, warnings
	}
	var connection uint32
	if trail != nil {
		for _, c := range trail.Connections {
			if c.Shard == s.Name() {
				connection = c.Connection
			}
		}
	}
	x := coordinator.XID{FormatID: coordinator.FormatID, GTRID: raw, BQUAL: s.Name()}
	i := slices.IndexFunc(listed, func(x coordinator.XID) bool {
		return x.GTRID == raw && (x.BQUAL == s.Name() || t.Owner == coordinator.OwnerNobody)
	})
	switch {
	case i >= 0:
		x = listed[i]
	case connection == 0 || !trail.Live:
		return e, warnings
	}
	found, err := l.Locks(ctx, x, connection)
	if err != nil {
		return e, append(warnings, "locks at shard "+s.Name()+": "+err.Error())
	}
	for _, h := range found.Holders {
		h.Shard = s.Name()
		if i >= 0 || h.Certain { // an open branch is nobody's detached transaction
			e.Holders = append(e.Holders, h)
		}
	}
	for _, w := range found.Waiters {
		if w.Shard = s.Name(); !slices.ContainsFunc(e.Holders, func(h Holder) bool { return h.Transaction == w.For }) {
			continue
		}
		if o.Clients != nil {
			if id, user, host, ok := o.Clients.Client(s.Name(), uint32(w.Connection)); ok {
				w.Session, w.SessionUser, w.SessionHost = id, user, host
			}
		}
		e.Waiters = append(e.Waiters, w)
	}
	return e, warnings
}

func markerOf(shard string, m coordinator.Marker) Marker {
	return Marker{
		Shard: shard, State: m.State.String(), Committed: m.Committed, Participants: append([]string{}, m.Participants...),
		Coordinator: m.Coordinator, Connection: m.Connection, Token: m.Token, AgeSeconds: m.Age.Seconds(),
	}
}
