package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"lockstep/proxy/admin"
)

const txnShowAbout = `Shows one transaction: its branches, the record of its decision in the log, its markers on the
shards, the verdicts that operators forced, what it locks and who waits for that, and, while its
client is known, whose it is and what it did (statements with '?' for their literals). It need not
be in doubt. What is not known is said to be: after the proxy that ran it has ended nobody
knows its statements, and MariaDB does not say which of several detached transactions is which.
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
	return incompleteDetail(x.Warnings)
}

// incompleteDetail is the error of a transaction that could not be looked at everywhere.
func incompleteDetail(warnings []string) error {
	if len(warnings) == 0 {
		return nil
	}
	return &partialError{fmt.Errorf("incomplete: %s", strings.Join(warnings, "; "))}
}

func printDetail(w io.Writer, x admin.TransactionDetail) error {
	tw := newTable(w)
	tw.row("GTRID", x.GTRID)
	tw.row("Owner", x.Owner)
	tw.row("Age", ageOf(x.Transaction))
	tw.row("Mode", x.Mode)
	tw.row("Decision", x.Decision)
	for _, b := range x.Branches {
		tw.row("Branch", b.Shard+": "+b.State)
	}
	tw.row("Plan", planOf(x.Transaction))
	tw.row("Why", whyOf(x.Transaction))
	if r := x.Record; r != nil {
		tw.row("Log", r.Verdict+" at "+stamp(r.Time)+", mode "+r.Mode+", participants "+strings.Join(r.Participants, ", "))
		if r.Token != "" {
			tw.row("Token", r.Token)
		}
	}
	for _, e := range x.Audit {
		tw.row("Audit", stamp(e.Time)+" "+e.Verdict+" by "+e.Who+": "+e.Reason)
	}
	rowsOfEvidence(tw, x.Evidence)
	if err := tw.flush(); err != nil {
		return err
	}
	return printWaiters(w, x.Waiters)
}

// rowsOfEvidence says what is known, and what is not.
func rowsOfEvidence(tw *table, e admin.Evidence) {
	for _, m := range e.Markers {
		state := "of an open or prepared branch"
		if m.Committed {
			state = "committed"
		}
		text := fmt.Sprintf("%s: %s, %s, participants %s, by %s, connection %d", m.Shard, m.State, state, strings.Join(m.Participants, ", "), m.Coordinator, m.Connection)
		if m.Token != "" {
			text += ", token " + m.Token
		}
		tw.row("Marker", text)
	}
	if t := e.Trail; t != nil {
		tw.row("Client", fmt.Sprintf("session %d, %s from %s, since %s", t.Session, t.User, t.Host, stamp(t.Began)))
		for i, d := range t.Digests {
			if i == len(t.Digests)/2 && t.Statements > len(t.Digests) {
				tw.row("Statement", fmt.Sprintf("(%d that are not kept)", t.Statements-len(t.Digests)))
			}
			tw.row("Statement", d)
		}
	} else {
		tw.row("Statements", "unknown: this process has not run it, or not for long")
	}
	for _, h := range e.Holders {
		whose := fmt.Sprintf("connection %d", h.Connection)
		if h.Connection == 0 {
			whose = "of no session"
		}
		if !h.Certain {
			whose += ", may be this one (the server does not say which is which)"
		}
		tw.row("Locks", fmt.Sprintf("%s: transaction %s, %d rows locked, %d changed, in %d tables, %s", h.Shard, h.Transaction, h.RowsLocked, h.RowsModified, h.TablesLocked, whose))
	}
}

func printWaiters(w io.Writer, list []admin.Waiter) error {
	if len(list) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	tw := newTable(w, "WAITS AT", "CONNECTION", "USER", "HOST", "SECONDS", "TABLE", "INDEX", "CLIENT", "STATEMENT")
	for _, x := range list {
		client := ""
		if x.Session != 0 {
			client = fmt.Sprintf("session %d, %s from %s", x.Session, x.SessionUser, x.SessionHost)
		}
		tw.row(x.Shard, fmt.Sprint(x.Connection), x.User, x.Host, fmt.Sprintf("%.1f", x.Seconds), x.Table, x.Index, client, x.Statement)
	}
	return tw.flush()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000Z") }
