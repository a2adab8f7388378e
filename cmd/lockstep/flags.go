package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// usageError is a call that the command does not understand: exit code 2.
type usageError struct{ reason string }

func (e *usageError) Error() string { return e.reason }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// newFlags makes a command's flags with a help text: what the command does, then
// the flags with their defaults.
func newFlags(t terminal, name, synopsis, about string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintf(t.out, "Usage: lockstep %s\n\n%s\nFlags:\n", synopsis, about)
		f.SetOutput(t.out)
		f.PrintDefaults()
		fmt.Fprint(t.out, "\nExit codes: 0 done, 1 failed, 2 wrong usage.\n")
	}
	return f
}

// parseFlags reads the arguments and answers what follows the flags, at most so
// many words.
func parseFlags(f *flag.FlagSet, args []string, most int) ([]string, error) {
	// The flag package prints the whole help after each mistake; here the mistake
	// is reported alone.
	usage := f.Usage
	f.Usage = func() {}
	f.SetOutput(io.Discard)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage()
			return nil, err
		}
		return nil, &usageError{err.Error()}
	}
	if f.NArg() > most {
		return nil, usagef("unexpected argument %q", f.Arg(most))
	}
	return f.Args(), nil
}
