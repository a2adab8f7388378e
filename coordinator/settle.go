package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"lockstep/txlog"
)

// Settle is the operator's verdict on one transaction. Refused (*RefusedError, saying why) where
// it would break atomicity, unless force is set. The audit entry is the caller's duty.
//
// Some things force does not move: a stranger; a transaction whose decision may or may not be
// durable; to commit a live one, or to roll back a live one that is past its decision; to commit
// one whose roll-back was forced before. A live transaction that is still being prepared
// can be forced to roll back: its own commit then does so.
//
// A verdict that the log does not imply is made durable first, so that branches
// that show up later go the same way.
func (c *Coordinator) Settle(ctx context.Context, gtrid string, v txlog.Verdict, force bool) ([]Action, error) {
	x, err := c.operable("settle", gtrid, v)
	if err != nil {
		return nil, err
	}
	if err := c.hands.seize(ctx, gtrid); err != nil {
		return nil, fmt.Errorf("settle %s: %w", gtrid, err)
	}
	defer c.hands.unseize(gtrid)
	if err := c.endLive(ctx, gtrid, v, force); err != nil {
		return nil, err
	}
	// In the order of looking: prepared lists, live, log, prepared lists again.
	s := c.survey(ctx)
	e := c.examine(x)
	if why, err := c.threePhaseAllows(ctx, x, v, force, e, s); err != nil {
		return nil, err
	} else if why != "" { // what its participants show is as good as a decision
		return c.settleBranches(ctx, gtrid, v, why, s.branches(gtrid)), nil
	}
	if err := verdictAllowed(e, v, force, s); err != nil {
		return nil, err
	}
	branches := s.branches(gtrid)
	if len(branches) == 0 && !e.decided {
		return nil, notListed("settle", gtrid, s)
	}
	why := "operator's verdict"
	decided := e.decided
	if needsRecord(e, v) {
		if err := c.record(ctx, e, gtrid, v, branches); err != nil {
			return nil, fmt.Errorf("settle %s: record the verdict first: %w", gtrid, err)
		}
		why, decided = "operator's verdict, forced", true
	}
	actions := c.settleBranches(ctx, gtrid, v, why, branches)
	absent := e.decision.Participants
	if !decided || len(absent) == 0 {
		absent = s.shards
	}
	for _, shard := range s.unreachable() {
		if slices.Contains(absent, shard) {
			actions = append(actions, Action{gtrid, shard, v, why, "the shard cannot be reached, the resolver settles it later: " + s.errs[shard].Error()})
		}
	}
	return actions, nil
}

func refuse(format string, args ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, args...)}
}

// operable names a transaction on which an operator may give this verdict at all.
func (c *Coordinator) operable(what, gtrid string, v txlog.Verdict) (XID, error) {
	x := XID{FormatID: FormatID, GTRID: gtrid}
	switch {
	case v != txlog.Commit && v != txlog.Rollback:
		return x, fmt.Errorf("%s %s: verdict %d is neither commit nor rollback", what, gtrid, v)
	case c.ownerOf(x) == OwnerNobody:
		return x, refuse("%s was not made by cluster %s: strangers are never touched", readable(gtrid), c.o.Cluster)
	}
	return x, nil
}

// notListed is for an undecided transaction of which nothing is prepared where one can look.
func notListed(what, gtrid string, s survey) error {
	if err := s.err(); err != nil {
		return fmt.Errorf("%s %s: no shard that can be reached lists it: %w", what, gtrid, err)
	}
	return refuse("no shard lists a prepared branch of %s", gtrid)
}

// liveAllows refuses what no force changes about a transaction that this process drives.
func liveAllows(gtrid string, v txlog.Verdict, force bool) error {
	switch {
	case v == txlog.Commit:
		return refuse("%s is being committed right now and ends by itself", gtrid)
	case !force:
		return refuse("%s is being committed right now and ends by itself; force makes it roll back if it is not decided yet", gtrid)
	}
	return nil
}

// refusePast is for a live transaction that can not be made to roll back any more, or not yet.
func refusePast(gtrid string) error {
	return refuse("%s is being driven right now and is either not at its commit or past its decision", gtrid)
}

// endLive refuses a transaction that this process drives, or makes its commit roll back.
func (c *Coordinator) endLive(ctx context.Context, gtrid string, v txlog.Verdict, force bool) error {
	t, _ := c.driven(gtrid)
	if t == nil {
		return nil
	}
	if err := liveAllows(gtrid, v, force); err != nil {
		return err
	}
	if !t.forbid("an operator forced the roll-back of " + gtrid) {
		return refusePast(gtrid)
	}
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("settle %s: wait for its commit to roll back: %w", gtrid, context.Cause(ctx))
	}
}

// verdictAllowed says why a verdict must not be carried out, if so.
func verdictAllowed(e evidence, v txlog.Verdict, force bool, s survey) error {
	switch {
	case e.live:
		return refuse("it is being committed right now and ends by itself")
	case e.held != "":
		return refuse("%s: restart this process, force does not help", e.held)
	case e.logErr != nil:
		return refuse("the log cannot be asked: %v", e.logErr)
	case e.decided && e.decision.Verdict == v:
		return nil
	case e.decided && v == txlog.Commit:
		return refuse("its roll-back was forced before and is recorded: branches may be rolled back already")
	case force:
		return nil
	case e.decided:
		done := s.absent(e.decision)
		if len(done) == 0 {
			return refuse("the log says commit, and its client may have been told so")
		}
		return refuse("the log says commit, and it is not prepared any more at %s: to roll back the rest would leave it half committed", strings.Join(done, ", "))
	case e.owner == OwnerOther:
		return refuse("another coordinator made it and may be driving it: settle it there, or force it when that one is gone for good")
	case e.owner == OwnerUnknown:
		return refuse("the log does not know its epoch: a log was lost or replaced, other branches of it may be committed or rolled back already")
	case v == txlog.Commit:
		return refuse("the log has no decision to commit it: other branches of it may not be prepared or may be rolled back already")
	}
	return nil
}

// needsRecord says whether the log does not imply the verdict by itself.
func needsRecord(e evidence, v txlog.Verdict) bool {
	if e.decided {
		return e.decision.Verdict != v
	}
	ours := e.owner == OwnerOurs || e.owner == OwnerOlder
	return v == txlog.Commit || !ours
}

// record makes a forced verdict durable. A branch may be on any shard.
func (c *Coordinator) record(ctx context.Context, e evidence, gtrid string, v txlog.Verdict, branches []string) error {
	participants := slices.Clone(e.decision.Participants)
	for _, w := range c.watches() {
		if name := w.shard.Name(); !slices.Contains(participants, name) {
			participants = append(participants, name)
		}
	}
	d := txlog.Decision{GTRID: gtrid, Verdict: v, Mode: "2pc", Participants: participants, Time: c.o.Clock.Now(), Token: e.decision.Token}
	if err := c.o.Log.Append(ctx, d); err != nil {
		if !errors.Is(err, txlog.ErrNotDurable) && !errors.Is(err, txlog.ErrQueueFull) {
			c.hold(gtrid, fmt.Sprintf("the log could not say whether an operator's verdict is durable (%v)", err))
		}
		return err
	}
	c.unfinished.add(gtrid, participants, c.tick())
	c.o.Logger.Warn("verdict forced by an operator", slog.String("gtrid", gtrid), slog.String("verdict", v.String()), slog.Any("prepared", branches))
	return nil
}

// settleBranches settles the branches that are still listed.
func (c *Coordinator) settleBranches(ctx context.Context, gtrid string, v txlog.Verdict, why string, branches []string) []Action {
	actions := make([]Action, len(branches))
	var wg sync.WaitGroup
	for i, shard := range branches {
		wg.Go(func() {
			actions[i] = Action{GTRID: gtrid, Shard: shard, Verdict: v, Why: why}
			if err := c.settleBranch(ctx, c.watchOf(shard), task{xid: XID{FormatID, gtrid, shard}, verdict: v, why: why}); err != nil {
				actions[i].Err = err.Error()
			}
		})
	}
	wg.Wait()
	return actions
}

func (c *Coordinator) settleBranch(ctx context.Context, w *watch, t task) error {
	listed, err := c.list(ctx, w)
	if err != nil {
		return err
	}
	if !slices.Contains(listed, t.xid) {
		return errors.New("it is not prepared any more")
	}
	if w.markers() != nil { // a three-phase one names the session that may hold it
		rows, err := c.readMarkers(ctx, w, []string{t.xid.GTRID})
		if err != nil {
			c.o.Logger.Debug("marker of a branch could not be read", "gtrid", t.xid.GTRID, "shard", w.shard.Name(), "err", err)
		} else if m := rows[t.xid.GTRID]; m.State == MarkerVoted {
			t.marker = m
		}
	}
	tasks := []task{t}
	c.settleAll(ctx, w, tasks)
	return tasks[0].err
}
