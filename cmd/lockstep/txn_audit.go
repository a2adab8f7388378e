package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"lockstep/proxy/admin"
)

const txnAuditAbout = `Shows the verdicts that operators forced, oldest first: when, which, who and why. They are
kept in the log for good. With a GTRID only those of one transaction.
`

func runTxnAudit(ctx context.Context, t terminal, args []string) error {
	f := newOperatorFlags(t, "txn audit", "txn audit [GTRID] [flags]", txnAuditAbout)
	var access accessFlags
	access.register(f)
	words, err := parseMixed(f, args, 1)
	if err != nil {
		return err
	}
	gtrid := ""
	if len(words) > 0 {
		gtrid = words[0]
	}
	return showAudit(ctx, t, &access, gtrid)
}

// showAudit prints the audit entries, those of one transaction where it is named.
func showAudit(ctx context.Context, t terminal, access *accessFlags, gtrid string) error {
	c, err := access.contents(ctx, 0)
	if err != nil {
		return asRefusal(err)
	}
	entries := slices.DeleteFunc(c.Audit, func(e admin.AuditEntry) bool { return gtrid != "" && e.GTRID != gtrid })
	switch {
	case access.json:
		return printJSON(t.out, entries)
	case len(entries) == 0:
		_, err := fmt.Fprintln(t.out, "No verdict was forced.")
		return err
	}
	return printAudit(t.out, entries)
}

func printAudit(w io.Writer, entries []admin.AuditEntry) error {
	t := newTable(w, "AUDIT", "GTRID", "VERDICT", "WHO", "REASON")
	for _, e := range entries {
		t.row(stamp(e.Time), e.GTRID, e.Verdict, e.Who, e.Reason)
	}
	return t.flush()
}
