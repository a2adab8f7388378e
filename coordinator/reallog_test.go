package coordinator

import (
	"path/filepath"
	"testing"
	"time"

	"lockstep/txlog"
)

var (
	_ Log            = (*txlog.Log)(nil)
	_ decisionLister = (*txlog.Log)(nil)
)

// A commit that loses a shard, the next start, and the offline tools, over a log on disk.
func TestOverARealLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	identity := txlog.Identity{Cluster: "c", Coordinator: "p1"}
	start := func(epoch string, shards ...Shard) (*txlog.Log, *Coordinator) {
		t.Helper()
		l, err := txlog.Open(txlog.Options{Path: path, Identity: identity, Epoch: epoch})
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(Options{Cluster: "c", ID: "p1", Epoch: epoch, Log: l, Shards: shards, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		return l, c
	}
	closeLog := func(l *txlog.Log) {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s1, s2 := &fakeShard{name: "s1"}, &fakeShard{name: "s2"}
	l, c := start("e1", s1, s2)
	marker := newMemoryLog()
	marker.decisions["x"] = txlog.Decision{} // the script's own check of durability is not for here
	p := func(name string, s script) *scripted { return &scripted{name: name, answers: s, log: marker, t: t} }
	lost := c.Begin()
	if out := lost.Commit(t.Context(), []Participant{p("s1", nil), p("s2", script{"commit": {Unknown}})}, CommitOptions{}); out.Verdict != Committed || len(out.Pending) != 1 {
		t.Fatalf("%+v", out)
	}
	whole := c.Begin()
	if out := whole.Commit(t.Context(), []Participant{p("s1", nil), p("s2", nil)}, CommitOptions{}); out.Verdict != Committed || out.Pending != nil {
		t.Fatalf("%+v", out)
	}
	closeLog(l)
	s2.xids = []XID{ours(lost.GTRID(), "s2"), ours("c.p1.e1.77", "s2")}

	reader, err := txlog.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	offline, err := New(Options{Cluster: reader.Identity().Cluster, ID: reader.Identity().Coordinator, Epoch: NewEpoch(), Log: reader, Shards: []Shard{s1, s2}, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	all, err := offline.InDoubt(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	planned, err := offline.Recover(t.Context(), true)
	if err != nil || len(planned) != 2 || len(s2.history()) != 0 {
		t.Fatalf("%+v, %v", planned, err)
	}
	if _, err := offline.Settle(t.Context(), "c.p1.e1.77", txlog.Commit, true); err == nil {
		t.Fatal("a verdict was forced that cannot be recorded")
	}
	closeLog(reader)

	l, c = start("e2", s1)
	stop := run(t, c)
	time.Sleep(20 * time.Millisecond)
	if err := c.AddShard(s2); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); len(s2.history()) < 2 || !c.Ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not recovered: %v", s2.history())
		}
	}
	if got := s2.history(); got[0] != lost.GTRID()+" commit" || got[1] != "c.p1.e1.77 rollback" {
		t.Fatalf("%v", got)
	}
	stop()
	if _, err := c.Recover(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	closeLog(l)
	reader, err = txlog.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := reader.Lookup(lost.GTRID()); ok || err != nil {
		t.Fatalf("the finished transaction is kept: %v", err)
	}
	closeLog(reader)
}
