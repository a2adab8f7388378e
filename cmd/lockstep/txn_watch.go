package main

import (
	"context"
	"fmt"
	"time"
)

const txnWatchAbout = `Lists the transactions in doubt again and again until Ctrl-C, while the proxy runs.
`

func runTxnWatch(ctx context.Context, t terminal, args []string) (err error) {
	f := newOperatorFlags(t, "txn watch", "txn watch [flags]", txnWatchAbout)
	var access accessFlags
	access.register(f)
	interval := f.Duration("interval", 2*time.Second, "`time` between two looks")
	if _, err := parseMixed(f, args, 0); err != nil {
		return err
	}
	switch {
	case *interval < 100*time.Millisecond:
		return usagef("--interval must be at least 100ms: each look asks all shards")
	case access.offline:
		return usagef("--offline: with the proxy down nothing changes by itself; use txn list")
	}
	op, done, err := access.open(false)
	if err != nil {
		return err
	}
	defer closing(done, &err)
	tick := time.NewTicker(*interval)
	defer tick.Stop()
	for {
		list, err := op.List(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			fmt.Fprintf(t.err, "%s %v\n", stamp(time.Now()), asRefusal(err)) // it may come back
		case access.json:
			err = printJSON(t.out, list)
		default:
			fmt.Fprintf(t.out, "%s\n", stamp(time.Now()))
			if err = printTransactions(t.out, list.Transactions); err == nil {
				fmt.Fprintln(t.out)
			}
			for _, w := range list.Warnings {
				fmt.Fprintf(t.err, "incomplete: %s\n", plain(w))
			}
		}
		if err != nil && list.Transactions != nil { // the output is closed
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
