package admin

import (
	"context"
	"errors"
	"fmt"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// check says what a request lacks.
func (r Request) check() error {
	switch {
	case len(r.Reason) > maxReason:
		return &RequestError{fmt.Sprintf("reason: more than %d bytes", maxReason)}
	case len(r.Who) > maxWho:
		return &RequestError{fmt.Sprintf("who: more than %d bytes", maxWho)}
	case r.Force && !r.DryRun && r.Reason == "":
		return &RequestError{"force needs a reason: it is kept in the log"}
	case r.Force && !r.DryRun && r.Who == "":
		return &RequestError{"force needs to know who: it is kept in the log"}
	}
	return nil
}

// Settle carries out a verdict. Where the resolver's rules refuse it
// (*coordinator.RefusedError) and r forces it, it is first written to the audit bucket. The actions are good
// also with an error.
func (o *Operator) Settle(ctx context.Context, gtrid string, v txlog.Verdict, r Request) (Actions, error) {
	if err := r.check(); err != nil {
		return Actions{}, err
	}
	if r.DryRun {
		return o.preview(ctx, gtrid, v, r)
	}
	done, err := o.Resolver.Settle(ctx, gtrid, v, false)
	out := Actions{Actions: actionsOf(done)}
	var refused *coordinator.RefusedError
	if !r.Force || !errors.As(err, &refused) {
		return out, err
	}
	if err := o.audit(gtrid, v, r.Who, r.Reason); err != nil {
		return out, err
	}
	o.logger().Warn("verdict forced", "gtrid", gtrid, "verdict", v.String(), "who", r.Who, "reason", r.Reason, "against", refused.Reason)
	done, err = o.Resolver.Settle(ctx, gtrid, v, true)
	out = Actions{Forced: true, Actions: actionsOf(done)}
	if errors.As(err, &refused) {
		// The entry before is true of the attempt only.
		err = errors.Join(err, o.audit(gtrid, v, r.Who, cut("not carried out: "+refused.Reason, maxReason)))
	}
	return out, err
}

// preview says what Settle would do.
func (o *Operator) preview(ctx context.Context, gtrid string, v txlog.Verdict, r Request) (Actions, error) {
	out := Actions{DryRun: true, Actions: []Action{}}
	p, ok := o.Resolver.(Previewer)
	if !ok {
		return out, &RequestError{"a dry run of this verb is not possible here"}
	}
	would, err := p.Preview(ctx, gtrid, v, false)
	if refused := new(coordinator.RefusedError); r.Force && errors.As(err, &refused) {
		out.Forced = true
		would, err = p.Preview(ctx, gtrid, v, true)
	}
	out.Actions = actionsOf(would)
	return out, err
}

// audit writes an entry; it is durable on return.
func (o *Operator) audit(gtrid string, v txlog.Verdict, who, reason string) error {
	err := o.Log.Audit(txlog.AuditEntry{Time: o.now(), GTRID: gtrid, Verdict: v, Who: who, Reason: reason})
	if err != nil {
		return fmt.Errorf("write the audit entry first: %w", err)
	}
	return nil
}

func cut(s string, most int) string {
	if len(s) > most {
		return s[:most]
	}
	return s
}
