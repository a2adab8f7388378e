package sim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// files are decision logs on a real disk, in the place of the simulated one. A crash is a copy of the
// file as it is at that moment, which the next life opens.
type files struct {
	w   *world
	dir string
	now map[*proxy]string // path of each log
	n   int
}

func newFiles(w *world) *files {
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "lockstep-sim-")
	if err != nil {
		panic(err)
	}
	return &files{w: w, dir: dir, now: map[*proxy]string{}}
}

// fileLog asks the scheduler before each write, and once more between the sync and the answer.
type fileLog struct {
	log *txlog.Log
	l   *life
}

func (g fileLog) Lookup(gtrid string) (txlog.Decision, bool, error) { return g.log.Lookup(gtrid) }
func (g fileLog) Epochs() ([]string, error)                         { return g.log.Epochs() }
func (g fileLog) Decisions(yield func(txlog.Decision) bool) error   { return g.log.Decisions(yield) }

func (f *files) open(l *life) coordinator.Log {
	path := f.now[l.p]
	if path == "" {
		path = f.fresh()
		f.now[l.p] = path
	}
	log, err := txlog.Open(txlog.Options{
		Path: path, Identity: txlog.Identity{Cluster: cluster, Coordinator: l.p.name}, Epoch: l.epoch,
		Hook: func(string) { l.call(context.Background(), &request{verb: verbSync}) },
	})
	if err != nil {
		f.w.violation("%s cannot open its log: %v", l.name, err)
		return lifeLog{l}
	}
	l.file = log
	return fileLog{log, l}
}

func (f *files) fresh() string {
	f.n++
	return filepath.Join(f.dir, fmt.Sprint("log", f.n))
}

// crashed copies the file for the next life, and lets go of the old one.
func (f *files) crashed(l *life) {
	old := f.now[l.p]
	content, err := os.ReadFile(old)
	path := f.fresh()
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		f.w.violation("copy the log of %s: %v", l.name, err)
		return
	}
	f.now[l.p] = path
	f.w.later(func() {
		go func() {
			if err := l.file.Close(); err != nil {
				l.note("close log: " + err.Error())
			}
		}()
	})
}

func (f *files) lost(p *proxy) {
	if f != nil {
		delete(f.now, p)
	}
}

// sleep lets the time pass that the log's own timer sees.
func (f *files) sleep(d time.Duration) {
	if f != nil {
		time.Sleep(d)
	}
}

func (f *files) remove() {
	if f == nil {
		return
	}
	if err := os.RemoveAll(f.dir); err != nil {
		f.w.violation("remove logs: %v", err)
	}
}

// Append has one decision under way at a time, or which of them share a sync would be left to chance.
func (g fileLog) Append(ctx context.Context, d txlog.Decision) error {
	r := g.l.call(ctx, &request{verb: verbAppend, gtrid: d.GTRID, entry: d})
	if r.lost {
		return fmt.Errorf("%w: %w", txlog.ErrNotDurable, errLost)
	}
	err := g.log.Append(ctx, d)
	g.l.w.mu.Lock()
	defer g.l.w.mu.Unlock()
	g.l.granted = ""
	return err
}

func (g fileLog) Forget(gtrid string) {
	g.log.Forget(gtrid)
	g.l.w.mu.Lock()
	defer g.l.w.mu.Unlock()
	if !g.l.dead {
		g.l.forgot = append(g.l.forgot, gtrid)
	}
}

// grant the oldest append that waits.
func (l *life) grant(r *request) {
	l.granted = r.gtrid
	l.w.tell(l.name, "the log writes %s", short(r.gtrid))
	l.w.finish(r, result{})
}

// absorbFile takes in what the code under test did with its log.
func (w *world) absorbFile(l *life) {
	slices.Sort(l.forgot) // the resolver keeps them in a map
	for _, g := range l.forgot {
		w.forgotten(w.byGTRID[g], txlog.Commit)
	}
	l.forgot = nil
}

// decisions that a proxy's log holds.
func (p *proxy) decisions() map[string]txlog.Decision {
	if p.life == nil || p.life.file == nil {
		return p.disk.decisions
	}
	all := map[string]txlog.Decision{}
	if err := p.life.file.Decisions(func(d txlog.Decision) bool { all[d.GTRID] = d; return true }); err != nil {
		p.w.violation("read the log of %s: %v", p.name, err)
	}
	return all
}
