package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"lockstep/proxy"
	"lockstep/proxy/admin"
	"lockstep/txlog"
)

const logDumpAbout = `Prints what the decision log holds: decisions of transactions that are not finished, and
verdicts that operators forced. Asks the running proxy, or with --offline reads the file.
`

func runLogDump(ctx context.Context, t terminal, args []string) (err error) {
	f := newOperatorFlags(t, "log dump", "log dump [flags]", logDumpAbout)
	var access accessFlags
	access.register(f)
	limit := f.Int("limit", admin.DefaultDecisions, "most decisions that are printed, a `number`")
	onlyAudit := f.Bool("audit", false, "only the verdicts that operators forced")
	if _, err := parseMixed(f, args, 0); err != nil {
		return err
	}
	if *onlyAudit {
		return showAudit(ctx, t, &access, "")
	}
	if *limit < 0 || *limit > admin.MaxDecisions {
		return usagef("--limit must be from 0 to %d", admin.MaxDecisions)
	}
	c, err := access.contents(ctx, *limit)
	if err != nil {
		return asRefusal(err)
	}
	if access.json {
		return printJSON(t.out, c)
	}
	return printContents(t.out, c)
}

// contents reads the log. Offline no shard is asked.
func (a *accessFlags) contents(ctx context.Context, limit int) (c admin.LogContents, err error) {
	if !a.offline {
		op, _, err := a.open(false)
		if err != nil {
			return c, err
		}
		return op.Contents(ctx, limit)
	}
	l, err := a.log()
	if err != nil {
		return c, err
	}
	defer closing(l.Close, &err)
	return (&admin.Operator{Log: l}).Contents(ctx, limit)
}

// log opens the configuration's log for reading.
func (a *accessFlags) log() (*txlog.Log, error) {
	if a.config == "" {
		return nil, usagef("--config FILE is missing, which names the log")
	}
	cfg, err := loadConfig(a.config)
	if err != nil {
		return nil, err
	}
	return proxy.ReadLog(cfg)
}

func printContents(w io.Writer, c admin.LogContents) error {
	head := newTable(w)
	head.row("Log", c.Path)
	head.row("Owner", "cluster "+c.Cluster+", coordinator "+c.Coordinator)
	newest := ""
	if n := len(c.Epochs); n > 0 {
		newest = ", newest " + c.Epochs[n-1]
	}
	head.row("Epochs", fmt.Sprint(len(c.Epochs))+newest)
	head.row("Decisions", fmt.Sprint(c.Total))
	head.row("Audit entries", fmt.Sprint(len(c.Audit)))
	if c.Failed != "" {
		head.row("FAILED", c.Failed)
	}
	if err := head.flush(); err != nil {
		return err
	}
	if len(c.Decisions) > 0 {
		fmt.Fprintln(w)
		t := newTable(w, "GTRID", "VERDICT", "TIME", "MODE", "PARTICIPANTS", "TOKEN")
		for _, d := range c.Decisions {
			t.row(d.GTRID, d.Verdict, stamp(d.Time), d.Mode, strings.Join(d.Participants, ", "), d.Token)
		}
		if err := t.flush(); err != nil {
			return err
		}
		if more := c.Total - len(c.Decisions); more > 0 {
			fmt.Fprintf(w, "and %d more (--limit)\n", more)
		}
	}
	if len(c.Audit) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return printAudit(w, c.Audit)
}
