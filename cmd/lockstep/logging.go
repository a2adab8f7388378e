package main

import (
	"flag"
	"log/slog"
)

// logFlags are the flags of commands that log.
type logFlags struct {
	level  slog.Level
	format string
}

func (l *logFlags) register(f *flag.FlagSet, preset slog.Level) {
	f.TextVar(&l.level, "log-level", preset, "lowest `level` that is logged: debug, info, warn or error")
	f.StringVar(&l.format, "log-format", "text", "`form` of a log line: text or json")
}

// errorsInWords keeps a line a line: the text form would print what an error of another
// package has besides its words, such as a stack trace.
func errorsInWords(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		a.Value = slog.StringValue(err.Error())
	}
	return a
}

// logger writes to standard error.
func (l *logFlags) logger(t terminal) (*slog.Logger, error) {
	o := &slog.HandlerOptions{Level: l.level, ReplaceAttr: errorsInWords}
	switch l.format {
	case "text":
		return slog.New(slog.NewTextHandler(t.err, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(t.err, o)), nil
	}
	return nil, usagef("unknown log format %q: use text or json", l.format)
}
