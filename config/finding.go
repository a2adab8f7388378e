package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is every finding of a file, in the order of the file.
type Error struct{ Findings []Finding }

// Finding is one thing that is wrong, and where.
type Finding struct {
	File         string
	Line, Column int // from 1; Column counts characters
	Message      string
	Excerpt      string // the line with its number, and below it a mark at the column; no line break at its end
}

// Error lists every finding with its excerpt.
func (e *Error) Error() string {
	var b strings.Builder
	for i, f := range e.Findings {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
		if f.Excerpt != "" {
			b.WriteByte('\n')
			b.WriteString(f.Excerpt)
		}
	}
	return b.String()
}

// place is a position in the file; the zero place means unknown.
type place struct{ line, column int }

// source is a file being read: its lines for excerpts, where each value stands,
// and what has been found so far.
type source struct {
	file     string
	lines    []string
	places   map[string]place // value path, such as shards[1].pool.max_idle → its value (a scalar) or its first key
	broken   map[string]bool  // paths whose value could not be decoded: what checks say of them would mislead
	findings []Finding
}

func newSource(file string, text []byte) *source {
	normal := strings.ReplaceAll(string(text), "\r\n", "\n")
	return &source{file: file, lines: strings.Split(normal, "\n"), places: make(map[string]place), broken: make(map[string]bool)}
}

// err is nil where nothing was found.
func (s *source) err() error {
	if len(s.findings) == 0 {
		return nil
	}
	slices.SortStableFunc(s.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Findings: s.findings}
}

// at adds a finding at a place.
func (s *source) at(p place, format string, args ...any) {
	if p.line < 1 {
		p = place{1, 1}
	}
	s.findings = append(s.findings, Finding{
		File: s.file, Line: p.line, Column: p.column,
		Message: fmt.Sprintf(format, args...),
		Excerpt: s.excerpt(p),
	})
}

// find adds a finding at the value of that path, or where the file does not have
// it, at the nearest value around it. A value that could not be decoded has its
// finding already.
func (s *source) find(path, format string, args ...any) {
	if !s.broken[path] {
		s.at(s.place(path), format, args...)
	}
}

// reject is find for a value that cannot be decoded.
func (s *source) reject(path, format string, args ...any) {
	s.find(path, format, args...)
	s.broken[path] = true
}

// place of a path's value, or of the nearest value around it.
func (s *source) place(path string) place {
	for path != "" {
		if p, ok := s.places[path]; ok {
			return p
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return s.places[""]
}

// given says whether the file has a value at that path.
func (s *source) given(path string) bool {
	_, ok := s.places[path]
	return ok
}

// excerptWidth is how many characters of a line an excerpt shows at most.
const excerptWidth = 100

func (s *source) excerpt(p place) string {
	if p.line > len(s.lines) {
		return ""
	}
	line := []rune(s.lines[p.line-1])
	column := min(max(p.column-1, 0), len(line))
	from := max(0, min(column-excerptWidth/2, len(line)-excerptWidth))
	to := min(len(line), from+excerptWidth)
	indent := make([]rune, 0, excerptWidth)
	for _, r := range line[from:column] {
		if r != '\t' { // a tab stays a tab, so that the mark stands below its character
			r = ' '
		}
		indent = append(indent, r)
	}
	return fmt.Sprintf("%5d | %s\n      | %s^", p.line, string(line[from:to]), string(indent))
}
