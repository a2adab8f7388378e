package history

import (
	"fmt"
	"strings"
)

// Violation is a promise that a history breaks.
type Violation struct {
	Rule   string // e.g. "lost transfer", "G1a"
	Detail string
}

func (v Violation) String() string { return v.Rule + ": " + v.Detail }

// Report is what a checker found.
type Report struct {
	Violations []Violation // at most maxViolations of each rule
	Total      int         // of all
	Checked    map[string]int

	byRule map[string]int
}

const maxViolations = 10

func newReport() *Report { return &Report{Checked: map[string]int{}, byRule: map[string]int{}} }

func (r *Report) broken(rule, format string, args ...any) {
	r.Total++
	if r.byRule[rule]++; r.byRule[rule] <= maxViolations {
		r.Violations = append(r.Violations, Violation{rule, fmt.Sprintf(format, args...)})
	}
}

// Has says whether a rule was broken.
func (r *Report) Has(rule string) bool { return r.byRule[rule] > 0 }

func (r *Report) String() string {
	var b strings.Builder
	for _, v := range r.Violations {
		fmt.Fprintln(&b, v)
	}
	if more := r.Total - len(r.Violations); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	return b.String()
}

// Summary counts the operations of a history.
type Summary struct {
	OK, Failed, Unknown, Warned map[Kind]int
	Lookups                     int // that gave a final answer
}

// Summarize counts.
func (h *History) Summarize() Summary {
	s := Summary{OK: map[Kind]int{}, Failed: map[Kind]int{}, Unknown: map[Kind]int{}, Warned: map[Kind]int{}}
	for _, op := range h.Ops {
		switch op.Outcome {
		case OK:
			s.OK[op.Kind]++
		case Failed:
			s.Failed[op.Kind]++
		default:
			s.Unknown[op.Kind]++
		}
		if op.Warned {
			s.Warned[op.Kind]++
		}
		if op.Answer != "" {
			s.Lookups++
		}
	}
	return s
}
