package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"lockstep/coordinator"
	"lockstep/proxy/admin"
)

const txnListAbout = `Lists the transactions that are in doubt, oldest first. Those of other
coordinators and of programs that are not Lockstep are shown too, and left alone. Fails, after
listing the others, with exit code 4 where a shard cannot be asked.
`

func runTxnList(ctx context.Context, t terminal, args []string) (err error) {
	f := newOperatorFlags(t, "txn list", "txn list [flags]", txnListAbout)
	var access accessFlags
	access.register(f)
	if _, err := parseMixed(f, args, 0); err != nil {
		return err
	}
	op, done, err := access.open(false)
	if err != nil {
		return err
	}
	defer closing(done, &err)
	list, err := op.List(ctx)
	if err != nil {
		return asRefusal(err)
	}
	if access.json {
		err = printJSON(t.out, list.Transactions)
	} else {
		err = printTransactions(t.out, list.Transactions)
	}
	if err != nil {
		return err
	}
	return incomplete(list.Warnings)
}

// partialError is a command that did or showed what it could, but not all: exit code 4.
type partialError struct{ err error }

func (e *partialError) Error() string { return e.err.Error() }
func (e *partialError) Unwrap() error { return e.err }

// incomplete is the error of a list that lacks shards.
func incomplete(warnings []string) error {
	if len(warnings) == 0 {
		return nil
	}
	return &partialError{fmt.Errorf("incomplete, what is prepared there is not shown: %s", strings.Join(warnings, "; "))}
}

func printTransactions(w io.Writer, list []admin.Transaction) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "No transaction is in doubt.")
		return err
	}
	tw := newTable(w, "GTRID", "AGE", "OWNER", "MODE", "DECISION", "BRANCHES", "PLAN", "WHY")
	for _, x := range list {
		tw.row(x.GTRID, ageOf(x), x.Owner, x.Mode, x.Decision, branchesOf(x), planOf(x), whyOf(x))
	}
	return tw.flush()
}

func ageOf(x admin.Transaction) string {
	if x.AgeSeconds == nil {
		return "-"
	}
	d := time.Duration(*x.AgeSeconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

func branchesOf(x admin.Transaction) string {
	var list []string
	for _, b := range x.Branches {
		list = append(list, b.Shard+": "+b.State)
	}
	return strings.Join(list, ", ")
}

// whyOf also names who may have made a stranger's.
func whyOf(x admin.Transaction) string {
	if x.Maker == "" {
		return x.Why
	}
	return x.Why + " (" + x.Maker + ")"
}

// planOf shouts where nothing happens without somebody.
func planOf(x admin.Transaction) string {
	if stuck(x) {
		return "LEAVE ALONE"
	}
	return x.Plan
}

// stuck: the resolver does not settle it, and nobody else does.
func stuck(x admin.Transaction) bool {
	return x.Plan == "leave alone" && !x.Live && x.Owner != coordinator.OwnerNobody && x.Owner != coordinator.OwnerOther
}
