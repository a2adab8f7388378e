package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"lockstep/txlog"
)

const logSalvageAbout = `Reads what is left of a damaged decision log and writes it into a new file, which must not exist.
The old file is not changed. Only records that pass their own checksum are taken, and nothing is
guessed: the new log has the decisions that were found and no epoch, so that a proxy which takes it
into use commits what has a decision, and leaves in doubt what has none, since its decision may be
lost. Settle those by hand: txn list shows them.

With --dry-run it only says what is left.
`

func runLogSalvage(_ context.Context, t terminal, args []string) error {
	f := newOperatorFlags(t, "log salvage", "log salvage OLD NEW [flags] | OLD --dry-run", logSalvageAbout)
	dry := f.Bool("dry-run", false, "only say what is left")
	asJSON := f.Bool("json", false, "print JSON for programs")
	reason := f.String("reason", "", "`text` that says why; kept in the new log's audit entries")
	who := f.String("who", operatorName(), "`name` of who does it")
	words, err := parseMixed(f, args, 2)
	switch {
	case err != nil:
		return err
	case len(words) == 0:
		return usagef("the damaged log OLD is missing")
	case len(words) == 1 && !*dry:
		return usagef("the file NEW is missing, into which the decisions go")
	case len(words) == 2 && *dry:
		return usagef("--dry-run writes nothing: NEW is one word too many")
	}
	if *dry {
		r, err := txlog.Examine(words[0])
		if err != nil {
			return asRefusal(err)
		}
		return printRemains(t.out, *asJSON, remainsOf(r, ""))
	}
	r, err := txlog.Salvage(words[0], words[1], txlog.SalvageNote{Time: time.Now(), Who: *who, Reason: *reason})
	switch {
	case errors.Is(err, fs.ErrExist), err != nil && r.Path != "" && r.Damage == nil:
		return &refusedError{fmt.Errorf("refused: %w", err)}
	case err != nil:
		return asRefusal(err)
	}
	return printRemains(t.out, *asJSON, remainsOf(r, words[1]))
}

// remains is what is left of a damaged log, for programs.
type remains struct {
	Path        string    `json:"path"`
	Damage      string    `json:"damage"` // empty: the log is whole
	MetaPages   [2]string `json:"meta_pages"`
	Cluster     string    `json:"cluster"`
	Coordinator string    `json:"coordinator"`
	Epochs      int       `json:"epochs"`
	Commits     int       `json:"commit_decisions"`
	Rollbacks   int       `json:"rollback_decisions"`
	Audit       int       `json:"audit_entries"`
	Lost        []string  `json:"lost"`
	Contested   []string  `json:"contested"`
	SalvagedTo  string    `json:"salvaged_to,omitempty"`
}

func remainsOf(r txlog.Remains, to string) remains {
	out := remains{
		Path: r.Path, MetaPages: r.Meta, Cluster: r.Identity.Cluster, Coordinator: r.Identity.Coordinator,
		Epochs: len(r.Epochs), Audit: len(r.Audit), Lost: append([]string{}, r.Lost...), Contested: append([]string{}, r.Contested...), SalvagedTo: to,
	}
	if r.Damage != nil {
		out.Damage = r.Damage.Error()
	}
	for _, d := range r.Decisions {
		if d.Verdict == txlog.Commit {
			out.Commits++
		} else {
			out.Rollbacks++
		}
	}
	return out
}

func printRemains(w io.Writer, asJSON bool, r remains) error {
	if asJSON {
		return printJSON(w, r)
	}
	if r.Damage == "" {
		_, err := fmt.Fprintf(w, "%s is whole: nothing to salvage\n", r.Path)
		return err
	}
	t := newTable(w)
	t.row("Log", r.Path)
	t.row("Damage", r.Damage)
	for i, m := range r.MetaPages {
		if m == "" {
			m = "is whole"
		}
		t.row(fmt.Sprintf("Meta page %d", i), m)
	}
	if r.Cluster == "" || r.Coordinator == "" {
		t.row("Owner", "cannot be read: this log cannot be salvaged")
	} else {
		t.row("Owner", "cluster "+r.Cluster+", coordinator "+r.Coordinator)
	}
	t.row("Can be read", fmt.Sprintf("%d decisions (%d commit, %d rollback), %d audit entries, %d epochs", r.Commits+r.Rollbacks, r.Commits, r.Rollbacks, r.Audit, r.Epochs))
	for _, l := range r.Lost {
		t.row("Lost", l)
	}
	if len(r.Lost) == 0 {
		t.row("Lost", "nothing that can be told")
	}
	for _, g := range r.Contested {
		t.row("Contested", g+": the log says commit, but its roll-back may have been forced; it is left out, settle it by hand")
	}
	if r.SalvagedTo != "" {
		t.row("Written to", r.SalvagedTo)
	}
	return t.flush()
}
