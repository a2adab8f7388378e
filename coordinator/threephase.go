package coordinator

import (
	"context"
	"fmt"
	"time"

	"lockstep/txlog"
)

// openBranch is a prepared branch without a decision in the log.
type openBranch struct {
	xid   XID
	owner string
	j     judgement // what two-phase rules say of it
	since time.Time // listed first
}

// settleOpen tells three-phase branches from others by their markers, asks the
// participants of those that are due, and returns what is to be done. An error: something that is due has no verdict yet.
//
// The marker was written by the branch itself before it was prepared, so a branch
// without one that is still listed afterwards is certainly not three-phase.
func (c *Coordinator) settleOpen(ctx context.Context, w *watch, open []openBranch, dry bool) (tasks []task, err error) {
	var others []openBranch
	open, others = c.worthALook(w, open)
	if len(others) > 0 {
		c.lookSoon(w, c.watchInterval())
	}
	if len(open) == 0 {
		return nil, nil
	}
	rows := map[string]Marker{}
	if w.markers() != nil {
		gtrids := make([]string, len(open))
		for i, b := range open {
			gtrids[i] = b.xid.GTRID
		}
		if rows, err = c.readMarkers(ctx, w, gtrids); err != nil {
			return nil, err // presumed abort would be wrong for a three-phase one
		}
	}
	var due []*question
	branches := map[*question]openBranch{}
	for _, b := range open {
		m, is := rows[b.xid.GTRID]
		if !is || m.State != MarkerVoted {
			if b.j.loud {
				c.report(w, b.xid, b.j.why)
			}
			if b.j.verdict != 0 {
				tasks = append(tasks, task{xid: b.xid, verdict: b.j.verdict, why: b.j.why})
			}
			continue
		}
		// The marker's age is by the server's clock, which may have been put back since.
		if wait := c.patience(b.owner) - max(m.Age, c.o.Clock.Now().Sub(b.since)); wait > 0 {
			c.lookSoon(w, wait)
			continue
		}
		q := newQuestion(b.xid.GTRID, m.Participants)
		due = append(due, q)
		branches[q] = b
	}
	c.inquire(ctx, due, dry)
	undecided := 0
	for _, q := range due {
		b := branches[q]
		v := q.verdict()
		if v == 0 {
			c.lookSoon(w, c.watchInterval())
			if undecided++; undecided == 1 {
				err = &undecidedError{fmt.Sprintf("three-phase transaction %s is %s", q.gtrid, q.why())}
			}
			c.reportUnknown(w, b.xid, q)
			continue
		}
		tasks = append(tasks, task{xid: b.xid, verdict: v, why: q.why(), marker: rows[b.xid.GTRID]})
	}
	if undecided > 1 {
		err = fmt.Errorf("%w; and %d others", err, undecided-1)
	}
	return tasks, err
}

// undecidedError says that something waits for other shards than the one that was looked through.
type undecidedError struct{ what string }

func (e *undecidedError) Error() string { return e.what }

// worthALook leaves out the branches of other coordinators that no earlier pass saw: most are of
// transactions that end by themselves in a moment.
func (c *Coordinator) worthALook(w *watch, open []openBranch) (worth, others []openBranch) {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	for _, b := range open {
		since, before := w.seen[b.xid]
		b.since = since
		if before || c.patience(b.owner) == 0 {
			worth = append(worth, b)
		} else {
			others = append(others, b)
		}
	}
	return worth, others
}

// patience with a transaction that somebody else may be driving. The processes that made our own
// are gone, or have given them up.
func (c *Coordinator) patience(owner string) time.Duration {
	if owner == OwnerOurs || owner == OwnerOlder {
		return 0
	}
	return c.o.PrecommitTimeout
}

// watchInterval is short enough to find another coordinator's transactions in time.
func (c *Coordinator) watchInterval() time.Duration {
	return min(c.o.ResolveInterval, max(c.o.PrecommitTimeout/4, 50*time.Millisecond), time.Second)
}

// lookSoon asks for the next pass after d.
func (c *Coordinator) lookSoon(w *watch, d time.Duration) {
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	if w.soon == 0 || d < w.soon {
		w.soon = d
	}
}

// reportUnknown tells an operator of what no waiting will settle.
func (c *Coordinator) reportUnknown(w *watch, x XID, q *question) {
	for i, name := range q.participants {
		if q.verdict() == 0 && !q.found[i].final() && c.watchOf(name) == nil {
			c.report(w, x, "three-phase, "+q.why())
			return
		}
	}
}

// inquireLive seeks the verdict of this process's own transaction, for its driver: until there
// is one or the time is over. Until trusted a fence proves that nobody committed.
func (c *Coordinator) inquireLive(ctx context.Context, gtrid string, participants []string, trusted time.Time) event {
	ctx, cancel := within(ctx, c.o.Clock, c.o.CommitTimeout)
	defer cancel()
	q := newQuestion(gtrid, participants)
	for pause := firstBackOff; ; pause = min(2*pause, longestBackOff) {
		c.inquire(ctx, []*question{q}, false)
		v := q.verdict()
		if v == txlog.Rollback && c.o.Clock.Now().After(trusted) {
			// So late that somebody may have committed all of it and purged its rows.
			return event{kind: evFound, verdict: InDoubt, err: fmt.Errorf("%w: it took too long to find out", errSilent)}
		}
		if v != 0 {
			return event{kind: evFound, verdict: outcomeOf(v), err: fmt.Errorf("%w: %s", errFenced, q.why())}
		}
		if c.sleep(ctx, pause) != nil {
			return event{kind: evFound, verdict: InDoubt, err: fmt.Errorf("%w: %s", errSilent, q.why())}
		}
	}
}
