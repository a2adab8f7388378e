package sharding

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// corpus is every statement of testdata/plans.
func corpus(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/plans/*")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "\n\n") {
			body, _, ok := strings.Cut(part, "\n----")
			if !ok {
				continue
			}
			lines := strings.Split(body, "\n")
			for len(lines) > 0 && (strings.HasPrefix(lines[0], "# ") || lines[0] == "") {
				lines = lines[1:]
			}
			if len(lines) > 1 && !strings.HasPrefix(lines[0], "prepared") {
				out = append(out, strings.Join(lines[1:], "\n"))
			}
		}
	}
	if len(out) < 200 {
		t.Fatalf("only %d statements found", len(out))
	}
	return out
}

func testInputs(sql []byte, lits []Literal) *Inputs {
	return &Inputs{SQL: sql, Literals: lits, Prefer: -1, Session: &Session{LastInsertID: 7, User: "u", Host: "h", Database: "shop"},
		Reserve:  func(*Table, int) (uint64, error) { return 1001, nil },
		Explicit: func(*Table, uint64) error { return nil }}
}

// describe is everything that a plan says.
func describe(st *Statement, err error, sql []byte, lits []Literal) string {
	if err != nil {
		return printError(err)
	}
	var b strings.Builder
	var plan Plan
	in := testInputs(sql, lits)
	if err := st.Plan(&plan, in); err != nil {
		return printStatement(st) + printError(err)
	}
	printPlan(&b, st, &plan, in)
	return printStatement(st) + b.String()
}

// TestCachedPlansAreFreshPlans: a statement from the cache must plan as one that is compiled for this very text.
func TestCachedPlansAreFreshPlans(t *testing.T) {
	s := testSchema(t)
	cached := NewPlanner(s, Limits{Plans: 64}) // small, so that eviction is part of it
	env := testEnv()
	seed := uint64(rand.Uint32())
	r := rand.New(rand.NewPCG(seed, 3))
	texts := corpus(t)
	hits := 0
	for range 4000 {
		sql := []byte(mutateLiterals(r, env, texts[r.IntN(min(len(texts), 5+r.IntN(len(texts))))]))
		key := shapeKey{env: env, text: sql}
		lits, ok := key.scan(nil)
		key.lits = lits
		if ok && cached.state.Load().cache.get(&key) != nil {
			hits++
		}
		st, lits, err := cached.Parse(env, sql, nil)
		got := describe(st, err, sql, lits)
		fresh, cacheable, err := compile(s, env, sql, false)
		_ = cacheable
		if err != nil {
			continue // a value that only the grammar forbids: the server says so
		}
		if want := describe(fresh, err, sql, lits); got != want {
			t.Fatalf("%s\nfrom the cache:\n%s\ncompiled anew:\n%s\n(seed %d)", sql, got, want, seed)
		}
	}
	if hits < 300 {
		t.Errorf("only %d of 4000 came from the cache", hits)
	}
	if n := cached.state.Load().cache.len(); n > 64 {
		t.Errorf("%d statements are cached, more than 64", n)
	}
}

// mutateLiterals gives a text's literals other values of the same kind.
func mutateLiterals(r *rand.Rand, env *Env, text string) string {
	key := shapeKey{env: env, text: []byte(text)}
	lits, ok := key.scan(nil)
	if !ok {
		return text
	}
	var b strings.Builder
	at := 0
	for _, l := range lits {
		b.WriteString(text[at:l.Start])
		at = l.End
		switch {
		case r.IntN(3) == 0:
			b.WriteString(text[l.Start:l.End])
		case l.Kind == LitInt:
			fmt.Fprint(&b, r.IntN(6))
		case l.Kind == LitString:
			b.WriteString([]string{"'x'", "'5'", "'de'", "'it''s'", `'a\'b'`, "''", "'2024-02-29'", "'a' 'b'"}[r.IntN(8)])
		default:
			b.WriteString(text[l.Start:l.End])
		}
	}
	return b.String() + text[at:]
}

func TestCacheKeepsPlansApart(t *testing.T) {
	p := NewPlanner(testSchema(t), Limits{})
	env := testEnv()
	parse := func(env *Env, sql string) *Statement {
		t.Helper()
		st, _, err := p.Parse(env, []byte(sql), nil)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return st
	}
	same := func(a, b *Statement, want bool, what string) {
		t.Helper()
		if (a == b) != want {
			t.Errorf("%s: same statement %v, want %v", what, a == b, want)
		}
	}
	one := parse(env, "SELECT * FROM users WHERE id = 1")
	same(one, parse(env, "SELECT * FROM users WHERE id = 22"), true, "another number")
	same(one, parse(env, "SELECT * FROM users WHERE id = 2.0"), false, "another kind of literal")
	same(one, parse(env, "SELECT * FROM users WHERE id = '2'"), false, "a string")
	same(one, parse(env, "SELECT * FROM users where id = 1"), false, "another case")
	same(one, parse(env, "SELECT * FROM users WHERE id = -1"), false, "a sign")
	other := *env
	other.SQLMode = "ANSI"
	same(one, parse(&other, "SELECT * FROM users WHERE id = 1"), false, "another sql_mode")
	same(parse(env, "SELECT id, age FROM users ORDER BY 1"), parse(env, "SELECT id, age FROM users ORDER BY 2"), false, "another position")
	same(parse(env, "SELECT id, age FROM users ORDER BY 1 LIMIT 3"), parse(env, "SELECT id, age FROM users ORDER BY 1 LIMIT 4"), true, "another limit")
	same(parse(env, "SELECT id FROM users WHERE id IN (1)"), parse(env, "SELECT id FROM users WHERE id IN (1, 2)"), false, "a longer list")
	same(parse(env, "SET autocommit=0"), parse(env, "SET autocommit=1"), false, "another value of SET")
	p.SetSchema(testSchema(t))
	same(one, parse(env, "SELECT * FROM users WHERE id = 1"), false, "another schema")
}

func TestPreparedStatementsAreCached(t *testing.T) {
	p := NewPlanner(testSchema(t), Limits{})
	a, err := p.ParsePrepared(testEnv(), []byte("SELECT * FROM users WHERE id = ? AND age = 5"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.ParsePrepared(testEnv(), []byte("SELECT * FROM users WHERE id = ? AND age = 5"))
	if err != nil || a != b {
		t.Errorf("prepared twice: %p and %p, %v", a, b, err)
	}
	c, err := p.ParsePrepared(testEnv(), []byte("SELECT * FROM users WHERE id = ? AND age = 6"))
	if err != nil || a == c {
		t.Errorf("another constant shares the statement: %v", err)
	}
	if a.Params != 1 {
		t.Errorf("%d parameters", a.Params)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	p := NewPlanner(testSchema(t), Limits{Plans: 32})
	texts := corpus(t)
	next := testSchema(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 4))
			var plan Plan
			var lits []Literal
			for i := range 300 {
				sql := []byte(texts[r.IntN(len(texts))])
				st, l, err := p.Parse(testEnv(), sql, lits)
				lits = l
				if err == nil {
					_ = st.Plan(&plan, testInputs(bytes.Clone(sql), l))
				}
				if g == 0 && i%50 == 0 {
					p.SetSchema(next)
				}
			}
		})
	}
	wg.Wait()
}

func TestHitAllocatesNothing(t *testing.T) {
	p := NewPlanner(testSchema(t), Limits{})
	env := testEnv()
	var plan Plan
	for _, sql := range []string{
		"SELECT c FROM sbtest1 WHERE id=5014", "UPDATE sbtest1 SET k=k+1 WHERE id=5014", "SELECT c FROM sbtest1 WHERE id BETWEEN 1 AND 100 ORDER BY c LIMIT 3",
		"DELETE FROM users WHERE id IN (5, 9, '7', 3.0)", "INSERT INTO users (id, name) VALUES (5, 'it''s')", "SELECT * FROM names WHERE name = 'Ann\\'a'", "BEGIN", "COMMIT",
	} {
		text := []byte(sql)
		lits := make([]Literal, 0, 16)
		in := testInputs(text, nil)
		run := func() {
			st, l, err := p.Parse(env, text, lits)
			if err != nil {
				t.Fatal(err)
			}
			in.Literals = l
			if st.planner != nil {
				if err := st.Plan(&plan, in); err != nil {
					t.Fatal(err)
				}
			}
		}
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", sql, n)
		}
	}
}

func BenchmarkCacheHit(b *testing.B) {
	p := NewPlanner(testSchema(b), Limits{})
	env := testEnv()
	text := []byte("SELECT c FROM sbtest1 WHERE id=5014")
	lits := make([]Literal, 0, 16)
	in := testInputs(text, nil)
	var plan Plan
	b.ReportAllocs()
	for b.Loop() {
		st, l, err := p.Parse(env, text, lits)
		if err != nil {
			b.Fatal(err)
		}
		in.Literals = l
		if err := st.Plan(&plan, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMiss(b *testing.B) {
	s := testSchema(b)
	env := testEnv()
	text := []byte("SELECT c FROM sbtest1 WHERE id=5014")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := compile(s, env, text, false); err != nil {
			b.Fatal(err)
		}
	}
}

// Ids that never come twice must not drive plans out of the cache.
func TestCacheLeavesOutWhatComesOnce(t *testing.T) {
	p := NewPlanner(testSchema(t), Limits{})
	env := testEnv()
	parse := func(sql string) *Statement {
		st, _, err := p.Parse(env, []byte(sql), nil)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return st
	}
	for sql, kept := range map[string]bool{
		"SET lockstep_token = 'a'": false, "SHOW LOCKSTEP OUTCOME 'a'": false, "KILL 7": false,
		"SET NAMES utf8mb4": true, "SELECT * FROM users WHERE id = 7": true,
	} {
		first := parse(sql)
		if again := parse(sql); (again == first) != kept {
			t.Errorf("%s: kept %v, want %v", sql, again == first, kept)
		}
	}
}
