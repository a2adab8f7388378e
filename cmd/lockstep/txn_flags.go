package main

import (
	"flag"
	"fmt"
)

// newOperatorFlags is newFlags for commands that may be refused.
func newOperatorFlags(t terminal, name, synopsis, about string) *flag.FlagSet {
	f := newFlags(t, name, synopsis, about)
	f.Usage = func() {
		fmt.Fprintf(t.out, "Usage: lockstep %s\n\n%s", synopsis, about)
		any := false
		f.VisitAll(func(*flag.Flag) { any = true })
		if any {
			fmt.Fprint(t.out, "\nFlags:\n")
			f.SetOutput(t.out)
			f.PrintDefaults()
		}
		fmt.Fprint(t.out, "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, with the reason,\n4 done in part: a shard could not be asked, or a branch is not settled yet.\n")
	}
	return f
}

// parseMixed is parseFlags where flags may also follow the words, as in
// "commit GTRID --force".
func parseMixed(f *flag.FlagSet, args []string, most int) (words []string, err error) {
	for {
		rest, err := parseFlags(f, args, len(args))
		if err != nil {
			return nil, err
		}
		if len(rest) == 0 {
			return words, nil
		}
		if len(words) == most {
			return nil, usagef("unexpected argument %q", rest[0])
		}
		words, args = append(words, rest[0]), rest[1:]
	}
}
