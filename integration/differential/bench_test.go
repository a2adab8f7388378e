package differential

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// bench is one plain server and one proxy, and what was counted on them.
type bench struct {
	t            *testing.T
	plain, proxy session
	typesByPlace bool // MySQL: a parameter gets its type from where it stands, a literal has its own
	asked        int
	reads        int
	refusedReads int
	refused      map[string]int    // by reason
	examples     map[string]string // of refused statements
	errors       map[uint16]int    // of the plain server
	wrong        int
	open         map[string]int // differences that are known, see stillOpen
}

// reset makes an empty database on both.
func (b *bench) reset() error {
	for _, s := range []session{b.proxy, b.plain} {
		for _, q := range []string{"ROLLBACK", "DROP DATABASE IF EXISTS d", "CREATE DATABASE d", "USE d"} {
			r, err := s.text(q)
			if err == nil && r.err != nil {
				err = r.err
			}
			if err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
	}
	return nil
}

// run asks both. The proxy comes first: what it refuses must change nothing on the plain server.
func (b *bench) run(st *step, content bool) (reason string, m *mismatch) {
	b.t.Helper()
	st.mysql = b.typesByPlace
	r := st.tree.render(st.binary)
	sql := r.text.String()
	got, err := b.proxy.ask(sql, st.binary, r.args)
	if err != nil {
		return "", &mismatch{aspect: "connection", detail: fmt.Sprintf("proxy: %v", err)}
	}
	if reason := got.refusal(); reason != "" {
		return reason, nil
	}
	want, err := b.plain.ask(sql, st.binary, r.args)
	if err != nil {
		b.t.Fatalf("plain server: %v\n%s", err, st)
	}
	if want.err != nil {
		if b.errors[want.err.Code]++; b.errors[want.err.Code] <= 2 && os.Getenv("LOCKSTEP_DIFF_SHOW") != "" {
			b.t.Logf("%v\n%s", want.err, st)
		}
	}
	m = compare(st, want, got)
	switch {
	case m != nil && m.aspect == aspectWarnings && b.typesByPlace && (st.binary || scans(st)):
		m = nil
	case m == nil || !st.binary:
	case m.aspect == aspectColumns && st.read || st.read && b.typesByPlace:
		m = b.asLiterals(st, got)
	case b.typesByPlace && m.aspect == aspectInfo:
		m = nil // MySQL warns of a deprecated function where it is prepared
	}
	if m != nil || st.touches == nil || !content {
		return "", m
	}
	if m := b.content(st.touches); m != nil || st.also == nil {
		return "", m
	}
	return "", b.content(st.also)
}

// asLiterals compares with what a plain server says of the statement with its parameters written into the text: where
// several shards answer, the proxy writes them there, and a literal's type is more certain than a parameter's.
func (b *bench) asLiterals(st *step, got *reply) *mismatch {
	want, err := b.plain.text(st.tree.literals())
	if err != nil {
		b.t.Fatalf("plain server: %v\n%s", err, st)
	}
	if len(want.columns) == len(got.columns) && want.err == nil {
		for i := range want.columns {
			want.columns[i].Name = got.columns[i].Name // shows the parameters
		}
	}
	if b.typesByPlace && (want.err != nil || got.err != nil) {
		return compare(st, want, got)
	}
	if d := columnsDiffer(st, want.columns, got.columns); d != "" {
		return &mismatch{aspect: aspectColumns, detail: d}
	}
	return nil
}

// content compares all rows of a table.
func (b *bench) content(t *relation) *mismatch {
	q := "SELECT * FROM " + t.name
	want, err := b.plain.text(q)
	if err != nil {
		b.t.Fatalf("plain server: %v\n%s", err, q)
	}
	got, err := b.proxy.text(q)
	if err != nil {
		return &mismatch{aspect: "connection", detail: fmt.Sprintf("proxy: %v", err)}
	}
	if m := compare(&step{tree: word(q), read: true, mysql: b.typesByPlace}, want, got); m != nil {
		return &mismatch{aspect: aspectContent, detail: q + "\n" + m.detail}
	}
	return nil
}

// steps runs the case that a failing round made, from nothing, and says how its last step failed.
func (b *bench) replay(steps []*step) (m *mismatch) {
	if err := b.reset(); err != nil {
		return &mismatch{aspect: "reset", detail: err.Error()}
	}
	for i, st := range steps {
		last := i == len(steps)-1
		_, m = b.run(st, last)
		if m != nil && m.aspect == "connection" {
			return m
		}
	}
	return m
}

// round fills random tables and asks until a statement fails or enough were asked.
func (b *bench) round(a *author, statements int) {
	b.t.Helper()
	if err := b.reset(); err != nil {
		b.t.Fatal(err)
	}
	var past []*step // what made the state
	do := func(st *step) bool {
		b.asked++
		if st.read {
			b.reads++
		}
		reason, m := b.run(st, true)
		if reason != "" {
			reason = tableNames.ReplaceAllString(strings.TrimPrefix(reason, "Lockstep cannot run this statement: "), "…")
			if st.read {
				b.refusedReads++
			}
			if b.refused[reason]++; b.refused[reason] == 1 {
				b.examples[reason] = st.String()
			}
			return true
		}
		if !st.read {
			past = append(past, st)
		}
		if m != nil {
			if st.read {
				past = append(past, st)
			}
			b.report(past, m)
			return false
		}
		return true
	}
	for _, st := range a.setUp() {
		if !do(st) {
			return
		}
	}
	inside := 0 // statements that the transaction still takes
	for range statements {
		st := a.next(&inside)
		if !do(st) {
			return
		}
		if st.read && a.chance(30) { // the plan is known, and other values come
			first := &step{tree: word(st.tree.String())}
			a.others(st)
			past = append(past, first)
			if !do(st) {
				return
			}
			past = past[:len(past)-1]
		}
	}
	if inside > 0 && !do(&step{tree: word("ROLLBACK")}) {
		return
	}
	for _, t := range a.relations {
		if m := b.content(t); m != nil {
			b.report(append(past, &step{tree: word("DO 0"), touches: t}), m)
			return
		}
	}
}

// report shows a failure, as small as it can be made.
func (b *bench) report(steps []*step, m *mismatch) {
	b.t.Helper()
	if reason := stillOpen(steps[len(steps)-1], m); reason != "" {
		b.open[reason]++
		return
	}
	b.wrong++
	original := steps[len(steps)-1].String()
	if os.Getenv("LOCKSTEP_DIFF_SHRINK") == "0" {
		b.t.Errorf("%s differs:\n%s\n%s", m.aspect, original, m.detail)
		return
	}
	small := shrink(steps, func(s []*step) bool {
		again := b.replay(s)
		return again != nil && again.aspect == m.aspect && again.codes == m.codes
	})
	if small == nil {
		b.t.Errorf("%s differs, and not when it is run again:\n%s\n%s\nafter\n%s", m.aspect, original, m.detail, script(steps))
		return
	}
	if again := b.replay(small); again != nil {
		m = again
	}
	b.t.Errorf("%s differs:\n%s%s\nwhich was: %s", m.aspect, script(small), m.detail, original)
}

// tableNames makes one reason of those that differ in a name only.
var tableNames = regexp.MustCompile(`\b[hmrlgskyq][0-9]\b|\bid2?\b|\b(cte)?t[0-9]+\b|\([^)]*\)|row [0-9]+`)

// connectBoth opens the sessions of a bench.
func connectBoth(t *testing.T, plain string, p *cluster.Proxy) *bench {
	return &bench{t: t, typesByPlace: cluster.Engine(t) == localdb.MySQL, plain: connect(t, plain, ""), proxy: connect(t, p.Listen, ""), refused: map[string]int{}, open: map[string]int{}, errors: map[uint16]int{}, examples: map[string]string{}}
}
