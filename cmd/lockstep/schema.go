package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"lockstep/proxy"
	"lockstep/proxy/definition"
)

const schemaAbout = `Compares what the shards define (databases, tables, views, routines, triggers, events), and mends what
is not alike. It asks the shards of --config; a proxy may run or not.

Verbs:
  check     say what differs, which definitions were changed on some shards only, which rules do not fit,
            which unique keys hold on each shard by itself; with --rows also which rows are on a shard where their
            shard key does not belong
  repair    finish what was changed on some shards only, or undo it (--back); with --like SHARD make the others' definitions
            that shard's. What would lose or change rows is refused with the reason

check ends with exit code 0 where all is alike, 3 where something was found, 4 where a shard could not be asked.
`

var schemaVerbs = []verb{{"check", runSchemaCheck}, {"repair", runSchemaRepair}}

func runSchema(ctx context.Context, t terminal, args []string) error {
	return runVerb(ctx, t, "schema", schemaAbout, schemaVerbs, args)
}

// foundError says that a check found something: exit code 3.
func foundError(format string, args ...any) error { return &refusedError{fmt.Errorf(format, args...)} }

func runSchemaCheck(ctx context.Context, t terminal, args []string) error {
	f := newOperatorFlags(t, "schema check", "schema check --config FILE [--rows all|NUMBER] [--json]", schemaAbout)
	file := f.String("config", "", "configuration `file`; required")
	rows := f.String("rows", "0", "`how many` rows of each sharded table are looked at on each shard, drawn by chance: a number, or all")
	asJSON := f.Bool("json", false, "print JSON for programs")
	if _, err := parseMixed(f, args, 0); err != nil {
		return err
	}
	count, err := rowsToCheck(*rows)
	switch {
	case err != nil:
		return err
	case *file == "":
		return usagef("--config is missing")
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	found, err := proxy.CheckSchema(ctx, cfg, count, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if *asJSON {
		if found == nil {
			found = []definition.Difference{}
		}
		if err := printJSON(t.out, found); err != nil {
			return err
		}
	} else {
		for _, d := range found {
			fmt.Fprintln(t.out, plain(d.String()))
			for _, l := range d.Detail {
				fmt.Fprintln(t.out, "  "+plain(l))
			}
		}
	}
	return checkVerdict(found)
}

func rowsToCheck(text string) (proxy.RowsToCheck, error) {
	if text == "all" {
		return proxy.AllRows, nil
	}
	var n int
	if _, err := fmt.Sscanf(text, "%d", &n); err != nil || n < 0 || fmt.Sprint(n) != text {
		return 0, usagef("--rows %q: a number, or all", text)
	}
	return proxy.RowsToCheck(n), nil
}

// checkVerdict is the exit of a check. Unique keys that hold on each shard by itself are told, but are no fault: a schema may be meant so.
func checkVerdict(found []definition.Difference) error {
	away, faults := 0, 0
	for _, d := range found {
		switch d.What {
		case definition.NotAnswered:
			away++
		case definition.KeyUnchecked:
		default:
			faults++
		}
	}
	switch {
	case away > 0:
		return &partialError{fmt.Errorf("%d shards could not be asked", away)}
	case faults > 0:
		return foundError("found %d", faults)
	}
	return nil
}

func runSchemaRepair(ctx context.Context, t terminal, args []string) error {
	f := newOperatorFlags(t, "schema repair", "schema repair --config FILE [--dry-run] [--back] [--like SHARD] [--forget RECORD] [--json] [DATABASE.NAME …]", schemaAbout)
	file := f.String("config", "", "configuration `file`; required")
	var r definition.RepairOptions
	f.BoolVar(&r.DryRun, "dry-run", false, "only say what would be done")
	f.BoolVar(&r.Back, "back", false, "undo what was done on some shards, instead of doing it on the others")
	f.StringVar(&r.Like, "like", "", "the `shard` whose definitions the others take, where no unfinished statement explains a difference")
	f.StringVar(&r.Forget, "forget", "", "drop this `record` of a statement, whatever the shards have, and do nothing else")
	asJSON := f.Bool("json", false, "print JSON for programs")
	const most = 1000
	only, err := parseMixed(f, args, most)
	switch {
	case err != nil:
		return err
	case *file == "":
		return usagef("--config is missing")
	case r.Forget != "" && (r.Back || r.Like != ""):
		return usagef("--forget goes with neither --back nor --like")
	}
	r.Only = only
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	steps, failure := proxy.RepairSchema(ctx, cfg, r, slog.New(slog.DiscardHandler))
	if *asJSON {
		if steps == nil {
			steps = []definition.Step{}
		}
		if err := printJSON(t.out, steps); err != nil {
			return err
		}
	} else {
		printSteps(t, steps)
	}
	if failure != nil {
		return failure
	}
	if refused := slices.ContainsFunc(steps, func(s definition.Step) bool { return s.Refused != "" }); refused {
		return &refusedError{fmt.Errorf("refused: some of it must be mended by hand")}
	}
	if r.Forget != "" && len(steps) == 0 {
		return usagef("there is no record %q", r.Forget)
	}
	return nil
}

func printSteps(t terminal, steps []definition.Step) {
	for _, s := range steps {
		outcome := s.Result
		switch {
		case s.Refused != "":
			outcome = "refused: " + s.Refused
		case outcome == "":
			outcome = "would be done"
		}
		fmt.Fprintf(t.out, "%s on %s: %s\n", plain(s.Object), plain(s.Shard), plain(outcome))
		for _, sql := range s.SQL {
			fmt.Fprintln(t.out, "  "+plain(strings.TrimSpace(sql)))
		}
		if len(s.SQL) == 0 && s.Refused == "" {
			fmt.Fprintf(t.out, "  the record %s goes\n", plain(s.Record))
		}
	}
}
