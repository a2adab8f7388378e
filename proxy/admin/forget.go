package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// Forget drops the decision of a transaction that has no prepared branch anywhere.
// Refused (*coordinator.RefusedError) where a branch is prepared, or where a participant's shard cannot be listed:
// without its decision such a branch would be rolled back though others committed. Forced, it is
// audited first. Errors: *NotFoundError.
//
// The record goes with the log's next batch; after a crash before that it is there again.
func (o *Operator) Forget(ctx context.Context, gtrid string, r Request) (Actions, error) {
	if err := r.check(); err != nil {
		return Actions{}, err
	}
	// The log first: a transaction with a decision prepares no more branches.
	d, ok, err := o.Log.Lookup(gtrid)
	if err != nil {
		return Actions{}, &coordinator.RefusedError{Reason: fmt.Sprintf("the log cannot be asked: %v", err)}
	}
	if !ok {
		return Actions{}, &NotFoundError{gtrid}
	}
	out := Actions{DryRun: r.DryRun, Actions: []Action{}}
	err = o.settledEverywhere(ctx, d)
	if refused := new(coordinator.RefusedError); errors.As(err, &refused) && r.Force {
		reason := cut(fmt.Sprintf("forget the decision to %s of %s (%s): %s", d.Verdict, strings.Join(d.Participants, ", "), refused.Reason, r.Reason), 2*maxReason)
		if out.Forced = true; r.DryRun {
			err = nil
		} else if err = o.audit(gtrid, 0, r.Who, reason); err == nil {
			o.logger().Warn("decision dropped by force", "gtrid", gtrid, "who", r.Who, "reason", r.Reason, "against", refused.Reason)
		}
	}
	if err != nil {
		return out, err
	}
	if !r.DryRun {
		o.Log.Forget(gtrid)
	}
	for _, p := range d.Participants {
		out.Actions = append(out.Actions, Action{GTRID: gtrid, Shard: p, Verdict: "forget", Why: "operator's verdict"})
	}
	return out, nil
}

// settledEverywhere lists all shards and says why the decision must stay, if so.
func (o *Operator) settledEverywhere(ctx context.Context, d txlog.Decision) error {
	missing := slices.Clone(d.Participants)
	if len(missing) == 0 { // not known: any shard may hold a branch
		for _, s := range o.Shards {
			missing = append(missing, s.Name())
		}
	}
	var unlisted []string
	for _, s := range o.Shards {
		i := slices.Index(missing, s.Name())
		list, err := s.Prepared(ctx)
		if k, ok := s.(coordinator.Certifier); ok && err == nil && i >= 0 {
			err = k.Complete(ctx)
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("list prepared branches of shard %s: %w", s.Name(), err)
		case err != nil && i >= 0:
			unlisted = append(unlisted, fmt.Sprintf("shard %s: %v", s.Name(), err))
		}
		if slices.ContainsFunc(list, func(x coordinator.XID) bool { return x.FormatID == coordinator.FormatID && x.GTRID == d.GTRID }) {
			return &coordinator.RefusedError{Reason: fmt.Sprintf("a branch of it is prepared at shard %s: settle it first", s.Name())}
		}
		if i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		}
	}
	for _, p := range missing {
		unlisted = append(unlisted, fmt.Sprintf("shard %s: it is not configured", p))
	}
	if len(unlisted) > 0 {
		return &coordinator.RefusedError{Reason: "whether a branch of it is prepared is not known: " + strings.Join(unlisted, "; ")}
	}
	return nil
}
