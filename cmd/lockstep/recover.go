package main

import "context"

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
	op, done, err := access.open(t, !*dry)
	if err != nil {
		return err
	}
	defer closing(done, &err)
	a, err := op.Recover(ctx, *dry)
	return finishActions(t, access.json, a, err)
}
