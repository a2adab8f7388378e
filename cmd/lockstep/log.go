package main

import "context"

const logAbout = `Looks into the decision log.

Verbs:
  dump    print decisions, audit entries and epochs
  verify  check the file of a proxy that does not run
  salvage OLD NEW  save the decisions of a damaged file
`

var logVerbs = []verb{{"dump", runLogDump}, {"verify", runLogVerify}, {"salvage", runLogSalvage}}

func runLog(ctx context.Context, t terminal, args []string) error {
	return runVerb(ctx, t, "log", logAbout, logVerbs, args)
}
