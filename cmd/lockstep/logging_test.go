package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// tracedError prints more than its words where it is asked to.
type tracedError struct{ error }

func (e tracedError) Format(f fmt.State, verb rune) {
	fmt.Fprint(f, e.Error())
	if f.Flag('+') {
		fmt.Fprint(f, "\nsome.Function\n\tfile.go:1")
	}
}

func TestLogHasWordsOfErrorsOnly(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log, err := (&logFlags{format: format}).logger(terminal{err: &out})
		if err != nil {
			t.Fatal(err)
		}
		log.Warn("shard cannot be reached", "error", tracedError{errors.New("connection refused")}, slog.Int("n", 1))
		if said := out.String(); strings.Contains(said, "file.go") || !strings.Contains(said, "connection refused") || !strings.Contains(said, "n") {
			t.Errorf("%s: %s", format, said)
		}
	}
}
