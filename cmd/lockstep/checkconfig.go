package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"lockstep/config"
)

const checkConfigAbout = `Reads a configuration file as serve would and prints all findings, each with its line
and column. It connects to nothing. Ends with 0 where there are none, otherwise with 1.
`

// finding is a config.Finding for programs.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func runCheckConfig(_ context.Context, t terminal, args []string) error {
	f := newFlags(t, "check-config", "check-config [--json] FILE", checkConfigAbout)
	file := f.String("config", "", "configuration `file`, the same as FILE")
	asJSON := f.Bool("json", false, "print the findings as a JSON list")
	words, err := parseFlags(f, args, 1)
	if err != nil {
		return err
	}
	switch {
	case len(words) == 1 && *file == "":
		*file = words[0]
	case len(words) == 1:
		return usagef("two files: %s and %s", *file, words[0])
	case *file == "":
		return usagef("FILE is missing")
	}
	cfg, err := config.Load(*file)
	var found *config.Error
	if err != nil && !errors.As(err, &found) {
		return err
	}
	if *asJSON {
		if err := printFindings(t, found); err != nil {
			return err
		}
	}
	switch {
	case found == nil && !*asJSON:
		tables := 0
		for _, s := range cfg.Schemas {
			tables += len(s.Tables)
		}
		_, err := fmt.Fprintf(t.out, "%s is good: %d shards, %d users, %d tables with a rule of their own\n", *file, len(cfg.Shards), len(cfg.Users), tables)
		return err
	case found != nil && *asJSON:
		return fmt.Errorf("%d findings", len(found.Findings))
	case found != nil:
		return fmt.Errorf("%d findings\n%w", len(found.Findings), found)
	}
	return nil
}

// printFindings prints an empty list where there are none.
func printFindings(t terminal, found *config.Error) error {
	list := []finding{}
	if found != nil {
		for _, x := range found.Findings {
			list = append(list, finding{x.File, x.Line, x.Column, x.Message})
		}
	}
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(list)
}
