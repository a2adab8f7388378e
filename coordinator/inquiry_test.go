package coordinator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// Transcripts: a finding on each line, then the verdict or what to do next.
func TestInquiry(t *testing.T) {
	datadriven.RunTest(t, "testdata/inquiry/verdicts", func(t *testing.T, d *datadriven.TestData) string {
		var names []string
		for _, a := range d.CmdArgs {
			names = append(names, a.Key)
		}
		q := newInquiry(names)
		var out strings.Builder
		for _, line := range strings.Split(d.Input, "\n") {
			name, word, _ := strings.Cut(line, " ")
			i := slices.Index(names, name)
			if word == "blocked" {
				q.block(i, errors.New("shard is down"))
			} else {
				f := slices.Index(findingNames[:], strings.ReplaceAll(word, "-", " "))
				if i < 0 || f < 0 {
					d.Fatalf(t, "cannot read %q", line)
				}
				q.see(i, finding(f))
			}
			next := "verdict: " + q.verdict().String()
			if q.verdict() == 0 {
				next = "to do: " + remedyWords(q)
			}
			fmt.Fprintf(&out, "%-14s %s\n%14s   %s\n", line, next, "", q.why())
		}
		return out.String()
	})
}

func remedyWords(q *inquiry) string {
	var words []string
	for _, r := range q.remedies() {
		words = append(words, [...]string{"ask", "fence", "end session of"}[r.kind]+" "+q.participants[r.i])
	}
	return strings.Join(words, ", ")
}
