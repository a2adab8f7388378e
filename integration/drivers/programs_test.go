package drivers

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// driver is one client program: it is told where a server is, does what its driver
// is known for, and prints a line for each step.
type driver struct {
	name    string                                  // of its folder below programs, and of its database
	command func(t *testing.T, dir string) []string // what runs it; dir is a temporary folder to build in
	differ  []difference
}

// difference is a line of a transcript that need not be the same through the proxy.
type difference struct {
	line   *regexp.Regexp // matches both lines
	engine localdb.Engine // where it differs; empty: on both engines
	why    string
	chance bool // it need not differ each time: the server itself answers now so, now so
}

// only is a difference on one engine.
func (d difference) only(e localdb.Engine) difference {
	d.engine = e
	return d
}

// byChance is a difference that is not there in every run.
func (d difference) byChance() difference {
	d.chance = true
	return d
}

// may is a difference in lines that a pattern matches.
func may(pattern, why string) difference {
	return difference{line: regexp.MustCompile(pattern), why: why}
}

// target is where a program connects.
type target struct{ name, address string }

// programTime bounds one run of one program.
const programTime = time.Minute

// schema is how the tables of all programs' databases are spread: each program may use these names.
const schema = `
      - {name: country, kind: global}
      - {name: setting, kind: single, shard: s2}
      - {name: customer, shard_key: id}
      - {name: orders, shard_key: customer_id}
`

// TestPrograms runs each program against a plain server and through the proxy: their transcripts must be equal.
func TestPrograms(t *testing.T) {
	var config strings.Builder
	config.WriteString("schemas:\n")
	for _, p := range programs {
		fmt.Fprintf(&config, "  - name: %s\n    tables:%s", p.name, schema)
		config.WriteString(p.tables())
	}
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: config.String()})
	c.StartProxy()
	plain := cluster.PlainServer(t, c.Shards[0].Engine)
	targets := []target{{"direct", plain.Address()}, {"proxy", c.Listen}}
	for _, p := range programs {
		exec(t, c.DB(""), "CREATE DATABASE "+p.name)
		if err := plain.Exec(t.Context(), "CREATE DATABASE "+p.name); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			command := p.command(t, t.TempDir())
			var transcripts [][]string
			for _, to := range targets {
				transcripts = append(transcripts, p.run(t, command, to))
			}
			p.compare(t, plain.Engine, transcripts[0], transcripts[1])
		})
	}
}

// run runs the program once and returns what it printed, line by line.
func (p driver) run(t *testing.T, command []string, to target) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(to.address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	cmd := osexec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], host, port, cluster.User, cluster.Password, p.name)...)
	cmd.Dir = filepath.Join("programs", p.name)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC", "PYTHONDONTWRITEBYTECODE=1", "NODE_PATH="+nodeModules(t))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	begin := time.Now()
	err = cmd.Run()
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%s: %v after %v\n%s\nlast lines of the transcript:\n%s", to.name, err, time.Since(begin), errs.String(), strings.Join(lines[max(0, len(lines)-10):], "\n"))
	}
	if len(lines) < 20 {
		t.Fatalf("%s: a transcript of %d lines tells nothing:\n%s", to.name, len(lines), out.String())
	}
	if last := lines[len(lines)-1]; last != "end" {
		t.Fatalf("%s: the program did not come to its end; its last line is %q", to.name, last)
	}
	t.Logf("%s: %d lines in %v", to.name, len(lines), time.Since(begin).Round(time.Millisecond))
	return lines
}

// compare holds the two transcripts against each other.
func (p driver) compare(t *testing.T, engine localdb.Engine, direct, through []string) {
	t.Helper()
	keep := os.Getenv("LOCKSTEP_TRANSCRIPTS") // a folder to look at them in
	if keep != "" {
		for name, lines := range map[string][]string{"direct": direct, "proxy": through} {
			file := filepath.Join(keep, fmt.Sprintf("%s.%s.%s", p.name, engine, name))
			if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	if len(direct) != len(through) {
		i := 0
		for i < min(len(direct), len(through)) && direct[i] == through[i] {
			i++
		}
		t.Errorf("%d lines direct, %d through the proxy; from line %d on:\n direct %s\n proxy  %s", len(direct), len(through), i+1,
			strings.Join(direct[i:min(i+5, len(direct))], "\n        "), strings.Join(through[i:min(i+5, len(through))], "\n        "))
		return
	}
	used := make([]bool, len(p.differ))
	for i := range direct {
		if direct[i] == through[i] {
			continue
		}
		n := slices.IndexFunc(p.differ, func(d difference) bool {
			return (d.engine == "" || d.engine == engine) && d.line.MatchString(direct[i]) && d.line.MatchString(through[i])
		})
		if n < 0 {
			t.Errorf("line %d differs:\n direct %s\n proxy  %s", i+1, direct[i], through[i])
			continue
		}
		used[n] = true
	}
	for i, d := range p.differ {
		if !used[i] && !d.chance && (d.engine == "" || d.engine == engine) {
			t.Errorf("no line that %q matches differs any more (%s): take it off the list", d.line, d.why)
		}
	}
}

// tables are further tables of one program, as YAML of its configuration.
func (p driver) tables() string {
	text, err := os.ReadFile(filepath.Join("programs", p.name, "tables.yaml"))
	if err != nil {
		return "" // it has none
	}
	return string(text)
}

// nodeModules is where scripts/install-deps.sh puts npm's packages.
func nodeModules(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("../../.cache/node/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// interpreted is the command of a program in one file that an interpreter runs.
func interpreted(file string, interpreter ...string) func(*testing.T, string) []string {
	return func(t *testing.T, _ string) []string {
		t.Helper()
		needs(t, interpreter[0])
		return append(slices.Clone(interpreter), file)
	}
}

// builds runs a compiler.
func builds(t *testing.T, command ...string) {
	t.Helper()
	needs(t, command[0])
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	if out, err := osexec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s(make install-test-deps)", strings.Join(command, " "), err, out)
	}
}
