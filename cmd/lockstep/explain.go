package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"lockstep/proxy"
	"lockstep/sharding"
)

const explainAbout = `Prints how the proxy would run one SQL statement: on which shards, as which texts, and how
the answers become one. Nothing is run. No proxy is needed; the shards are asked for the tables'
definitions only. The plan is that of a session with the default SQL mode; with the proxy up,
EXPLAIN LOCKSTEP in a session says the same for that session.
`

// explainLimit bounds the reading of the tables' definitions.
const explainLimit = 30 * time.Second

// explained is a line of a plan, for programs.
type explained struct {
	Step      string `json:"step"`
	Shard     string `json:"shard"`
	Statement string `json:"statement"`
}

func runExplain(ctx context.Context, t terminal, args []string) error {
	f := newOperatorFlags(t, "explain", "explain --config FILE [--database NAME] [--json] 'SQL'", explainAbout)
	file := f.String("config", "", "configuration `file`; required")
	database := f.String("database", "", "`name` of the current database (default the configuration's, where it has one schema)")
	asJSON := f.Bool("json", false, "print JSON for programs")
	texts, err := parseMixed(f, args, 1)
	switch {
	case err != nil:
		return err
	case *file == "":
		return usagef("--config is missing")
	case len(texts) == 0 || texts[0] == "":
		return usagef("the statement is missing; put it in quotes")
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	if *database == "" && len(cfg.Schemas) == 1 {
		*database = cfg.Schemas[0].Name
	}
	ctx, cancel := context.WithTimeoutCause(ctx, explainLimit, fmt.Errorf("not answered after %s", explainLimit))
	defer cancel()
	rows, err := proxy.Explain(ctx, cfg, *database, texts[0], slog.New(slog.DiscardHandler))
	if refused := new(sharding.Error); errors.As(err, &refused) {
		return &refusedError{fmt.Errorf("the proxy would answer with error %d: %w", refused.Code, err)}
	}
	if err != nil {
		return err
	}
	if *asJSON {
		list := []explained{}
		for _, r := range rows {
			list = append(list, explained(r))
		}
		return printJSON(t.out, list)
	}
	tw := newTable(t.out, "STEP", "SHARD", "STATEMENT")
	for _, r := range rows {
		tw.row(r.Step, r.Shard, r.Statement)
	}
	return tw.flush()
}
