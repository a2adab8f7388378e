package main

import (
	"context"
	"fmt"
	"strings"
)

const txnAbout = `Lists, shows and settles transactions that are in doubt: prepared on a shard, and not
being committed right now. Nearly always the proxy settles them by itself; "plan" says how, and
"why" on what evidence. LEAVE ALONE means that it does not, and that somebody must look.

Verbs:
  list            all that are in doubt, oldest first
  show GTRID      one of them, with the log's record and the audit entries
  commit GTRID    commit its branches
  rollback GTRID  roll its branches back
  forget GTRID    drop its decision from the log, when no branch is left
  watch           list again and again
  audit [GTRID]   verdicts that operators forced, oldest first

A verdict that could leave a transaction half committed is refused with the reason. --force
carries it out nevertheless; it needs --reason, and both are kept in the log's audit entries.
--dry-run says what a verb would do, or why it would be refused.
`

// verb is one word of a command that has several.
type verb struct {
	name string
	run  func(ctx context.Context, t terminal, args []string) error
}

var txnVerbs = []verb{
	{"list", runTxnList}, {"show", runTxnShow}, {"watch", runTxnWatch},
	{"commit", runTxnCommit}, {"rollback", runTxnRollback}, {"forget", runTxnForget}, {"audit", runTxnAudit},
}

func runTxn(ctx context.Context, t terminal, args []string) error {
	return runVerb(ctx, t, "txn", txnAbout, txnVerbs, args)
}

// runVerb runs the verb that the first word names. Without one it explains itself.
func runVerb(ctx context.Context, t terminal, name, about string, verbs []verb, args []string) error {
	var names []string
	for _, v := range verbs {
		names = append(names, v.name)
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		f := newOperatorFlags(t, name, name+" "+strings.Join(names, "|")+" [flags]", about)
		if _, err := parseMixed(f, args, 0); err != nil {
			return err
		}
		return usagef("a verb is missing: %s", strings.Join(names, ", "))
	}
	for _, v := range verbs {
		if v.name == args[0] {
			if err := v.run(ctx, t, args[1:]); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			return nil
		}
	}
	return usagef("unknown verb %q: there are %s", args[0], strings.Join(names, ", "))
}
