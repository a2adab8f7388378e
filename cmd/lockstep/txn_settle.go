package main

import (
	"context"
	"fmt"

	"lockstep/proxy/admin"
	"lockstep/txlog"
)

const txnCommitAbout = `Commits the prepared branches of a transaction. Refused where the log has no decision to commit
it: other branches may be rolled back already, or never have been prepared.
`

const txnRollbackAbout = `Rolls the prepared branches of a transaction back. Refused where the log says commit, or where
it cannot know: in either case other branches may be committed, and a client may have been told so.
`

const txnForgetAbout = `Drops the decision of a transaction from the log. Refused while a branch is prepared, or while a
participant's shard cannot be asked: without its decision such a branch would be rolled back
though others are committed. The proxy forgets what is finished by itself; this verb is for
decisions that wait for a shard that is gone for good.
`

func runTxnCommit(ctx context.Context, t terminal, args []string) error {
	return settleVerb(t, "commit", txnCommitAbout, args, func(op operator, gtrid string, r admin.Request) (admin.Actions, error) {
		return op.Settle(ctx, gtrid, txlog.Commit, r)
	})
}

func runTxnRollback(ctx context.Context, t terminal, args []string) error {
	return settleVerb(t, "rollback", txnRollbackAbout, args, func(op operator, gtrid string, r admin.Request) (admin.Actions, error) {
		return op.Settle(ctx, gtrid, txlog.Rollback, r)
	})
}

func runTxnForget(ctx context.Context, t terminal, args []string) error {
	return settleVerb(t, "forget", txnForgetAbout, args, func(op operator, gtrid string, r admin.Request) (admin.Actions, error) {
		return op.Forget(ctx, gtrid, r)
	})
}

func settleVerb(t terminal, name, about string, args []string, do func(operator, string, admin.Request) (admin.Actions, error)) (err error) {
	f := newOperatorFlags(t, "txn "+name, "txn "+name+" GTRID [--dry-run] [--force --reason TEXT] [flags]", about)
	var access accessFlags
	access.register(f)
	var r admin.Request
	f.BoolVar(&r.Force, "force", false, "carry it out although it is refused; kept in the log's audit entries")
	f.BoolVar(&r.DryRun, "dry-run", false, "only say what would be done, or why it would be refused")
	f.StringVar(&r.Reason, "reason", "", "`text` that says why it is forced; required with --force")
	f.StringVar(&r.Who, "who", operatorName(), "`name` of who forces it")
	words, err := parseMixed(f, args, 1)
	switch {
	case err != nil:
		return err
	case len(words) == 0:
		return usagef("the GTRID is missing; txn list shows them")
	case r.Force && !r.DryRun && r.Reason == "":
		return usagef("--force needs --reason TEXT: it is kept in the log")
	case !r.Force && r.Reason != "":
		return usagef("--reason is for --force only")
	}
	op, done, err := access.open(!r.DryRun)
	if err != nil {
		return err
	}
	defer closing(done, &err)
	a, err := do(op, words[0], r)
	return finishActions(t, access.json, a, err)
}

// finishActions prints what was done, also where it failed in the end.
func finishActions(t terminal, asJSON bool, a admin.Actions, err error) error {
	refusal := asRefusal(err)
	var printing error
	switch {
	case asJSON:
		if a.Actions == nil {
			a.Actions = []admin.Action{}
		}
		if err != nil {
			a.Error = err.Error()
		}
		printing = printJSON(t.out, a)
	case err == nil || len(a.Actions) > 0:
		printing = printActions(t, a)
	}
	switch {
	case err != nil:
		return refusal
	case printing != nil:
		return printing
	}
	failed := 0
	for _, x := range a.Actions {
		if x.Error != "" {
			failed++
		}
	}
	if failed > 0 {
		if a.DryRun {
			return &partialError{fmt.Errorf("%d of %d branches could not be settled now", failed, len(a.Actions))}
		}
		return &partialError{fmt.Errorf("%d of %d branches are not settled yet", failed, len(a.Actions))}
	}
	return nil
}

func printActions(t terminal, a admin.Actions) error {
	if len(a.Actions) == 0 {
		_, err := fmt.Fprintln(t.out, "There is nothing to do.")
		return err
	}
	if a.DryRun {
		fmt.Fprintln(t.out, "Dry run: nothing was changed. This would be done:")
		if a.Forced {
			fmt.Fprintln(t.out, "(By force, against the rules: it would be written to the audit entries first.)")
		}
	}
	tw := newTable(t.out, "GTRID", "SHARD", "VERDICT", "WHY", "RESULT")
	for _, x := range a.Actions {
		result := x.Error
		if result == "" {
			result = "done"
			if a.DryRun {
				result = "to be done"
			}
		}
		tw.row(x.GTRID, x.Shard, x.Verdict, x.Why, result)
	}
	return tw.flush()
}
