package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// table is columns of text for people.
type table struct {
	w    *tabwriter.Writer
	errs []error
}

func newTable(w io.Writer, heads ...string) *table {
	t := &table{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if len(heads) > 0 {
		t.row(heads...)
	}
	return t
}

func (t *table) row(cells ...string) {
	for i := range cells {
		if cells[i] = plain(cells[i]); cells[i] == "" {
			cells[i] = "-"
		}
	}
	if _, err := fmt.Fprintln(t.w, strings.Join(cells, "\t")); err != nil {
		t.errs = append(t.errs, err)
	}
}

func (t *table) flush() error {
	if err := errors.Join(append(t.errs, t.w.Flush())...); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// plain keeps what others wrote, such as a reason or a stranger's name, from steering the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// closing adds the error of an end to the command's own.
func closing(done func() error, err *error) {
	if cerr := done(); cerr != nil {
		*err = errors.Join(*err, cerr)
	}
}
