package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"lockstep/txlog"
)

// Action is one settled (or to be settled) branch.
type Action struct {
	GTRID, Shard string
	Verdict      txlog.Verdict
	Why          string
	Err          string // empty: done (or dry run)
}

// task is a branch with its verdict.
type task struct {
	xid     XID
	verdict txlog.Verdict
	why     string
	marker  Marker // of a three-phase transaction
	err     error
}

// firstPart of what is open on a shard is settled before the rest is looked at; the parts grow from there.
const firstPart = 64

// pass looks at one shard and settles what nobody drives. An error: the shard could not be
// listed, or something that should have been settled was not.
func (c *Coordinator) pass(ctx context.Context, w *watch, dry bool) ([]Action, error) {
	release, err := w.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	c.counters.passes.Add(1)
	began := c.tick()
	first, err := c.list(ctx, w)
	if err != nil {
		c.counters.failedPasses.Add(1)
		return nil, err
	}
	defer c.remember(w, first)
	tasks, open, letGo := c.plan(w, first)
	defer letGo()
	var all []task
	var undecided error
	size := firstPart
	for again := true; again; again = len(open) > 0 { // in parts: the first need not wait for what all of them take
		part := open[:min(len(open), size, c.o.FreeBatch)]
		size *= 4
		open = open[len(part):]
		more, waits := c.settleOpen(ctx, w, part, dry)
		if undecided == nil {
			undecided = waits
		}
		settled, err := c.settlePart(ctx, w, append(tasks, more...), dry)
		if err != nil {
			c.counters.failedPasses.Add(1)
			return nil, err
		}
		all, tasks = append(all, settled...), nil
	}
	if !dry {
		if err := c.complete(ctx, w); err != nil {
			began, undecided = 0, errors.Join(undecided, err) // older than all: nothing counts as absent
		}
		c.conclusions(w, began, first, all, undecided)
		c.purge(ctx, w)
	}
	actions, err := report(w, all)
	if err = errors.Join(err, undecided); err != nil {
		c.counters.failedPasses.Add(1)
	}
	return actions, err
}

// settlePart settles what a second look shows, too.
func (c *Coordinator) settlePart(ctx context.Context, w *watch, tasks []task, dry bool) ([]task, error) {
	if len(tasks) > 0 {
		second, err := c.list(ctx, w)
		if err != nil {
			return nil, err
		}
		tasks = inBoth(tasks, second)
	}
	if !dry {
		c.settleAll(ctx, w, tasks)
	}
	return tasks, nil
}

// list asks a shard for its prepared branches. A panic is an error.
func (c *Coordinator) list(ctx context.Context, w *watch) (xids []XID, err error) {
	caller := ctx
	ctx, cancel := within(ctx, c.o.Clock, c.o.ListTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("list prepared branches of shard %s: panic: %v", w.shard.Name(), p)
		}
		if err == nil || caller.Err() == nil {
			c.noteListed(w, err)
		}
	}()
	xids, err = w.shard.Prepared(ctx)
	if err != nil {
		return nil, fmt.Errorf("list prepared branches of shard %s: %w", w.shard.Name(), err)
	}
	return xids, nil
}

// plan judges what a shard listed: tasks have a verdict, open ones have none in the log, so that their
// markers count. Until letGo an operator waits for these transactions.
func (c *Coordinator) plan(w *watch, listed []XID) (tasks []task, open []openBranch, letGo func()) {
	name := w.shard.Name()
	var mine []string
	for _, x := range listed {
		if c.ownerOf(x) == OwnerNobody || x.BQUAL != name && c.watchOf(x.BQUAL) != nil {
			continue // not ours, or of another shard on the same server, whose own pass settles it
		}
		if !c.hands.share(x.GTRID) {
			continue
		}
		mine = append(mine, x.GTRID)
		e := c.examine(x)
		j := judge(e)
		switch {
		case x.BQUAL != name:
			c.report(w, x, fmt.Sprintf("it is of shard %q, which is not configured", x.BQUAL))
		case j.open:
			open = append(open, openBranch{xid: x, owner: e.owner, j: j})
		case j.verdict != 0:
			tasks = append(tasks, task{xid: x, verdict: j.verdict, why: j.why})
		case j.loud:
			c.report(w, x, j.why)
		}
	}
	return tasks, open, func() {
		for _, g := range mine {
			c.hands.unshare(g)
		}
	}
}

// inBoth keeps the tasks whose branch is still listed.
func inBoth(tasks []task, second []XID) []task {
	still := setOf(second)
	kept := tasks[:0]
	for _, t := range tasks {
		if still[t.xid] {
			kept = append(kept, t)
		}
	}
	return kept
}

// report tells of a transaction that an operator must settle, once.
func (c *Coordinator) report(w *watch, x XID, why string) {
	c.shardsMu.Lock()
	known := w.loud[x.GTRID]
	w.loud[x.GTRID] = true
	c.shardsMu.Unlock()
	if !known {
		c.o.Logger.Error("transaction left in doubt, an operator must settle it",
			slog.String("gtrid", x.GTRID), slog.String("shard", w.shard.Name()), slog.String("why", why))
	}
}

// remember notes when a branch was listed first, and drops what is gone.
func (c *Coordinator) remember(w *watch, listed []XID) {
	now := c.o.Clock.Now()
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	gtrids := make(map[string]bool, len(listed))
	old := w.seen
	w.seen = make(map[XID]time.Time, len(listed))
	for _, x := range listed {
		gtrids[x.GTRID] = true
		since, ok := old[x]
		if !ok {
			since = now
		}
		w.seen[x] = since
	}
	for g := range w.loud {
		if !gtrids[g] {
			delete(w.loud, g)
		}
	}
}

// conclusions notes that the shard was looked through, and forgets what is finished.
func (c *Coordinator) conclusions(w *watch, began uint64, listed []XID, tasks []task, undecided error) {
	prepared := make(map[string]bool, len(listed))
	name := w.shard.Name()
	for _, x := range listed {
		if x.FormatID == FormatID && x.BQUAL == name {
			prepared[x.GTRID] = true
		}
	}
	failed := undecided != nil
	for _, t := range tasks {
		failed = failed || t.err != nil
		if t.err == nil {
			delete(prepared, t.xid.GTRID)
		}
	}
	for _, gtrid := range c.unfinished.listed(name, began, c.tick(), prepared) {
		c.o.Log.Forget(gtrid)
	}
	if !failed {
		c.shardsMu.Lock()
		w.recovered = true
		c.shardsMu.Unlock()
	}
}

func report(w *watch, tasks []task) (actions []Action, err error) {
	for _, t := range tasks {
		a := Action{GTRID: t.xid.GTRID, Shard: w.shard.Name(), Verdict: t.verdict, Why: t.why}
		if t.err != nil {
			a.Err = t.err.Error()
			err = fmt.Errorf("settle %s at shard %s: %w", t.xid.GTRID, a.Shard, t.err)
		}
		actions = append(actions, a)
	}
	return actions, err
}

// settleAll frees and settles in parallel. Each task gets its error.
func (c *Coordinator) settleAll(ctx context.Context, w *watch, tasks []task) {
	for len(tasks) > 0 {
		n := min(len(tasks), c.o.FreeBatch)
		c.endOwners(ctx, w, tasks[:n])
		c.settleFree(ctx, w, c.free(ctx, w, tasks[:n], new(freeBudget)))
		c.renew(ctx, w, tasks[:n])
		tasks = tasks[n:]
	}
}

// freeBudget bounds the calls that fail in one batch.
type freeBudget struct {
	failures int
	first    error
}

const (
	mostFreeFailures = 24
	freeAgain        = time.Second // for a part of what could not be freed as a whole
)

// free frees all tasks in one call. Where that fails it halves them, so that one
// branch whose owner cannot be ended does not keep the others. It returns those that are free.
func (c *Coordinator) free(ctx context.Context, w *watch, tasks []task, budget *freeBudget) (ok []*task) {
	xids := make([]XID, len(tasks))
	for i := range tasks {
		xids[i] = tasks[i].xid
	}
	limit := c.o.SettleTimeout
	if budget.failures > 0 {
		limit = min(limit, freeAgain) // the first call has waited for all of them: what is not free by now is what it failed of
	}
	err := c.freeXIDs(ctx, w, xids, limit)
	if err == nil {
		for i := range tasks {
			ok = append(ok, &tasks[i])
		}
		return ok
	}
	if budget.failures == 0 {
		budget.first = err
	}
	budget.failures++
	if len(tasks) == 1 || ctx.Err() != nil || budget.failures >= mostFreeFailures {
		if budget.failures > 1 {
			err = fmt.Errorf("%w (at first: %w)", err, budget.first)
		}
		for i := range tasks {
			tasks[i].err = fmt.Errorf("free branch: %w", err)
		}
		return nil
	}
	half := len(tasks) / 2
	return append(c.free(ctx, w, tasks[:half], budget), c.free(ctx, w, tasks[half:], budget)...)
}

func (c *Coordinator) freeXIDs(ctx context.Context, w *watch, xids []XID, limit time.Duration) (err error) {
	ctx, cancel := within(ctx, c.o.Clock, limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return w.shard.Free(ctx, xids)
}

func (c *Coordinator) settleFree(ctx context.Context, w *watch, tasks []*task) {
	inParallel(c.o.MaxParallel, tasks, func(t *task) { t.err = c.settleOne(ctx, w, t) })
}

func (c *Coordinator) settleOne(ctx context.Context, w *watch, t *task) (err error) {
	if t.verdict == txlog.Commit {
		defer c.gate.Shared()()
	}
	ctx, cancel := within(ctx, c.o.Clock, c.o.SettleTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	r := w.shard.Settle(ctx, t.xid, t.verdict)
	if r.Result != Done {
		return fmt.Errorf("%s: %w", r.Result, orElse(r.Err, errors.New("no cause given")))
	}
	c.counters.settle(t.verdict)
	c.o.Logger.Info("branch settled", slog.String("gtrid", t.xid.GTRID), slog.String("shard", w.shard.Name()),
		slog.String("verdict", t.verdict.String()), slog.String("why", t.why))
	return nil
}
