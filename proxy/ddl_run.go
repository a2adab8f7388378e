package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lockstep/backend"
	"lockstep/coordinator"
	"lockstep/protocol"
	"lockstep/proxy/definition"
	"lockstep/sharding"
)

// Steps of a statement that changes definitions on several shards, for Options.Hook.
const (
	stepDefinitionRecorded coordinator.Step = "definition-recorded" // on k shards, none has run it
	stepDefinitionRun      coordinator.Step = "definition-run"      // on k shards, done or failed, not yet marked
	stepDefinitionMarked   coordinator.Step = "definition-marked"   // on k shards
	stepDefinitionRemoved  coordinator.Step = "definition-removed"  // the record, from k shards
)

// definitionRun is one statement on its way over the shards. See package definition for the order of things.
type definitionRun struct {
	s        *session
	st       *sharding.Statement
	rq       *request
	objects  []definition.Object
	id       string
	targets  []*definitionTarget
	settles  []string // records of earlier statements that this one settles
	recorded bool
	started  bool // something may have changed
	notes    *backend.Result
}

type definitionTarget struct {
	shard  *backend.Shard // with the connections of statements
	books  *backend.Shard // with a few of their own, for what is written down about it
	text   string
	state  *backend.State
	conn   *backend.Conn
	before []definition.Definition
	after  []definition.Definition
	open   []definition.Record // of earlier statements
	ok     protocol.OK
	err    error
}

func newDefinitionRun(s *session, st *sharding.Statement, rq *request, objects []definition.Object) *definitionRun {
	r := &definitionRun{s: s, st: st, rq: rq, objects: objects,
		id: fmt.Sprintf("%s.%s.%s.%d", s.p.cfg.Cluster, s.p.cfg.Coordinator, s.p.epoch, s.p.definitions.number.Add(1))}
	for i := range s.plan.Targets {
		target := &s.plan.Targets[i]
		sql := target.SQL
		if sql == nil {
			sql = rq.sql
		}
		r.targets = append(r.targets, &definitionTarget{shard: s.p.shards[target.Shard], books: s.p.idShards[target.Shard], text: string(sql), state: s.vars.state(target.Shard)})
	}
	return r
}

// each does something for all targets at once; the errors are in the targets' order.
func (r *definitionRun) each(f func(t *definitionTarget) error) []error {
	errs := make([]error, len(r.targets))
	var wait sync.WaitGroup
	for i, t := range r.targets {
		wait.Go(func() { errs[i] = f(t) })
	}
	wait.Wait()
	return errs
}

func (r *definitionRun) hook(step coordinator.Step, k int) {
	if h := r.s.p.hook; h != nil {
		h(step, k)
	}
}

// run runs the statement. It fails before anything has changed wherever that can be known before.
func (r *definitionRun) run() (protocol.OK, error) {
	defer r.release()
	if err := errors.Join(r.each(r.acquire)...); err != nil {
		return protocol.OK{}, firstOf(err)
	}
	if len(r.targets) > 1 {
		ctx, cancel := context.WithTimeout(r.s.ctx, definitionTime)
		defer cancel()
		if err := errors.Join(r.each(func(t *definitionTarget) error { return r.look(ctx, t) })...); err != nil {
			return protocol.OK{}, firstOf(err)
		}
		if err := r.check(); err != nil {
			return protocol.OK{}, err
		}
	}
	if len(r.targets) > 1 { // check may have left some out
		if err := r.record(); err != nil {
			return protocol.OK{}, err
		}
	}
	r.s.p.definitions.running.Add(1)
	defer r.s.p.definitions.running.Add(-1)
	r.started = true
	r.execute()
	return r.finish()
}

// firstOf is one of joined errors: a client is told one.
func firstOf(err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) && len(joined.Unwrap()) > 0 {
		return joined.Unwrap()[0]
	}
	return err
}

// acquire takes a connection, so that a shard that is down is known before anything is changed.
func (r *definitionRun) acquire(t *definitionTarget) error {
	conn, err := t.shard.Acquire(r.s.ctx, t.state, true)
	if err != nil {
		return err
	}
	t.conn = conn
	r.s.track(conn)
	return nil
}

func (r *definitionRun) release() {
	for _, t := range r.targets {
		r.leave(t)
	}
}

func (r *definitionRun) leave(t *definitionTarget) {
	if t.conn == nil {
		return
	}
	if strings.HasPrefix(r.st.DDL.Verb, "drop database") {
		t.conn.LeaveDatabase()
	}
	r.s.untrack(t.conn)
	t.conn.Release()
	t.conn = nil
}

// look reads how the objects are defined on the shard, and which earlier statements are not finished there.
func (r *definitionRun) look(ctx context.Context, t *definitionTarget) (err error) {
	if t.before, err = r.show(ctx, t); err != nil {
		return err
	}
	t.open, err = definition.Read(ctx, t.books)
	if definition.Unavailable(err) {
		return nil // none could be written either
	}
	return err
}

func (r *definitionRun) show(ctx context.Context, t *definitionTarget) ([]definition.Definition, error) {
	conn, err := t.books.Acquire(ctx, &backend.State{}, true)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	return definition.ShowAll(ctx, conn, r.s.p.names(), r.objects)
}

// check refuses what would make a difference between shards worse, and leaves out the shards that have it from an earlier
// try of the same statement.
func (r *definitionRun) check() error {
	verb := r.st.DDL.Verb
	drops := strings.HasPrefix(verb, "drop")
	done := map[string]bool{}
	for _, t := range r.targets {
		for _, open := range t.open {
			if !slices.ContainsFunc(open.Objects, func(o definition.Object) bool { return slices.ContainsFunc(r.objects, o.Touches()) }) {
				continue
			}
			same := open.Received == string(r.rq.sql) && slices.Equal(open.Objects, r.objects)
			switch {
			case open.Running:
				return notSupported("an earlier definition of %s still runs on shard %s (SHOW LOCKSTEP DDL): %s", open.Objects[0], open.Shard, open.Received)
			case same:
				if open.State == definition.Done {
					done[t.shard.Name()] = true
				}
			case drops, (r.st.DDL.IfExists || r.st.DDL.Replaces) && strings.HasPrefix(verb, "create"):
			default:
				return notSupported("an earlier definition of %s is unfinished, and some shards have it: repeat that one, or let lockstep schema repair settle it (%s)", open.Objects[0], open.Received)
			}
			if !slices.Contains(r.settles, open.ID) && settledBy(open.Objects, r.objects) {
				r.settles = append(r.settles, open.ID)
			}
		}
	}
	if len(done) > 0 {
		r.leaveOut(done)
		return nil
	}
	if drops || r.st.DDL.IfExists || r.st.DDL.Replaces || verb == "truncate table" {
		return nil
	}
	for i, o := range r.objects {
		for _, t := range r.targets[1:] {
			if a, b := r.targets[0], t; a.before[i] != b.before[i] {
				return notSupported("%s is not defined alike on shards %s and %s, so it cannot be changed on both; lockstep schema check shows what differs", o, a.shard.Name(), b.shard.Name())
			}
		}
	}
	return nil
}

// settledBy says whether a statement on these objects leaves nothing of an earlier one to settle.
func settledBy(earlier, objects []definition.Object) bool {
	for _, o := range earlier {
		if !slices.ContainsFunc(objects, func(p definition.Object) bool {
			return o == p || p.Kind == definition.Database && p.Database == o.Database
		}) {
			return false
		}
	}
	return true
}

// leaveOut drops targets that need nothing, unless that is all of them.
func (r *definitionRun) leaveOut(done map[string]bool) {
	var rest []*definitionTarget
	for _, t := range r.targets {
		if done[t.shard.Name()] {
			r.leave(t)
		} else {
			rest = append(rest, t)
		}
	}
	if len(rest) > 0 {
		r.targets = rest
	}
}

// markAfter is how long a shard that is done waits for the others before it says so: most statements are done everywhere by
// then, and their records go at once.
const markAfter = 200 * time.Millisecond

// execute runs the statement on every target at once.
func (r *definitionRun) execute() {
	var ran, failed, marked atomic.Int64
	all := make(chan struct{})
	r.each(func(t *definitionTarget) error {
		if t.ok, t.err = t.conn.Exec(r.s.ctx, t.text); t.err == nil && t == r.targets[0] && t.ok.Warnings > 0 {
			// One shard's stand for all. What is lost of them does not undo the definition.
			r.notes, _ = t.conn.Query(r.s.ctx, showWarnings, maxConditions)
		}
		if t.err != nil {
			failed.Add(1)
		}
		n := int(ran.Add(1))
		r.hook(stepDefinitionRun, n)
		r.leave(t)
		if n == len(r.targets) {
			close(all)
		}
		if !r.recorded {
			return nil
		}
		select {
		case <-all:
		case <-time.After(markAfter):
		}
		if int(ran.Load()) < len(r.targets) || failed.Load() > 0 {
			r.mark(t)
			r.hook(stepDefinitionMarked, int(marked.Add(1)))
		}
		return nil
	})
}

// mark notes how it went. Where the connection broke the server may still be at it: the row goes on saying intended.
func (r *definitionRun) mark(t *definitionTarget) {
	var said *protocol.ServerError
	if t.err != nil && (!errors.As(t.err, &said) || backend.EndsConnection(said)) {
		return
	}
	ctx, cancel := context.WithTimeout(r.s.p.ctx, definitionTime)
	defer cancel()
	if err := definition.Mark(ctx, t.books, r.id, t.err); err != nil {
		r.s.p.log.Warn("how a definition went could not be written down", "conn", r.s.id, "shard", t.shard.Name(), "err", err)
	}
}
