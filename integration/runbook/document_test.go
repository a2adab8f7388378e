package runbook

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const document = "../../docs/runbook.md"

// section is one situation of the runbook with what is done in it.
type section struct {
	situation string
	steps     []step
}

// step is a block of commands, or something that happens meanwhile.
type step struct {
	line      int // in the document
	meanwhile string
	commands  []command
}

// command with what the document says of it.
type command struct {
	line   int
	text   string
	output []string
	code   string // "0" where the document says nothing
}

var (
	markOf = regexp.MustCompile(`^<!-- (situation|meanwhile): ([a-z0-9-]+) -->$`)
	codeOf = regexp.MustCompile(`^\(exit code ([0-9]+)\)$`)
)

// read takes the runbook apart.
func read(t *testing.T) (list []section) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		if m := markOf.FindStringSubmatch(lines[i]); m != nil {
			if m[1] == "situation" {
				list = append(list, section{situation: m[2]})
				continue
			}
			if len(list) == 0 {
				t.Fatalf("line %d: nothing can happen before the first situation", i+1)
			}
			s := &list[len(list)-1]
			s.steps = append(s.steps, step{line: i + 1, meanwhile: m[2]})
			continue
		}
		if strings.HasPrefix(lines[i], "<!--") {
			t.Errorf("line %d: a mark that means nothing: %s", i+1, lines[i])
		}
		if lines[i] != "```console" {
			continue
		}
		block := step{line: i + 1}
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			block.add(t, i+1, lines[i])
		}
		if len(list) == 0 {
			t.Fatalf("line %d: a block of commands outside of any situation", block.line)
		}
		s := &list[len(list)-1]
		s.steps = append(s.steps, block)
	}
	return list
}

func (s *step) add(t *testing.T, line int, text string) {
	t.Helper()
	last := len(s.commands) - 1
	switch cmd, is := strings.CutPrefix(text, "$ "); {
	case is:
		s.commands = append(s.commands, command{line: line, text: cmd, code: "0"})
	case last < 0:
		t.Errorf("line %d: output without a command: %s", line, text)
	case strings.HasSuffix(s.commands[last].text, "\\") && len(s.commands[last].output) == 0:
		s.commands[last].text += "\n" + text
	default:
		if m := codeOf.FindStringSubmatch(text); m != nil {
			s.commands[last].code = m[1]
		} else if strings.TrimSpace(text) != "" {
			s.commands[last].output = append(s.commands[last].output, text)
		}
	}
}

// missing is the first expected line that the output does not have, in order.
func (c command) missing(output string) string {
	var have []string
	for line := range strings.Lines(output) {
		have = append(have, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range c.output {
		for len(have) > 0 && !like(have[0], want) {
			have = have[1:]
		}
		if len(have) == 0 {
			return want
		}
		have = have[1:]
	}
	return ""
}

// like compares a line with one of the document, where … is anything.
func like(have, want string) bool {
	quoted := regexp.QuoteMeta(strings.Join(strings.Fields(want), " "))
	quoted = strings.ReplaceAll(quoted, " … ", "( | .* )") // between columns: none, or some
	return regexp.MustCompile("^" + strings.ReplaceAll(quoted, "…", ".*") + "$").MatchString(have)
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		have, want string
		is         bool
	}{
		{"a b c", "a   b c", true}, {"a b c", "a …", true}, {"a b c", "…c", true}, {"a b c", "a … b … c", true}, {"a b x c", "a … b … c", true}, {"a b c", "b", false},
		{"refused: (x) [y]", "refused: (x) [y]", true}, {"refusedX (x) [y]", "refused. (x) [y]", false}, {"abc", "", false},
	} {
		if like(c.have, c.want) != c.is {
			t.Errorf("%q is like %q: expected %v", c.have, c.want, c.is)
		}
	}
	c := command{output: []string{"one", "three"}}
	if c.missing("one\ntwo\nthree\n") != "" || c.missing("three\none\n") != "three" || c.missing("") != "one" {
		t.Error("the order of lines is not held")
	}
}
