package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/history"
	"lockstep/proxy/admin"
	"lockstep/txlog"
)

// runOnce runs one configuration for a time, or until ctx ends.
func runOnce(ctx context.Context, t *testing.T, c configuration, seed uint64, limit time.Duration) *figures {
	t.Helper()
	t.Logf("%s, %s=%d", c, envSeed, seed)
	began := time.Now()
	w := newWorld(t, c)
	path := w.keepOnFailure(c, seed)
	tb := w.makeTables()
	rec, err := history.NewRecorder(path, history.Meta{Seed: seed, Config: c.String(), Initial: initialBalance, Home: tb.home, Lists: tb.lists})
	if err != nil {
		t.Fatal(err)
	}
	g := newFigures()
	l := startLoad(w, tb, rec, seed)
	n := nemesis{w: w, l: l, g: g, schedule: newSchedule(seed, c)}
	n.run(ctx, time.Now().Add(limit))
	for _, f := range l.end() {
		t.Errorf("client: %s", f)
	}
	w.atRest(rec)
	h, err := rec.Close()
	if err != nil {
		t.Error(err)
	}
	g.count(h)
	for _, r := range []*history.Report{history.CheckBank(h), history.CheckAppend(h)} {
		g.report(r)
		if r.Total > 0 {
			t.Errorf("violations:\n%s", r)
		}
	}
	g.took = time.Since(began)
	g.violations += n.broken
	t.Logf("%s: %s", c, g)
	w.shownSomething(g)
	return g
}

// atRest holds the cluster to what must be true once nobody does anything, and reads what the shards have.
func (w *world) atRest(rec *history.Recorder) {
	if err := w.nothingLeft(); err != nil {
		w.t.Errorf("at rest: %v", err)
	}
	for _, p := range w.Proxies() {
		if err := p.WaitReady(settleLimit); err != nil {
			w.t.Errorf("at rest: %v", err)
		}
		if err := eventually(settleLimit, func() error {
			var s admin.Status
			if err := p.Get("/api/v1/status", &s); err != nil {
				return err
			}
			if s.Unfinished > 0 {
				return fmt.Errorf("%d decisions of %s wait for a branch", s.Unfinished, p.ID)
			}
			return nil
		}); err != nil {
			w.t.Errorf("at rest: %v", err)
		}
	}
	w.lookUpAll(rec)
	for i := range w.Shards {
		rec.Final(w.state(i))
	}
	for _, p := range w.Proxies() {
		p.Stop()
		w.logIsEmpty(p)
	}
}

// logIsEmpty looks for decisions that a stopped proxy has not forgotten.
func (w *world) logIsEmpty(p *cluster.Proxy) {
	l, err := txlog.OpenReadOnly(p.LogPath())
	if err != nil {
		w.t.Errorf("log of %s: %v", p.ID, err)
		return
	}
	defer l.Close()
	kept := 0
	if err := l.Decisions(func(txlog.Decision) bool { kept++; return true }); err != nil {
		w.t.Errorf("log of %s: %v", p.ID, err)
	}
	if kept > 0 {
		w.t.Errorf("log of %s keeps %d decisions that nobody needs", p.ID, kept)
	}
}

// shownSomething fails a run in which too little happened.
func (w *world) shownSomething(g *figures) {
	if w.t.Failed() {
		return
	}
	for _, what := range []string{"transfers", "account reads", "group totals", "list-append transactions", "list reads", "edges"} {
		if g.checked[what] == 0 {
			w.t.Errorf("no %s were checked: this run has shown nothing of them", what)
		}
	}
	if g.transactions == 0 || len(g.faults) == 0 {
		w.t.Errorf("nothing happened: %s", g)
	}
}

// keepOnFailure answers where the history goes, and copies what tells of a failed run beside it. After
// a run that held, nothing stays, unless a folder was asked for.
func (w *world) keepOnFailure(c configuration, seed uint64) (path string) {
	root := os.Getenv(envKeep)
	dir, err := os.MkdirTemp(root, "lockstep-crash-")
	if err != nil {
		w.t.Fatal(err)
	}
	path = filepath.Join(dir, "history.jsonl")
	w.t.Cleanup(func() { // before the cluster removes its folder
		if !w.t.Failed() && root == "" {
			if err := os.RemoveAll(dir); err != nil {
				w.t.Error(err)
			}
			return
		}
		for _, p := range w.Proxies() {
			w.keepFile(p.OutputPath(), dir, p.ID+".log")
			w.keepFile(p.ConfigPath(), dir, p.ID+".yaml")
			w.keepFile(p.LogPath(), dir, p.ID+"-decisions.db")
		}
		for _, s := range w.Shards {
			w.keepFile(s.ErrorLog(), dir, s.Name+"-error.log")
		}
		w.t.Logf("history, configurations and logs are in %s\n    check again: LOCKSTEP_HISTORY=%s go test ./integration/history -run Recheck -v\n    run again:   make crash CRASH_CONFIG=%s CRASH_SEED=%d",
			dir, path, c, seed)
	})
	return path
}

func (w *world) keepFile(from, dir, name string) {
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
	}
	if err != nil {
		w.t.Logf("not kept: %v", err)
	}
}
