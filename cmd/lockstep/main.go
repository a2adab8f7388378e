package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit codes, for scripts to rely on.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3
	exitPartial = 4
)

// command is one subcommand.
type command struct {
	name    string // may be several words: the longest match wins
	summary string // one line, for the list of commands
	run     func(ctx context.Context, t terminal, args []string) error
}

// terminal is where a command writes: answers to out, progress and complaints to err.
type terminal struct{ out, err io.Writer }

// commands in the order in which the help lists them.
var commands = []command{
	{"dev", "start private shards and a proxy to try things out", runDev},
	{"dev stop", "stop the shards that a dev left behind", runDevStop},
	{"serve", "run the proxy", runServe},
	{"init", "make the tables on the shards that commits need, and name missing grants", runInit},
	{"check-config", "read a configuration and say what is wrong with it", runCheckConfig},
	{"txn", "list, show and settle transactions in doubt", runTxn},
	{"recover", "settle now what is in doubt", runRecover},
	{"log", "look into the decision log, check it", runLog},
	{"schema", "compare what the shards define, mend what differs", runSchema},
	{"explain", "say how the proxy would run a statement", runExplain},
	{"version", "print the version", runVersion},
}

func main() {
	t := terminal{os.Stdout, os.Stderr}
	ctx, stop := untilSignal(t)
	defer stop()
	os.Exit(run(ctx, t, os.Args[1:]))
}

// run runs the subcommand that the arguments name and answers the exit code.
func run(ctx context.Context, t terminal, args []string) int {
	if len(args) == 0 {
		printHelp(t.err)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 && args[0] == "help" {
			args = append(args[1:], "--help")
			break
		}
		printHelp(t.out)
		return exitOK
	case "-v", "-version", "--version":
		args = []string{"version"}
	}
	c, rest := find(args)
	if c == nil {
		fmt.Fprintf(t.err, "lockstep: unknown command %q; lockstep help lists what there is\n", args[0])
		return exitUsage
	}
	return exitCode(c.name, t, c.run(ctx, t, rest))
}

// exitCode reports a command's error.
func exitCode(name string, t terminal, err error) int {
	var usage *usageError
	var refused *refusedError
	var partial *partialError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(t.err, "lockstep %s: %v\nlockstep %s --help says how it is called\n", name, err, name)
		return exitUsage
	}
	fmt.Fprintf(t.err, "lockstep %s: %v\n", name, err)
	switch {
	case errors.As(err, &refused):
		return exitRefused
	case errors.As(err, &partial):
		return exitPartial
	}
	return exitFailed
}

// find answers the command whose words the arguments start with, the longest one.
func find(args []string) (found *command, rest []string) {
	for i := range commands {
		words := strings.Fields(commands[i].name)
		if len(words) > len(args) || strings.Join(args[:len(words)], " ") != commands[i].name {
			continue
		}
		if found == nil || len(commands[i].name) > len(found.name) {
			found, rest = &commands[i], args[len(words):]
		}
	}
	return found, rest
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, `Lockstep is a MySQL-wire proxy: tables are sharded over several MySQL or MariaDB
servers, and transactions that touch several of them commit atomically.

Usage: lockstep COMMAND [flags]

Commands:
`)
	for _, c := range commands {
		fmt.Fprintf(w, "  %-14s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, `
lockstep COMMAND --help explains a command. Exit codes: 0 done, 1 failed, 2 wrong usage,
3 refused (txn, recover, log, explain, schema repair) or found (schema check), 4 done in part: a shard could not be asked, or a
branch is not settled yet (txn, recover).
`)
}
