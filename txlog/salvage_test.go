package txlog

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// history is a log's bytes with all decisions that were ever in it and those that are in it.
type history struct {
	bytes []byte
	ever  map[string]Decision
	now   *contents
}

func recordHistory(t *testing.T, n int) history {
	t.Helper()
	b, c := grown(t, n)
	h := history{bytes: b, ever: map[string]Decision{}, now: c}
	for i := range n + 20 {
		d := decision(i)
		d.Time = d.Time.UTC()
		h.ever[d.GTRID] = d
	}
	return h
}

func (h history) examine(t *testing.T, damage func(b []byte)) (Remains, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	b := append([]byte{}, h.bytes...)
	damage(b)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Examine(path)
	if err != nil {
		t.Fatal(err)
	}
	return r, path
}

// sound: nothing was made up.
func (h history) sound(t *testing.T, r Remains, what any) {
	t.Helper()
	for _, d := range r.Decisions {
		if want, ok := h.ever[d.GTRID]; !ok || !reflect.DeepEqual(d, want) {
			t.Errorf("%v: %+v was never written", what, d)
		}
	}
	if id := r.Identity; id.Cluster != "" && id.Cluster != alice.Cluster || id.Coordinator != "" && id.Coordinator != alice.Coordinator {
		t.Errorf("%v: identity %+v", what, id)
	}
}

// missing counts decisions of the log that were not found.
func (h history) missing(r Remains) (n int) {
	found := map[string]bool{}
	for _, d := range r.Decisions {
		found[d.GTRID] = true
	}
	for g := range h.now.decisions {
		if !found[g] {
			n++
		}
	}
	return n
}

// newestMeta is the offset of the meta page of the newest state, and of the other.
func newestMeta(b []byte) (newest, older int) {
	ps := os.Getpagesize()
	m0, _ := parseMeta(b)
	m1, _ := parseMeta(b[ps:])
	if m0.txid > m1.txid {
		return 0, ps
	}
	return ps, 0
}

func TestSalvageOfAMetaPage(t *testing.T) {
	h := recordHistory(t, 500)
	newest, older := newestMeta(h.bytes)
	const root, sequence, checksumAt = pageHeader + 16, pageHeader + 24, pageHeader + 56
	for _, c := range []struct {
		name string
		at   int
		all  bool // every decision is found
	}{
		{"the older one", older + root, true},
		{"the newest one's checksum", newest + checksumAt, true},
		{"a field that leads nowhere in the newest one", newest + sequence, true},
		{"the newest one's header", newest + 8, true},
		{"the newest one's root", newest + root, false},
	} {
		r, path := h.examine(t, func(b []byte) { b[c.at] ^= 0x02 })
		if r.Damage == nil || r.Meta[c.at/os.Getpagesize()] == "" || r.Meta[1-c.at/os.Getpagesize()] != "" {
			t.Errorf("%s: damage %v, meta pages %q", c.name, r.Damage, r.Meta)
		}
		h.sound(t, r, c.name)
		missing := h.missing(r)
		if c.all && missing > 0 || c.all && len(r.Lost) > 0 && c.at != older+root {
			t.Errorf("%s: %d decisions missing, lost %q", c.name, missing, r.Lost)
		}
		if !c.all && !strings.Contains(strings.Join(r.Lost, "\n"), "decisions of the last write may be missing") {
			t.Errorf("%s: it does not say what may be missing: %q", c.name, r.Lost)
		}
		if r.Identity != alice {
			t.Errorf("%s: identity %+v", c.name, r.Identity)
		}
		h.salvaged(t, path, r)
	}
}

// salvaged writes the new log, and takes it into use.
func (h history) salvaged(t *testing.T, path string, r Remains) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := path + ".salvaged"
	if _, err := Salvage(path, to, SalvageNote{Time: time.Now(), Who: "ann", Reason: "a bad disk"}); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the damaged log was changed: %v", err)
	}
	if _, err := Salvage(path, to, SalvageNote{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a log that is there would be written over: %v", err)
	}
	l := open(t, to, func(o *Options) { o.Epoch = "third" })
	defer mustClose(t, l)
	if epochs, err := l.Epochs(); err != nil || !reflect.DeepEqual(epochs, []string{"third"}) {
		t.Errorf("epochs %v %v: what has no decision would be presumed to abort", epochs, err)
	}
	if got := all(t, l); len(got) != len(r.Decisions) {
		t.Errorf("%d decisions, expected %d", len(got), len(r.Decisions))
	}
	entries, err := l.AuditEntries()
	if last := entries[len(entries)-1]; err != nil || len(entries) != len(r.Audit)+1 || last.Who != "ann" || !strings.Contains(last.Reason, "a bad disk") || !strings.Contains(last.Reason, path) {
		t.Errorf("audit %+v %v", entries, err)
	}
}

// Whatever bits are flipped, and wherever the file is cut: nothing is made up, nothing panics, and what is
// missing is told.
func TestSalvageMakesNothingUp(t *testing.T) {
	h := recordHistory(t, 300)
	rnd := rand.New(rand.NewPCG(1, 2))
	full := 0
	for round := range 400 {
		r, _ := h.examine(t, func(b []byte) {
			for range 1 + rnd.IntN(4) {
				b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
			}
		})
		h.sound(t, r, round)
		if missing := h.missing(r); missing > 0 && len(r.Lost) == 0 {
			t.Errorf("round %d: %d decisions are missing and nothing is said to be lost", round, missing)
		} else if missing == 0 {
			full++
		}
	}
	if full < 100 {
		t.Errorf("only %d of 400 damaged logs were read in full", full)
	}
	for size := range 40 {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, h.bytes[:size*len(h.bytes)/40], 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Examine(path)
		if err != nil {
			t.Fatal(err)
		}
		h.sound(t, r, size)
		if h.missing(r) > 0 && len(r.Lost) == 0 && r.Meta[0] == "" {
			t.Errorf("cut to %d/40: nothing is said to be lost", size)
		}
	}
}

// A commit that an operator may have overruled is left to the operator.
func TestSalvageLeavesOutTheContested(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	mustAppend(t, l, decision(1))
	mustAppend(t, l, decision(2))
	if err := l.Audit(AuditEntry{Time: time.Now(), GTRID: decision(1).GTRID, Who: "bob", Reason: "r", Verdict: Rollback}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if r, err := Examine(path); err != nil || r.Damage != nil || len(r.Decisions) != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := Salvage(path, path+".new1", SalvageNote{}); err == nil || !strings.Contains(err.Error(), "it is whole") {
		t.Errorf("a whole log was salvaged: %v", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, older := newestMeta(b)
	b[older+pageHeader+16] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Examine(path)
	if err != nil || len(r.Decisions) != 1 || !reflect.DeepEqual(r.Contested, []string{decision(1).GTRID}) {
		t.Errorf("%+v %v", r, err)
	}
}

func TestSalvageRefusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	if _, err := Salvage(path, path+"2", SalvageNote{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
	if _, err := os.Stat(path + ".lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a lock was left for a log that is not there: %v", err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("not a log ", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Salvage(path, path+"2", SalvageNote{}); err == nil || !strings.Contains(err.Error(), "not even its owner") {
		t.Errorf("no log: %v", err)
	}
	l := open(t, filepath.Join(dir, "used"))
	defer mustClose(t, l)
	if _, err := Salvage(l.Path(), path+"2", SalvageNote{}); !errors.As(err, new(*LockedError)) {
		t.Errorf("in use: %v", err)
	}
}
