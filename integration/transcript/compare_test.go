package transcript

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

// sequence is a number of commands on a fresh connection to the database d.
type sequence struct {
	name     string
	commands []wireclient.Command
	differs  []difference
	only     localdb.Engine // "": on both
}

// difference is an answer of the proxy that is another than a server's, on purpose.
type difference struct {
	command int            // by its place in the sequence
	on      localdb.Engine // "": on both
	lines   []string       // what the proxy answers
	why     string
}

func (s *sequence) difference(command int, engine localdb.Engine) *difference {
	for i := range s.differs {
		if d := &s.differs[i]; d.command == command && (d.on == "" || d.on == engine) {
			return d
		}
	}
	return nil
}

// check plays a sequence on both and compares answer by answer.
func (p *pair) check(t *testing.T, s *sequence) {
	want, err := p.play(t, p.plain, oneByOne, s)
	if err != nil {
		t.Fatalf("on a plain server: %v", err)
	}
	first, err := p.play(t, p.proxied, oneByOne, s)
	if err != nil {
		t.Errorf("%s: %v", oneByOne.name, err)
	}
	p.compare(t, s, first, want)
	p.withoutEOF(t, s)
	known := *s // with the ids that its statements have on a fresh connection
	known.commands = withIDs(s.commands, first)
	for _, d := range deliveries {
		got, err := p.play(t, p.proxied, d, &known)
		if err != nil {
			t.Errorf("%s: %v", d.name, err)
		}
		for i := range max(len(got), len(first)) {
			if g, w := got.lines(i), first.lines(i); !slices.Equal(g, w) {
				t.Errorf("%s: command %d, %s\n got %s\nand one by one %s", d.name, i, show(s.commands[i]), tell(g), tell(w))
			}
		}
	}
}

// withoutEOF compares the answers to a client for which OK packets stand where EOF packets were.
func (p *pair) withoutEOF(t *testing.T, s *sequence) {
	t.Helper()
	d := oneByOne
	d.capabilities = wireclient.CapDeprecateEOF
	want, err := p.play(t, p.plain, d, s)
	if err != nil {
		t.Fatalf("on a plain server, without EOF packets: %v", err)
	}
	got, err := p.play(t, p.proxied, d, s)
	if err != nil {
		t.Errorf("without EOF packets: %v", err)
	}
	for i := range max(len(got), len(want)) {
		if s.difference(i, p.engine) != nil {
			continue // told of the other client
		}
		if g, w := p.lines(s, got, i), p.lines(s, want, i); !slices.Equal(g, w) {
			t.Errorf("without EOF packets: command %d, %s\n got %s (%s)\nwant %s (%s)", i, show(s.commands[i]), tell(g), got.detail(i), tell(w), want.detail(i))
		}
	}
}

func (p *pair) play(t *testing.T, address string, d delivery, s *sequence) (answers, error) {
	t.Helper()
	c := p.dial(t, address, wireclient.Options{Database: "d", Wrap: d.wrap, Capabilities: d.capabilities})
	defer c.Close()
	return d.play(c, s.commands)
}

func (p *pair) compare(t *testing.T, s *sequence, got, want answers) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := p.lines(s, got, i), p.lines(s, want, i)
		command := show(s.commands[i])
		if d := s.difference(i, p.engine); d != nil {
			switch {
			case d.why == "":
				t.Errorf("%s: no reason is given for another answer", command)
			case slices.Equal(d.lines, w):
				t.Errorf("%s: a server answers the same: there is no difference", command)
			}
			w = d.lines
		}
		if !slices.Equal(g, w) {
			t.Errorf("command %d, %s\n got %s (%s)\nwant %s (%s)", i, command, tell(g), got.detail(i), tell(w), want.detail(i))
		}
	}
}

// lines are those of an answer without what means nothing to a client.
func (p *pair) lines(s *sequence, list answers, i int) []string {
	if i >= len(list) {
		return nil
	}
	a := *list[i]
	a.Results = slices.Clone(a.Results)
	for j := range a.Results {
		r := &a.Results[j]
		if r.Prepared != nil { // ids are a server's own business
			prepared := *r.Prepared
			prepared.ID = 0
			r.Prepared = &prepared
		}
		if p.engine == localdb.MySQL && !isStatement(s.commands[i]) {
			// It repeats the count of warnings of the last statement.
			if r.OK != nil {
				ok := *r.OK
				ok.Warnings = 0
				r.OK = &ok
			}
			if r.EOF != nil {
				r.EOF = &wireclient.EOF{Status: r.EOF.Status}
			}
		}
	}
	return a.Lines()
}

func isStatement(cmd wireclient.Command) bool {
	return len(cmd) > 0 && (cmd[0] == wireclient.ComQuery || cmd[0] == wireclient.ComStmtExecute)
}

func (a answers) lines(i int) []string {
	if i >= len(a) {
		return nil
	}
	return a[i].Lines()
}

func (a answers) detail(i int) string {
	if i >= len(a) {
		return ""
	}
	return a[i].Detail()
}

func tell(lines []string) string {
	if len(lines) == 0 {
		return "nothing"
	}
	return strings.Join(lines, "\n     ")
}

func show(cmd wireclient.Command) string {
	if len(cmd) == 0 {
		return "empty packet"
	}
	return fmt.Sprintf("%#x %.80q", cmd[0], []byte(cmd[1:]))
}
