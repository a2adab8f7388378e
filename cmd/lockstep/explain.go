package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"lockstep/config"
	"lockstep/proxy"
	"lockstep/sharding"
)

const explainAbout = `Prints how the proxy would run one SQL statement: on which shards, as which texts, and how
the answers become one. Nothing is run. No proxy is needed; the shards are asked for the tables'
definitions only, and with --tables nobody is asked: the file has them as CREATE TABLE statements, such
as mariadb-dump --no-data writes. The plan is that of a session with the default SQL mode; with the
proxy up, EXPLAIN LOCKSTEP [FORMAT=JSON] in a session says the same for that session.
`

// explainLimit bounds the reading of the tables' definitions.
const explainLimit = 30 * time.Second

func runExplain(ctx context.Context, t terminal, args []string) error {
	f := newOperatorFlags(t, "explain", "explain --config FILE [--tables FILE] [--database NAME] [--json] 'SQL'", explainAbout)
	file := f.String("config", "", "configuration `file`; required")
	definitions := f.String("tables", "", "`file` with the CREATE TABLE statements of the tables, instead of asking the shards")
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
	plan, err := explainStatement(ctx, cfg, *definitions, *database, texts[0])
	if refused := new(sharding.Error); errors.As(err, &refused) {
		return &refusedError{fmt.Errorf("the proxy would answer with error %d: %w", refused.Code, err)}
	}
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(t.out, plan)
	}
	tw := newTable(t.out, "STEP", "SHARD", "STATEMENT")
	for _, r := range plan.Steps {
		tw.row(r.Step, r.Shard, r.Statement)
	}
	return tw.flush()
}

// explainStatement plans with the definitions of a file, or with those of the shards.
func explainStatement(ctx context.Context, cfg *config.Config, file, database, text string) (*sharding.Explanation, error) {
	if file == "" {
		ctx, cancel := context.WithTimeoutCause(ctx, explainLimit, fmt.Errorf("not answered after %s", explainLimit))
		defer cancel()
		return proxy.Explain(ctx, cfg, database, text, slog.New(slog.DiscardHandler))
	}
	definitions, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the tables' definitions: %w", err)
	}
	tables, err := sharding.ReadDefinitions(database, definitions)
	if err != nil {
		// Not wrapped: it is not the statement that would be refused.
		return nil, errors.New("read the tables' definitions in " + file + ": " + err.Error())
	}
	return proxy.ExplainFor(cfg, tables, database, text)
}
