package coordinator

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGTRIDRoundTrip(t *testing.T) {
	name := rapid.StringMatching(`[a-zA-Z0-9_-]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		g := GTRID{name.Draw(t, "cluster"), name.Draw(t, "coordinator"), name.Draw(t, "epoch"), rapid.Uint64().Draw(t, "seq")}
		got, err := ParseGTRID(g.String())
		if err != nil || got != g {
			t.Fatalf("%v became %v, %v", g, got, err)
		}
	})
}

func TestParseGTRIDRejects(t *testing.T) {
	for _, s := range []string{"", "a", "a.b.c", "a.b.c.d", "a.b.c.01", "a.b.c.+1", "a.b.c.-1", "a.b.c.1.2", ".b.c.1", "a..c.1", "a b.c.d.1",
		"a.b.c.18446744073709551616", "é.b.c.1", strings.Repeat("a", 60) + ".b.c.1", "a.b.c.1\n"} {
		if g, err := ParseGTRID(s); err == nil {
			t.Errorf("%q was taken as %v", s, g)
		}
	}
}

func TestNewEpoch(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		e := NewEpoch()
		if len(e) != 12 || !validName(e) || seen[e] {
			t.Fatalf("epoch %q", e)
		}
		seen[e] = true
	}
}

func TestOptions(t *testing.T) {
	ok := func() Options {
		return Options{Cluster: strings.Repeat("c", 16), ID: strings.Repeat("p", 16), Epoch: NewEpoch(), Log: newMemoryLog(), Shards: []Shard{emptyShard("s1")}}
	}
	if _, err := New(ok()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"cluster":       func(o *Options) { o.Cluster = "a.b" },
		"coordinator":   func(o *Options) { o.ID = "" },
		"epoch":         func(o *Options) { o.Epoch = "é" },
		"could take":    func(o *Options) { o.Cluster += "c" },
		"decision log":  func(o *Options) { o.Log = nil },
		"of this name":  func(o *Options) { o.Shards = append(o.Shards, emptyShard("s1")) },
		"1 to 64 bytes": func(o *Options) { o.Shards = []Shard{emptyShard("")} },
	} {
		o := ok()
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
