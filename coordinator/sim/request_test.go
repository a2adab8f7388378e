package sim

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// verb is what a request asks of a server, or of the disk.
type verb uint8

const (
	verbOpen     verb = iota // connect, XA START, change a row
	verbVote                 // INSERT of the marker, XA END, XA PREPARE
	verbPrepare              // XA END, XA PREPARE
	verbCommit               // XA COMMIT by the session that prepared
	verbRollback             // XA END, XA ROLLBACK by the branch's own session
	verbOnePhase             // INSERT of the marker, XA END, XA COMMIT ONE PHASE
	verbList                 // XA RECOVER
	verbFree
	verbSettle
	verbMarkers
	verbFence
	verbFenceAll
	verbEndOwner
	verbOldMarkers
	verbAbsent
	verbPurge
	verbToken
	verbFenceToken
	verbAppend // to the log
	verbSync   // of a real log: the decision is in the file, nobody knows of it
	verbGate   // is held
	verbCount
)

var verbNames = [verbCount]string{"open", "vote", "prepare", "commit", "rollback", "one-phase", "list", "free", "settle",
	"markers", "fence", "fence-all", "end-owner", "old-markers", "absent", "purge", "token", "fence-token", "append", "written", "gate held"}

func (v verb) String() string { return verbNames[v] }

// requestState is how far a request is.
//
//	sent ─▶ waiting ─▶ answered ─▶ over
//	  └───────┴─────────┴─(lost)────▲
type requestState uint8

const (
	sent     requestState = iota // on its way
	waiting                      // the server works on it, or it waits for a lock
	answered                     // the answer is on its way
	over
)

// request is one call of the code under test to the outside. Its caller is blocked.
type request struct {
	number int
	life   *life
	actor  string // who called, where one process has several
	verb   verb
	to     *server
	sess   *session // nil: over a connection of its own
	ctx    context.Context

	gtrid   string
	xids    []coordinator.XID
	gtrids  []string
	verdict txlog.Verdict
	marker  coordinator.Marker
	rows    []coordinator.Marker // of a fence-all
	token   string
	key     int
	keep    [2]time.Duration
	limit   int
	entry   txlog.Decision

	state  requestState
	marked bool // the first of its statements, the marker's INSERT, is done
	orphan bool // the caller is gone
	stuck  bool // still in its frozen process
	born   time.Duration
	held   []*branch // what Free waits for
	result result
	done   chan struct{}
}

// result of a request.
type result struct {
	reply   coordinator.Reply
	lost    bool // no answer came
	unsent  bool // and the request certainly never arrived
	err     error
	sess    *session
	xids    []coordinator.XID
	gtrids  []string
	markers []coordinator.Marker
}

var (
	errLost   = errors.New("connection lost")
	errUnsent = errors.New("cannot connect")
)

type actorKey struct{}

// as names the actor in whose name ctx is used, so that two requests of one step can be told apart.
func as(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// call blocks until the scheduler has let the request happen.
func (l *life) call(ctx context.Context, r *request) result { return l.send(ctx, r)() }

// send does not block; the returned function does.
func (l *life) send(ctx context.Context, r *request) (receive func() result) {
	r.life, r.ctx, r.done = l, ctx, make(chan struct{})
	r.actor, _ = ctx.Value(actorKey{}).(string)
	l.w.mu.Lock()
	if l.dead {
		l.w.mu.Unlock()
		return func() result { return result{lost: true, unsent: true} }
	}
	l.w.incoming = append(l.w.incoming, r)
	l.w.mu.Unlock()
	return func() result {
		<-r.done
		return r.result
	}
}

// absorb takes in what the code under test asked for since the last step, in an order that does
// not depend on which of its goroutines ran first.
func (w *world) absorb() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.incoming) > 1 {
		slices.SortStableFunc(w.incoming, compareRequests)
	}
	for _, r := range w.incoming {
		w.number++
		r.number, r.born = w.number, w.now
		w.requests = append(w.requests, r)
		if r.verb == verbGate {
			w.checkGate(r.life)
		}
		if r.verb == verbSync {
			w.decided(r.life.granted)
		}
		if w.trace != nil {
			w.tell(r.life.name, "→ %s", r)
		}
	}
	clear(w.incoming)
	w.incoming = w.incoming[:0]
	if len(w.notes) > 0 {
		slices.Sort(w.notes)
		for _, n := range w.notes {
			w.tell("", "%s", n)
		}
		w.notes = w.notes[:0]
	}
}

func compareRequests(a, b *request) int {
	return cmp.Or(
		cmp.Compare(a.life.serial, b.life.serial), cmp.Compare(a.verb, b.verb), compareServers(a.to, b.to),
		strings.Compare(a.gtrid, b.gtrid), strings.Compare(a.actor, b.actor), strings.Compare(a.token, b.token),
		slices.Compare(a.gtrids, b.gtrids), slices.CompareFunc(a.xids, b.xids, compareXIDs),
	)
}

func compareServers(a, b *server) int {
	if a == nil || b == nil {
		return 0 // both are appends
	}
	return cmp.Compare(a.index, b.index)
}

func compareXIDs(a, b coordinator.XID) int {
	return cmp.Or(cmp.Compare(a.FormatID, b.FormatID), strings.Compare(a.GTRID, b.GTRID), strings.Compare(a.BQUAL, b.BQUAL))
}

func (r *request) String() string {
	var b strings.Builder
	b.WriteString(r.verb.String())
	if r.verb == verbSettle {
		b.WriteString(" " + r.verdict.String())
	}
	if r.gtrid != "" {
		b.WriteString(" " + short(r.gtrid))
	}
	for _, g := range r.gtrids {
		b.WriteString(" " + short(g))
	}
	for _, x := range r.xids {
		b.WriteString(" " + short(x.GTRID))
	}
	if r.token != "" {
		b.WriteString(" " + r.token)
	}
	if r.to != nil {
		b.WriteString(" at " + r.to.name)
	}
	if r.actor != "" {
		b.WriteString(" for " + r.actor)
	}
	return b.String()
}

// short is a gtrid without its cluster.
func short(gtrid string) string { return strings.TrimPrefix(gtrid, cluster+".") }

// finish gives the caller its result; in a frozen process it comes when that wakes up.
func (w *world) finish(r *request, res result) {
	r.state = over
	if r.orphan {
		return
	}
	if r.life.frozen {
		r.state, r.result = answered, res
		return
	}
	r.result = res
	w.answers = append(w.answers, r)
	if w.trace != nil {
		w.tell(r.life.name, "← %s: %s", r, res)
	}
}

func (res result) String() string {
	switch {
	case res.unsent:
		return "cannot connect"
	case res.lost:
		return "no answer"
	case res.err != nil:
		return res.err.Error()
	case res.reply.Result != 0 && res.reply.Err != nil:
		return res.reply.Result.String() + " (" + res.reply.Err.Error() + ")"
	case res.reply.Result != 0:
		return res.reply.Result.String()
	}
	var b strings.Builder
	b.WriteString("ok")
	for _, x := range res.xids {
		b.WriteString(" " + short(x.GTRID))
	}
	for _, m := range res.markers {
		b.WriteString(" " + short(m.GTRID) + "=" + m.State.String())
		if !m.Committed {
			b.WriteString("?")
		}
	}
	return b.String()
}

// abandon lets the caller go on without an answer; the request may still arrive.
func (w *world) abandon(r *request) {
	was := r.state
	w.finish(r, result{lost: true})
	if (was == sent || was == waiting) && r.verb != verbAppend { // the log's writer does not take it any more
		r.state, r.orphan = was, true
	}
	if r.sess != nil {
		r.sess.closed.Store(true)
	}
}

// sweep drops what is over.
func (w *world) sweep() {
	w.requests = slices.DeleteFunc(w.requests, func(r *request) bool { return r.state == over })
}
