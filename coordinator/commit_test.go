package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/txlog"
)

func TestMain(m *testing.M) {
	panicOnAssertion = true
	goleakMain(m)
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// memoryLog is a decision log without a disk.
type memoryLog struct {
	mu        sync.Mutex
	decisions map[string]txlog.Decision
	epochs    []string
	forgotten []string
	fail      error // of the next Append
	block     chan struct{}
	lookups   map[string]error
}

func newMemoryLog(epochs ...string) *memoryLog {
	return &memoryLog{decisions: map[string]txlog.Decision{}, epochs: epochs, lookups: map[string]error{}}
}

func (l *memoryLog) Append(ctx context.Context, d txlog.Decision) error {
	if l.block != nil {
		<-l.block
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	if old, ok := l.decisions[d.GTRID]; ok && old.Verdict == txlog.Rollback && d.Verdict == txlog.Commit {
		return &txlog.ConflictError{GTRID: d.GTRID, Have: old.Verdict}
	}
	l.decisions[d.GTRID] = d
	return nil
}

func (l *memoryLog) Forget(g string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.decisions, g)
	l.forgotten = append(l.forgotten, g)
}

func (l *memoryLog) Lookup(g string) (txlog.Decision, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.decisions[g]
	return d, ok, l.lookups[g]
}

func (l *memoryLog) Epochs() ([]string, error) { return l.epochs, nil }

func (l *memoryLog) Decisions(yield func(txlog.Decision) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.decisions {
		if !yield(d) {
			break
		}
	}
	return nil
}

// emptyShard is a shard for tests that do not run the resolver.
type emptyShard string

func (s emptyShard) Name() string                                     { return string(s) }
func (s emptyShard) Prepared(context.Context) ([]XID, error)          { return nil, nil }
func (s emptyShard) Free(context.Context, []XID) error                { return nil }
func (s emptyShard) Settle(context.Context, XID, txlog.Verdict) Reply { return Reply{Result: Done} }

// scripted is a participant that answers from a list per verb; the last answer repeats.
type scripted struct {
	name    string
	answers map[string][]any // Result, Reply, time.Duration (sleep first), "panic", "hang"
	mu      sync.Mutex
	calls   []string
	log     *memoryLog
	t       *testing.T
}

func (p *scripted) Shard() string                      { return p.name }
func (p *scripted) Prepare(ctx context.Context) Reply  { return p.answer(ctx, "prepare") }
func (p *scripted) Commit(ctx context.Context) Reply   { return p.answer(ctx, "commit") }
func (p *scripted) Rollback(ctx context.Context) Reply { return p.answer(ctx, "rollback") }

func (p *scripted) answer(ctx context.Context, verb string) Reply {
	p.mu.Lock()
	p.calls = append(p.calls, verb)
	var a any = Done
	if list := p.answers[verb]; len(list) > 0 {
		a = list[0]
		if len(list) > 1 {
			p.answers[verb] = list[1:]
		}
	}
	p.mu.Unlock()
	if verb == "commit" && len(p.log.decisions) == 0 {
		p.t.Error("told to commit before the decision was durable")
	}
	switch a := a.(type) {
	case Result:
		return Reply{a, fmt.Errorf("%s at %s", verb, p.name)}
	case Reply:
		return a
	case string:
		if a == "panic" {
			panic("scripted")
		}
		if a == "deaf" {
			time.Sleep(time.Hour)
			return Reply{Result: Done}
		}
		<-ctx.Done()
		return Reply{Unknown, ctx.Err()}
	}
	panic("bad script")
}

type script = map[string][]any

// inHalves has commitOne make its participants pipelined.
var inHalves bool

// halves is a scripted participant whose verbs come in two halves.
type halves struct{ *scripted }

func (h halves) later(ctx context.Context, verb string) func() Reply {
	return func() Reply { return h.answer(ctx, verb) }
}
func (h halves) SendPrepare(ctx context.Context) func() Reply { return h.later(ctx, "prepare") }
func (h halves) SendCommit(ctx context.Context) func() Reply  { return h.later(ctx, "commit") }
func (h halves) SendVote(ctx context.Context, _ Marker) func() Reply {
	return h.later(ctx, "vote")
}

// commitOne runs one transaction over scripted participants s1, s2 … and returns what came of it.
func commitOne(t *testing.T, log *memoryLog, ctx context.Context, change func(*Options), scripts ...script) (*Coordinator, *Transaction, Outcome, []*scripted, []string) {
	t.Helper()
	var steps []string
	o := Options{Cluster: "c", ID: "p1", Epoch: "e1", Log: log, Logger: quiet(),
		Hook: func(s Step, k int) { steps = append(steps, fmt.Sprintf("%s:%d", s, k)) }}
	var ps []Participant
	var raw []*scripted
	for i, s := range scripts {
		name := fmt.Sprint("s", i+1)
		p := &scripted{name: name, answers: maps.Clone(s), log: log, t: t}
		raw = append(raw, p)
		if inHalves {
			ps = append(ps, halves{p})
		} else {
			ps = append(ps, p)
		}
		o.Shards = append(o.Shards, emptyShard(name))
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	tx := c.Begin()
	out := tx.Commit(ctx, ps, CommitOptions{Mode: "2pc"})
	return c, tx, out, raw, steps
}

var errDup = errors.New("ERROR 1062 (23000): Duplicate entry")

func TestCommit(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tc := range []struct {
		name    string
		ctx     context.Context
		fail    error
		scripts []script
		verdict Verdict
		err     string
		pending []string
		calls   []string // by participant
		kept    int      // decisions left in the log
		steps   string
	}{
		{name: "all yes", scripts: []script{{}, {}}, verdict: Committed,
			calls: []string{"prepare commit", "prepare commit"},
			steps: "before-prepare:0 prepared:1 prepared:2 all-prepared:0 decision-durable:0 committed:1 committed:2 all-committed:0"},
		{name: "one no", scripts: []script{{}, {"prepare": {Reply{Refused, errDup}}}}, verdict: RolledBack, err: "Duplicate entry",
			calls: []string{"prepare rollback", "prepare rollback"}},
		{name: "no vote", scripts: []script{{}, {"prepare": {Unknown}}}, verdict: RolledBack, err: "prepare at s2", pending: []string{"s2"},
			calls: []string{"prepare rollback", "prepare"}},
		{name: "a no says more than a silence", scripts: []script{{"prepare": {Unknown}}, {"prepare": {Reply{Refused, errDup}}}, {}},
			verdict: RolledBack, err: "Duplicate entry", pending: []string{"s1"}, calls: []string{"prepare", "prepare rollback", "prepare rollback"}},
		{name: "vote too late", scripts: []script{{}, {"prepare": {"hang"}}}, verdict: RolledBack, err: "deadline", pending: []string{"s2"},
			calls: []string{"prepare rollback", "prepare"}},
		{name: "participant ignores its time", scripts: []script{{}, {"prepare": {"deaf"}}}, verdict: RolledBack, err: "no answer in time", pending: []string{"s2"},
			calls: []string{"prepare rollback", "prepare"}},
		{name: "panic at prepare", scripts: []script{{}, {"prepare": {"panic"}}}, verdict: RolledBack, err: "panic: scripted", pending: []string{"s2"},
			calls: []string{"prepare rollback", "prepare"}},
		{name: "panic at commit", scripts: []script{{}, {"commit": {"panic"}}}, verdict: Committed, pending: []string{"s2"}, kept: 1,
			calls: []string{"prepare commit", "prepare commit"}},
		{name: "invalid reply", scripts: []script{{}, {"prepare": {Reply{}}}}, verdict: RolledBack, err: "invalid reply", pending: []string{"s2"},
			calls: []string{"prepare rollback", "prepare"}},
		{name: "log is full", fail: fmt.Errorf("x: %w", txlog.ErrQueueFull), scripts: []script{{}, {}}, verdict: RolledBack, err: "queue is full",
			calls: []string{"prepare rollback", "prepare rollback"}},
		{name: "log failed before", fail: fmt.Errorf("x: %w", txlog.ErrNotDurable), scripts: []script{{}, {}}, verdict: RolledBack, err: "not in the log",
			calls: []string{"prepare rollback", "prepare rollback"}},
		{name: "log does not know", fail: fmt.Errorf("x: %w", txlog.ErrUnknown), scripts: []script{{}, {}}, verdict: InDoubt, err: "may or may not",
			pending: []string{"s1", "s2"}, calls: []string{"prepare", "prepare"}},
		{name: "log says something else", fail: errors.New("odd"), scripts: []script{{}, {}}, verdict: InDoubt, err: "odd",
			pending: []string{"s1", "s2"}, calls: []string{"prepare", "prepare"}},
		{name: "no answer to commit", scripts: []script{{"commit": {Unknown}}, {}}, verdict: Committed, pending: []string{"s1"}, kept: 1,
			calls: []string{"prepare commit", "prepare commit"}},
		{name: "commit refused", scripts: []script{{"commit": {Refused}}, {}}, verdict: Committed, pending: []string{"s1"}, kept: 1,
			calls: []string{"prepare commit", "prepare commit"}},
		{name: "commit retried", scripts: []script{{"commit": {Retry, Retry, Done}}, {}}, verdict: Committed,
			calls: []string{"prepare commit commit commit", "prepare commit"}},
		{name: "commit hangs", scripts: []script{{"commit": {"hang"}}, {}}, verdict: Committed, pending: []string{"s1"}, kept: 1,
			calls: []string{"prepare commit", "prepare commit"}},
		{name: "rollback retried and lost", scripts: []script{{"prepare": {Refused}, "rollback": {Retry, Unknown}}, {}}, verdict: RolledBack, err: "prepare at s1",
			pending: []string{"s1"}, calls: []string{"prepare rollback rollback", "prepare rollback"}},
		{name: "caller is gone", ctx: cancelled, scripts: []script{{"prepare": {"hang"}}, {"prepare": {"hang"}}}, verdict: RolledBack, err: "canceled",
			pending: []string{"s1", "s2"}, calls: []string{"prepare", "prepare"}},
		{name: "nobody", verdict: RolledBack, err: "no shard takes part"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, inHalves = range []bool{false, true} {
				if inHalves && tc.name == "participant ignores its time" {
					continue // a pipelined one may not
				}
				synctest.Test(t, func(t *testing.T) {
					log := newMemoryLog("e1")
					log.fail = tc.fail
					ctx := tc.ctx
					if ctx == nil {
						ctx = context.Background()
					}
					c, tx, out, ps, steps := commitOne(t, log, ctx, nil, tc.scripts...)
					if out.Verdict != tc.verdict || !reflect.DeepEqual(out.Pending, tc.pending) {
						t.Errorf("outcome %s, pending %v, err %v", out.Verdict, out.Pending, out.Err)
					}
					if (out.Err == nil) != (tc.err == "") || out.Err != nil && !strings.Contains(out.Err.Error(), tc.err) {
						t.Errorf("err = %v, want one with %q", out.Err, tc.err)
					}
					for i, want := range tc.calls {
						ps[i].mu.Lock()
						if got := strings.Join(ps[i].calls, " "); got != want {
							t.Errorf("calls at s%d: %s, want %s", i+1, got, want)
						}
						ps[i].mu.Unlock()
					}
					if len(log.decisions) != tc.kept {
						t.Errorf("%d decisions left in the log", len(log.decisions))
					}
					if got := strings.Join(steps, " "); tc.steps != "" && got != tc.steps {
						t.Errorf("steps %s", got)
					}
					live, held := c.driven(tx.GTRID())
					if live != nil || (held != "") != (tc.verdict == InDoubt) {
						t.Errorf("afterwards live %v, held %q", live != nil, held)
					}
					if again := tx.Commit(ctx, nil, CommitOptions{}); again.Verdict != InDoubt {
						t.Errorf("second commit: %s", again.Verdict)
					}
					time.Sleep(2 * time.Hour) // what ignored its time returns to nobody
				})
			}
			inHalves = false
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, _, out, ps, _ := commitOne(t, newMemoryLog("e1"), context.Background(), func(o *Options) { o.CommitTimeout = 3 * time.Second },
			script{"commit": {Retry}}, script{})
		if out.Verdict != Committed || len(out.Pending) != 1 || time.Since(start) != 3*time.Second {
			t.Fatalf("%+v after %s", out, time.Since(start))
		}
		if n := len(ps[0].calls); n < 8 || n > 16 {
			t.Fatalf("%d calls: the pauses do not grow as they should", n)
		}
		time.Sleep(time.Minute)
	})
}

func TestPrecheck(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"does not know epoch":              func(o *Options) { o.Epoch = "e9" },
		"is not one that can be recovered": func(o *Options) { o.Shards = o.Shards[:1] },
	} {
		_, _, out, ps, _ := commitOne(t, newMemoryLog("e1"), context.Background(), change, script{}, script{})
		if out.Verdict != RolledBack || !strings.Contains(out.Err.Error(), name) {
			t.Errorf("%s: %+v", name, out)
		}
		for _, p := range ps {
			if !reflect.DeepEqual(p.calls, []string{"rollback"}) {
				t.Errorf("%s: calls %v", name, p.calls)
			}
		}
	}
}
