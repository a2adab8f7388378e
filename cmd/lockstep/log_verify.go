package main

import (
	"context"
	"errors"
	"fmt"

	"lockstep/txlog"
)

const logVerifyAbout = `Reads the whole decision log of a proxy that does not run and checks it: the pages of the file,
each record's checksum, and that none is missing. A proxy does the same when it starts, and
refuses a log that is damaged. Of a damaged one it says what is wrong with it and what is left.
Nothing is changed.
`

// verification is the result for programs.
type verification struct {
	Path        string `json:"path"`
	Cluster     string `json:"cluster"`
	Coordinator string `json:"coordinator"`
	Epochs      int    `json:"epochs"`
	Commits     int    `json:"commit_decisions"`
	Rollbacks   int    `json:"rollback_decisions"`
	Audit       int    `json:"audit_entries"`
}

func runLogVerify(_ context.Context, t terminal, args []string) (err error) {
	f := newOperatorFlags(t, "log verify", "log verify --config FILE | --file LOG [--json]", logVerifyAbout)
	var access accessFlags
	f.StringVar(&access.config, "config", "", "configuration `file`: gives the log's path, cluster and coordinator, which must be its own")
	f.BoolVar(&access.json, "json", false, "print JSON for programs")
	file := f.String("file", "", "the `log` itself, whoever it belongs to")
	if _, err := parseMixed(f, args, 0); err != nil {
		return err
	}
	if (*file == "") == (access.config == "") {
		return usagef("one of --config and --file is needed")
	}
	open := access.log
	if *file != "" {
		open = func() (*txlog.Log, error) { return txlog.OpenReadOnly(*file) }
	}
	l, err := open()
	if corrupt := new(txlog.CorruptError); errors.As(err, &corrupt) {
		return diagnose(t, access.json, corrupt)
	}
	if err != nil {
		return asRefusal(err)
	}
	defer closing(l.Close, &err)
	v, err := verify(l)
	switch {
	case err != nil:
		return err
	case access.json:
		return printJSON(t.out, v)
	}
	_, err = fmt.Fprintf(t.out, "%s is whole: cluster %s, coordinator %s, %d epochs, %d decisions (%d commit, %d rollback), %d audit entries\n",
		v.Path, v.Cluster, v.Coordinator, v.Epochs, v.Commits+v.Rollbacks, v.Commits, v.Rollbacks, v.Audit)
	return err
}

// diagnose says what is wrong with a damaged log and what is left of it.
func diagnose(t terminal, asJSON bool, damage *txlog.CorruptError) error {
	r, err := txlog.Examine(damage.Path)
	if err == nil {
		err = printRemains(t.out, asJSON, remainsOf(r, ""))
	}
	if err != nil {
		return errors.Join(damage, err)
	}
	return fmt.Errorf("%w; what is left of it: log salvage OLD NEW", damage)
}

// verify counts what opening the log has checked.
func verify(l *txlog.Log) (verification, error) {
	id := l.Identity()
	v := verification{Path: l.Path(), Cluster: id.Cluster, Coordinator: id.Coordinator}
	epochs, err := l.Epochs()
	if err != nil {
		return v, fmt.Errorf("read epochs: %w", err)
	}
	entries, err := l.AuditEntries()
	if err != nil {
		return v, fmt.Errorf("read audit entries: %w", err)
	}
	v.Epochs, v.Audit = len(epochs), len(entries)
	err = l.Decisions(func(d txlog.Decision) bool {
		if d.Verdict == txlog.Commit {
			v.Commits++
		} else {
			v.Rollbacks++
		}
		return true
	})
	if err != nil {
		return v, fmt.Errorf("read decisions: %w", err)
	}
	return v, nil
}
