package main

import (
	"context"
	"fmt"
)

const recoverAbout = `Settles now what is in doubt, as the running proxy does by itself at short intervals: branches of
this coordinator whose decision is in the log are committed, those without a decision that
nobody drives are rolled back. All others are left alone. With --dry-run nothing is changed.

With --offline it does the same while the proxy is down, with its log and the shards.
`

func runRecover(ctx context.Context, t terminal, args []string) (err error) {
	f := newOperatorFlags(t, "recover", "recover [--dry-run] [flags]", recoverAbout)
	var access accessFlags
	access.register(f)
	dry := f.Bool("dry-run", false, "only say what would be done")
	if _, err := parseMixed(f, args, 0); err != nil {
		return err
	}
	op, done, err := access.open(!*dry)
	if err != nil {
		return err
	}
	defer closing(done, &err)
	a, err := op.Recover(ctx, *dry)
	if err != nil && a.Actions != nil { // the proxy was asked: what failed is single shards
		err = &partialError{err}
	}
	if err := finishActions(t, access.json, a, err); err != nil || access.json {
		return err
	}
	return remind(ctx, t, op)
}

// remind says how many transactions only an operator can settle, so that a
// recovery with nothing to do is not taken for a clean state.
func remind(ctx context.Context, t terminal, op operator) error {
	list, err := op.List(ctx)
	if err != nil {
		return asRefusal(err)
	}
	n := 0
	for _, x := range list.Transactions {
		if stuck(x) {
			n++
		}
	}
	switch n {
	case 0:
	case 1:
		fmt.Fprintln(t.err, "1 transaction stays in doubt and must be settled by hand: txn list says why")
	default:
		fmt.Fprintf(t.err, "%d transactions stay in doubt and must be settled by hand: txn list says why\n", n)
	}
	return incomplete(list.Warnings)
}
