package sharding

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"lockstep/config"
)

// TestRoutes plans the statements of testdata/routes, one a line, on the schema before them: rules as in a configuration, and behind
// "---" the tables. The answer has a line for each statement, with its shards, and below it what the shards get where that
// differs, how their answers are merged, or why it is refused or brought to a scratch server.
func TestRoutes(t *testing.T) {
	datadriven.Walk(t, "testdata/routes", func(t *testing.T, path string) {
		var p *Planner
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "schema":
				s, problems := routeSchema(t, d)
				p = NewPlanner(s, Limits{})
				return problems
			case "routes", "prepared":
				var b strings.Builder
				for line := range strings.SplitSeq(d.Input, "\n") {
					if line != "" {
						printRoute(t, &b, p, d, line)
					}
				}
				return b.String()
			}
			t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
			return ""
		})
	})
}

func routeSchema(t *testing.T, d *datadriven.TestData) (*Schema, string) {
	rules, tables, _ := strings.Cut(d.Input, "\n---\n")
	head := "users: [{name: app, password: app}]\nshards:\n"
	for i := range 4 {
		head += fmt.Sprintf("  - {name: s%d, address: 127.0.0.1:330%d, user: root}\n", i+1, i)
	}
	cfg, err := config.Parse("x.yaml", []byte(head+rules))
	if err != nil {
		t.Fatalf("%s: %v", d.Pos, err)
	}
	infos, err := ReadDefinitions("shop", []byte(tables))
	if err != nil {
		t.Fatalf("%s: %v", d.Pos, err)
	}
	s, problems := NewSchema(cfg, infos)
	var b strings.Builder
	for _, problem := range problems {
		fmt.Fprintf(&b, "%v\n", problem)
	}
	return s, b.String()
}

func printRoute(t *testing.T, b *strings.Builder, p *Planner, d *datadriven.TestData, text string) {
	in := testInputs([]byte(text), nil)
	in.Reserve = func(*Table, int) (uint64, error) { return 1001, nil }
	in.Explicit = func(*Table, uint64) error { return nil }
	var st *Statement
	var err error
	if d.Cmd == "prepared" {
		bindArgs(t, d, in)
		st, err = p.ParsePrepared(testEnv(), in.SQL)
	} else {
		st, in.Literals, err = p.Parse(testEnv(), in.SQL, nil)
	}
	var plan Plan
	if err == nil {
		if st.planner == nil {
			fmt.Fprintf(b, "%-11s %s\n", "(proxy)", text)
			return
		}
		err = st.Plan(&plan, in)
	}
	if e := new(Error); errors.As(err, &e) {
		how := fmt.Sprint("error ", e.Code)
		switch {
		case e.Scratch:
			how = "scratch"
		case e.Code == codeNotSupported:
			how = "refused"
		}
		fmt.Fprintf(b, "%-11s %s\n            %s\n", how, text, strings.TrimPrefix(e.Message, "Lockstep cannot run this statement: "))
		return
	}
	if err != nil {
		t.Fatalf("%s: %s: %v", d.Pos, text, err)
	}
	var names []string
	for _, target := range plan.Targets {
		names = append(names, st.schema.shards[target.Shard])
	}
	if plan.AnyShard {
		names = []string{"any"}
	}
	how := strings.Join(names, " ")
	switch {
	case plan.Evaluate != nil:
		how = "evaluate"
	case plan.Fill != nil:
		how = "fill"
	case plan.Change != nil:
		how = "change"
	case len(plan.System) > 0:
		how = "gather"
	}
	fmt.Fprintf(b, "%-11s %s\n", how, text)
	if plan.Evaluate != nil {
		fmt.Fprintf(b, "            %s\n", plan.Evaluate.Query)
	}
	if plan.Fill != nil {
		fmt.Fprintf(b, "            %s -> %s…%s\n", plan.Fill.Query, plan.Fill.Head, plan.Fill.Tail)
	}
	printTexts(b, st, &plan)
	if plan.Merge != nil && len(plan.Targets) > 1 {
		var steps []string
		for _, r := range mergeSteps(plan.Merge) {
			steps = append(steps, r.Statement)
		}
		fmt.Fprintf(b, "            %s\n", strings.Join(steps, "; "))
	}
}

// printTexts shows what the shards get where it is not the statement: once where all get the same.
func printTexts(b *strings.Builder, st *Statement, plan *Plan) {
	if len(plan.Targets) == 0 || plan.Targets[0].SQL == nil {
		return
	}
	first := string(plan.Targets[0].SQL)
	same := true
	for _, target := range plan.Targets {
		same = same && string(target.SQL) == first
	}
	if same {
		fmt.Fprintf(b, "            %s\n", first)
		return
	}
	for _, target := range plan.Targets {
		fmt.Fprintf(b, "            %s: %s\n", st.schema.shards[target.Shard], target.SQL)
	}
}
