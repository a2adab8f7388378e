package sharding

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestPlans compiles and plans each statement of testdata/plans. Arguments of a case: mode (sql_mode), db, charset,
// params (values; text in quotes), physical (rename the databases), prefer, gather (information_schema is gathered).
func TestPlans(t *testing.T) {
	datadriven.Walk(t, "testdata/plans", func(t *testing.T, path string) {
		p := NewPlanner(testSchema(t), Limits{})
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			env := testEnv()
			in := &Inputs{Prefer: -1, SQL: []byte(d.Input), Session: &Session{LastInsertID: 7, RowCount: -1, FoundRows: 3, ConnectionID: 99,
				User: "app", Host: "10.0.0.1", Database: "shop",
				SystemVariables: func(name string) (string, bool) { return "'2pc'", name == "lockstep_commit_mode" }}}
			if d.HasArg("mode") {
				d.ScanArgs(t, "mode", &env.SQLMode)
				env.SQLMode = strings.ReplaceAll(env.SQLMode, "+", ",")
				env.AnsiQuotes, env.NoBackslash = env.hasMode("ANSI_QUOTES"), env.hasMode("NO_BACKSLASH_ESCAPES")
			}
			if d.HasArg("db") {
				env.Database = ""
			}
			if d.HasArg("charset") {
				d.ScanArgs(t, "charset", &env.Charset)
			}
			if d.HasArg("prefer") {
				d.ScanArgs(t, "prefer", &in.Prefer)
			}
			in.Gather = d.HasArg("gather")
			if d.HasArg("physical") {
				in.PhysicalDatabase = func(shard int, logical string) string { return fmt.Sprintf("%s_%d", logical, shard+1) }
			}
			in.MayScratch, in.InTransaction = d.Cmd == "scratch", d.HasArg("transaction")
			var b strings.Builder
			in.Reserve = func(t *Table, n int) (uint64, error) {
				fmt.Fprintf(&b, "reserve %d for %s\n", n, t.Name)
				return 1001, nil
			}
			in.Explicit = func(t *Table, highest uint64) error {
				fmt.Fprintf(&b, "explicit %d for %s\n", highest, t.Name)
				return nil
			}
			var st *Statement
			var err error
			if d.Cmd == "prepared" || d.HasArg("params") {
				st, err = p.ParsePrepared(env, in.SQL)
				bindArgs(t, d, in)
			} else {
				st, in.Literals, err = p.Parse(env, in.SQL, nil)
			}
			if err != nil {
				return printError(err)
			}
			if d.Cmd == "analyse" {
				return printStatement(st)
			}
			var plan Plan
			if err := st.Plan(&plan, in); err != nil {
				return b.String() + printError(err)
			}
			if c := plan.Evaluate; c != nil && d.HasArg("values") {
				fmt.Fprintf(&b, "evaluate: %s\n", c.Query)
				bindEvaluated(d, in)
				if err := st.Plan(&plan, in); err != nil {
					return b.String() + printError(err)
				}
			}
			if d.Cmd == "explain" && d.HasArg("json") {
				text, err := json.MarshalIndent(st.Explanation(&plan, in, st.schema), "", " ")
				if err != nil {
					t.Fatal(err)
				}
				return b.String() + string(text) + "\n"
			}
			if d.Cmd == "explain" || d.Cmd == "scratch" {
				for _, r := range st.Explain(&plan, in, st.schema) {
					fmt.Fprintf(&b, "%-6s %-3s %s\n", r.Step, r.Shard, r.Statement)
				}
				return b.String()
			}
			printPlan(&b, st, &plan, in)
			return b.String()
		})
	})
}

func bindArgs(t *testing.T, d *datadriven.TestData, in *Inputs) {
	for _, a := range d.CmdArgs {
		if a.Key != "params" {
			continue
		}
		for _, v := range a.Vals {
			switch n, err := strconv.ParseInt(v, 10, 64); {
			case v == "NULL":
				in.Params = append(in.Params, Value{})
			case err == nil:
				in.Params = append(in.Params, Value{Kind: ValInt, I: n})
			default:
				in.Params = append(in.Params, Value{Kind: ValString, B: []byte(v)})
			}
		}
	}
	in.AppendParam = func(dst []byte, i int) ([]byte, error) {
		switch v := in.Params[i]; v.Kind {
		case ValNull:
			return append(dst, "NULL"...), nil
		case ValInt:
			return strconv.AppendInt(dst, v.I, 10), nil
		default:
			return append(append(append(dst, '\''), v.B...), '\''), nil
		}
	}
}

// bindEvaluated gives the planner the values that a server would have worked out.
func bindEvaluated(d *datadriven.TestData, in *Inputs) {
	for _, a := range d.CmdArgs {
		if a.Key != "values" {
			continue
		}
		for _, v := range a.Vals {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				in.Evaluated = append(in.Evaluated, Evaluated{Value: Value{Kind: ValInt, I: n}, Text: []byte(v)})
			} else {
				in.Evaluated = append(in.Evaluated, Evaluated{Value: Value{Kind: ValString, B: []byte(v)}, Text: []byte("'" + v + "'")})
			}
		}
	}
}

func printError(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return fmt.Sprintf("error %d: %s\n", e.Code, e.Message)
	}
	return fmt.Sprintf("error: %v\n", err)
}

func printStatement(st *Statement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", st.Kind.String())
	add := func(on bool, format string, args ...any) {
		if on {
			fmt.Fprintf(&b, " "+format, args...)
		}
	}
	add(st.ReadOnly, "readonly")
	add(st.Locking, "locking")
	add(st.SessionSlots, "slots")
	add(st.UpdateReplace, "replace")
	add(st.Chain, "chain")
	add(st.ReleaseAfter, "release")
	add(st.Name != "", "name=%q", st.Name)
	add(st.Begin != BeginOptions{}, "%+v", st.Begin)
	add(st.Kill != KillTarget{}, "%+v", st.Kill)
	add(len(st.Words) > 0, "words=%q", st.Words)
	add(st.Show.What != "", "%+v", st.Show)
	add(st.DDL.Verb != "", "%+v", st.DDL)
	for _, t := range st.Tables {
		add(true, "table=%s", t.Name)
	}
	b.WriteByte('\n')
	for _, a := range st.Set {
		fmt.Fprintf(&b, "  %+v\n", a)
	}
	if st.Inner != nil {
		b.WriteString("  inner: " + printStatement(st.Inner))
	}
	return b.String()
}

func printPlan(b *strings.Builder, st *Statement, p *Plan, in *Inputs) {
	var flags []string
	flag := func(on bool, name string) {
		if on {
			flags = append(flags, name)
		}
	}
	flag(p.Write, "write")
	flag(p.AnyShard, "any-shard")
	flag(!p.SumAffected, "one-count")
	flag(p.SameTime, "same-time")
	flag(st.Locking, "locking")
	fmt.Fprintf(b, "%s (%s)\n", strings.Join(append([]string{st.Kind.String()}, flags...), " "), p.Why)
	if c := p.Evaluate; c != nil {
		fmt.Fprintf(b, "evaluate: %s\n", c.Query)
		return
	}
	if f := p.Fill; f != nil {
		fmt.Fprintf(b, "read: %s\ninsert: %s…%s\n", f.Query, f.Head, f.Tail)
		return
	}
	for _, r := range p.System {
		fmt.Fprintf(b, "gather %s as %s", r.Table.Name, r.Stand)
		if r.Schemas != nil {
			fmt.Fprintf(b, " of %q", r.Schemas)
		}
		if r.Objects != nil {
			fmt.Fprintf(b, " named %q", r.Objects)
		}
		if r.Numbers {
			b.WriteString(" with numbers")
		}
		b.WriteByte('\n')
	}
	schema := st.schema
	same := true
	for _, t := range p.Targets {
		same = same && t.SQL == nil
	}
	var names []string
	for _, t := range p.Targets {
		names = append(names, schema.Shards()[t.Shard])
		if !same {
			sql := "(as received)"
			if t.SQL != nil {
				sql = string(t.SQL)
			}
			fmt.Fprintf(b, "%s: %s\n", schema.Shards()[t.Shard], sql)
		}
	}
	if same && p.Change == nil {
		fmt.Fprintf(b, "%s\n", strings.Join(names, " "))
	}
	if p.Change != nil {
		for _, r := range p.Change.steps() {
			fmt.Fprintf(b, "%s: %s\n", r.Step, r.Statement)
		}
		return
	}
	if p.InsertID != 0 {
		fmt.Fprintf(b, "insert id %d\n", p.InsertID)
	}
	if p.Merge != nil {
		for _, r := range mergeSteps(p.Merge) {
			fmt.Fprintf(b, "%s\n", r.Statement)
		}
	}
}
