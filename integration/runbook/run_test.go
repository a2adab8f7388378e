package runbook

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// envPrint shows what each command says, for writing the runbook.
const envPrint = "LOCKSTEP_RUNBOOK_PRINT"

// commandTime bounds one command of the runbook.
const commandTime = 60 * time.Second

// TestRunbook runs every block of the runbook in its situation.
func TestRunbook(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts servers for each situation")
	}
	list := read(t)
	used := map[string]bool{}
	for _, s := range list {
		used[s.situation] = true
		t.Run(s.situation, func(t *testing.T) {
			t.Parallel() // most of the time somebody waits for a time limit
			set, ok := situations[s.situation]
			if !ok {
				t.Fatalf("the situation %q of the runbook cannot be set up", s.situation)
			}
			if !slices.ContainsFunc(s.steps, func(s step) bool { return len(s.commands) > 0 }) {
				t.Fatal("the runbook has no commands for it")
			}
			p := &place{t: t, variables: map[string]string{}, events: map[string]func(){}, files: map[string]string{}}
			set(p)
			for _, step := range s.steps {
				p.take(step)
			}
		})
	}
	for name := range situations {
		if !used[name] {
			t.Errorf("the runbook has no situation %q", name)
		}
	}
}

// place is where a section of the runbook is run.
type place struct {
	*cluster.Cluster
	t         *testing.T
	variables map[string]string
	files     map[string]string // names in the runbook, and here
	events    map[string]func()
}

func (p *place) take(s step) {
	p.t.Helper()
	if s.meanwhile != "" {
		event := p.events[s.meanwhile]
		if event == nil {
			event = p.common(s.meanwhile)
		}
		if event == nil {
			p.t.Fatalf("line %d: %q does not happen in this situation", s.line, s.meanwhile)
		}
		event()
		return
	}
	for _, c := range s.commands {
		output, code := p.run(c.text)
		if p.t.Failed() {
			return
		}
		if os.Getenv(envPrint) != "" {
			p.t.Logf("$ %s\n%s(exit code %d)", c.text, output, code)
		}
		missing := c.missing(output)
		if missing != "" || strconv.Itoa(code) != c.code {
			p.t.Fatalf("docs/runbook.md:%d: $ %s\nexit code %d, expected %s; expected line not there: %q; the output:\n%s\nthe proxy's last words:\n%s",
				c.line, c.text, code, c.code, missing, output, lastLines(p.ProxyOutput(), 15))
		}
	}
}

// run gives a command to a shell, as the reader would.
func (p *place) run(text string) (output string, code int) {
	p.t.Helper()
	bin := cluster.Binary(p.t)
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	for from, to := range p.files {
		text = strings.ReplaceAll(text, from, to)
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -o pipefail\n"+text)
	cmd.Dir = p.Dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+string(os.PathListSeparator)+os.Getenv("PATH"))
	for k, v := range p.variables {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		p.t.Fatalf("$ %s: %v\n%s", text, err, out)
	}
	// Back to the names of the runbook.
	said := string(out)
	for from, to := range p.files {
		said = strings.ReplaceAll(said, to, from)
	}
	return said, cmd.ProcessState.ExitCode()
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
