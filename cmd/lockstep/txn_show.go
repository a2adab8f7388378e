package main

import (
	"context"
	"io"
	"strings"
	"time"

	"lockstep/proxy/admin"
)

const txnShowAbout = `Shows one transaction: its branches, the record of its decision in the log, and the verdicts
that operators forced. It need not be in doubt.
`

func runTxnShow(ctx context.Context, t terminal, args []string) (err error) {
	f := newOperatorFlags(t, "txn show", "txn show GTRID [flags]", txnShowAbout)
	var access accessFlags
	access.register(f)
	words, err := parseMixed(f, args, 1)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return usagef("the GTRID is missing; txn list shows them")
	}
	op, done, err := access.open(false)
	if err != nil {
		return err
	}
	defer closing(done, &err)
	x, err := op.Show(ctx, words[0])
	if err != nil {
		return asRefusal(err)
	}
	if access.json {
		err = printJSON(t.out, x)
	} else {
		err = printDetail(t.out, x)
	}
	if err != nil {
		return err
	}
	return incomplete(x.Warnings)
}

func printDetail(w io.Writer, x admin.TransactionDetail) error {
	tw := newTable(w)
	tw.row("GTRID", x.GTRID)
	tw.row("Owner", x.Owner)
	tw.row("Age", ageOf(x.Transaction))
	tw.row("Decision", x.Decision)
	for _, b := range x.Branches {
		tw.row("Branch", b.Shard+": "+b.State)
	}
	tw.row("Plan", planOf(x.Transaction))
	tw.row("Why", x.Why)
	if r := x.Record; r != nil {
		tw.row("Log", r.Verdict+" at "+stamp(r.Time)+", mode "+r.Mode+", participants "+strings.Join(r.Participants, ", "))
		if r.Token != "" {
			tw.row("Token", r.Token)
		}
	}
	for _, e := range x.Audit {
		tw.row("Audit", stamp(e.Time)+" "+e.Verdict+" by "+e.Who+": "+e.Reason)
	}
	return tw.flush()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000Z") }
